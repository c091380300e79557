// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/verify_command.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/kernels/instruction_set.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/sweep/interrupt.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

namespace plumbline {

namespace {

constexpr int kDiffers = 1;

/// What the file and the new computation say of one run.
struct Outcome {
  RunStatus status = RunStatus::pending;
  std::string digest;

  bool operator==(const Outcome&) const = default;
};

std::string_view name_of(RunStatus status) {
  switch (status) {
    case RunStatus::pending:
      return "pending";
    case RunStatus::complete:
      return "complete";
    case RunStatus::diverged:
      return "diverged";
    case RunStatus::failed:
      return "failed";
  }
  return "";
}

std::string text_of(const Outcome& outcome) {
  return fmt::format("{}, digest {}", name_of(outcome.status), outcome.digest);
}

/// The clock ends no run a second time where it did the first: one that has a budget of seconds is
/// computed for the steps that the file says it made.
void repeat_for(double n_steps, RunStatus status, RunConfiguration& configuration) {
  Budget& budget = configuration.budget;
  if (budget.max_seconds == 0) return;
  budget.max_seconds = 0;
  const auto steps = static_cast<std::int64_t>(n_steps);
  if (status != RunStatus::complete || steps >= configuration.steps) return;
  if (steps > 0) {
    budget.max_steps = steps;
  } else {
    configuration.steps = 0;
  }
}

/// Of `all`, `wanted` spread evenly, the first among them; all where there are no more.
std::vector<std::size_t> spread(const std::vector<std::size_t>& all, std::size_t wanted) {
  if (wanted == 0 || wanted >= all.size()) return all;
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[i * all.size() / wanted]);
  return chosen;
}

}  // namespace

int verify_command(const VerifyOptions& options, std::ostream& out, std::ostream& err) {
  require_readable(options.file);
  const ResultsReader reader(options.file);
  Plan plan = recorded_plan(options.file, reader, options.data_folders);
  StoredRuns stored;
  stored.add(reader);
  add_stages(plan, stored.values());
  const std::vector<std::string> ids = reader.run_ids();
  const std::vector<RunStatus> statuses = reader.statuses();
  const std::vector<std::string> digests = reader.labels("digest");
  const std::vector<double> n_steps = reader.numbers("n_steps");

  std::unordered_map<std::string, std::size_t> planned;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) planned.emplace(plan.runs[i].run_id, i);
  std::unordered_map<std::size_t, Outcome> recorded;  // of each run of the plan
  std::vector<std::size_t> finished;                  // in file order
  for (std::size_t place = 0; place < ids.size(); ++place) {
    if (statuses[place] != RunStatus::complete && statuses[place] != RunStatus::diverged) continue;
    const auto found = planned.find(ids[place]);
    if (found == planned.end()) {
      throw EnvironmentError(fmt::format(
          "{}: run {} is not among the runs of the definition in the file as this program reads it "
          "(engine semantics version {}); only the version that made it can verify it",
          options.file, ids[place], kSemanticsVersion));
    }
    finished.push_back(found->second);
    repeat_for(n_steps[place], statuses[place], plan.runs[found->second].configuration);
    recorded.emplace(found->second, Outcome{statuses[place], digests[place]});
  }
  if (finished.empty()) throw EnvironmentError(options.file + ": has no finished run to verify");

  const std::vector<std::size_t> chosen = spread(finished, options.runs);
  std::unordered_map<std::size_t, Outcome> again;
  const int threads = options.threads > 0 ? options.threads : available_processors();
  const Sharing sharing(threads, runs_that_fit(plan, chosen, threads, &err));
  Interrupt interrupt;
  schedule(plan, chosen, options.data_folders, sharing, interrupt.stop(),
           [&](std::size_t index, RunRecord&& record) {
             if (record.status == RunStatus::failed) {
               throw EnvironmentError("run " + plan.runs[index].run_id + ": " + record.message);
             }
             again.emplace(index, Outcome{record.status, record.digest});
           });
  if (again.size() < chosen.size()) {
    err << fmt::format("ended after {} of {} runs\n", again.size(), chosen.size());
    return kInterrupted;
  }

  const auto differs = [&](std::size_t index) { return again.at(index) != recorded.at(index); };
  const auto equal =
      chosen.size() - static_cast<std::size_t>(std::ranges::count_if(chosen, differs));
  const auto first = std::ranges::find_if(chosen, differs);
  if (options.json) {
    nlohmann::ordered_json first_difference;
    if (first != chosen.end()) {
      first_difference = {
          {"run_id", plan.runs[*first].run_id},
          {"recorded",
           {{"status", name_of(recorded.at(*first).status)},
            {"digest", recorded.at(*first).digest}}},
          {"computed",
           {{"status", name_of(again.at(*first).status)}, {"digest", again.at(*first).digest}}}};
    }
    out << nlohmann::ordered_json{{"runs", chosen.size()},
                                  {"equal", equal},
                                  {"first_difference", first_difference}}
               .dump(2)
        << '\n';
  } else {
    out << fmt::format("{}: {} of {} {} the same digest\n", options.file, equal, chosen.size(),
                       chosen.size() == 1 ? "run has" : "runs have");
    if (first != chosen.end()) {
      out << fmt::format(
          "The first that differs is run {}:\n  in the file  {}\n  computed     {}\n",
          plan.runs[*first].run_id, text_of(recorded.at(*first)), text_of(again.at(*first)));
    }
  }
  const auto made_with = reader.find_provenance("instruction_set");
  if (first != chosen.end() && made_with && *made_with != instruction_set()) {
    err << fmt::format(
        "{} was made with the instruction set {}, this engine uses {}: digests are equal on one "
        "and "
        "the same\n",
        options.file, *made_with, instruction_set());
  }
  return first == chosen.end() ? 0 : kDiffers;
}

}  // namespace plumbline
