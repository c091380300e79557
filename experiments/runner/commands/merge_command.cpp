// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/merge_command.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/commands/run_report.hpp"
#include "experiments/runner/plan/differing_settings.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/file_lock.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/sweep/interrupt.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr int kAllWell = 0;
constexpr int kNotWell = 1;
constexpr int kInterrupted = 130;

using Inputs = std::vector<std::unique_ptr<FoundRuns>>;

/// The files that are there to be merged, those of the command line first, each once.
Inputs open_inputs(const MergeOptions& options) {
  const fs::path output = options.output;
  std::vector<fs::path> paths(options.files.begin(), options.files.end());
  if (paths.empty()) paths = shard_files(output);
  paths.push_back(output);
  Inputs inputs;
  std::set<fs::path> known;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!known.insert(fs::absolute(paths[i]).lexically_normal()).second) continue;
    auto found = std::make_unique<FoundRuns>(paths[i]);
    if (!found->sources().empty()) {
      inputs.push_back(std::move(found));
    } else if (i < options.files.size()) {
      throw EnvironmentError(paths[i].string() + ": there is no such file");
    }
  }
  if (inputs.empty()) {
    throw EnvironmentError(output.string() + ": there is nothing to merge: no " +
                           shard_path(output.filename(), {1, 1}).replace_extension().string() +
                           " or the like beside it");
  }
  return inputs;
}

const ResultsReader& first_source(const FoundRuns& input) { return *input.sources().front(); }

/// The plan that all inputs were made of.
Plan common_plan(const Inputs& inputs, const DataFolders& folders) {
  const std::string first = inputs.front()->file().string();
  Plan plan = recorded_plan(first, first_source(*inputs.front()), folders);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const std::string path = inputs[i]->file().string();
    const ResultsReader& reader = first_source(*inputs[i]);
    const auto is_same = [&](const char* name) {
      return reader.provenance(name) == first_source(*inputs.front()).provenance(name);
    };
    if (is_same("definition") && is_same("overrides")) continue;
    const Plan other = recorded_plan(path, reader, folders);
    if (are_same_runs(plan, other)) continue;
    throw EnvironmentError(fmt::format(
        "{}: is not of the same definition as {}: {}", path, first,
        differences_text(differing_settings(plan, other), "in " + first, "in " + path)));
  }
  return plan;
}

/// For each run of the plan the input that it is taken from; null where none has it.
std::vector<const FoundRuns*> chosen_inputs(const Plan& plan, const Inputs& inputs) {
  std::unordered_map<std::string_view, std::size_t> planned;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) planned.emplace(plan.runs[i].run_id, i);
  std::vector<const FoundRuns*> chosen(plan.runs.size(), nullptr);
  for (const auto& input : inputs) {
    for (const auto& [run_id, run] : input->runs()) {
      const auto found = planned.find(run_id);
      if (found == planned.end()) {
        throw EnvironmentError(fmt::format(
            "{}: run {} is not among the runs of its definition as this program reads it (engine "
            "semantics version {})",
            input->file().string(), run_id, kSemanticsVersion));
      }
      const FoundRuns*& before = chosen[found->second];
      if (before == nullptr) {
        before = input.get();
        continue;
      }
      const FoundRun& other = before->runs().at(run_id);
      if (!is_finished(run.status)) continue;
      if (!is_finished(other.status)) {
        before = input.get();
      } else if (other.status != run.status || other.digest != run.digest) {
        throw EnvironmentError(fmt::format(
            "run {} ({}) is not the same in two files: its digest is {} in {} and {} in {}; "
            "`plumbline verify` tells which of them this machine computes",
            run_id, run_label(plan, found->second), other.digest, before->file().string(),
            run.digest, input->file().string()));
      }
    }
  }
  return chosen;
}

/// What made the runs: for each name the values of the files, those that differ beside each other. The
/// command line is that of this call.
Provenance merged_provenance(const Inputs& inputs, const std::string& command_line) {
  Provenance merged = gather_provenance(command_line, 0);
  for (auto& [name, value] : merged) {
    if (name == "command_line") continue;
    std::vector<std::string> values;
    for (const auto& input : inputs) {
      const auto found = first_source(*input).find_provenance(name);
      if (found && std::ranges::find(values, *found) == values.end()) values.push_back(*found);
    }
    value = fmt::format("{}", fmt::join(values, "; "));
  }
  return merged;
}

RunCounts count_chosen(const Plan& plan, const std::vector<const FoundRuns*>& chosen) {
  RunCounts counts;
  counts.pending = runs_foreseen(plan) - plan.runs.size();
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (chosen[i] == nullptr) {
      ++counts.pending;
      continue;
    }
    const RunStatus status = chosen[i]->runs().at(plan.runs[i].run_id).status;
    ++(status == RunStatus::complete   ? counts.complete
       : status == RunStatus::diverged ? counts.diverged
                                       : counts.failed);
  }
  return counts;
}

/// The output has what its segments had. Where every run is finished, no checkpoint is of use.
void remove_merged(const StorePaths& paths, bool is_whole) {
  std::error_code error;
  fs::remove(paths.fresh, error);
  fs::remove_all(paths.segments, error);
  if (is_whole) fs::remove_all(paths.checkpoints, error);
}

}  // namespace

int merge_command(const MergeOptions& options, std::ostream& out, std::ostream& err) {
  const fs::path output = options.output;
  require_folder_of(output);
  require_replaceable(output);
  Interrupt interrupt;
  const StorePaths paths(output);
  const FileLock lock(output, paths.folder, options.command_line, err);
  const Inputs inputs = open_inputs(options);
  Plan plan = common_plan(inputs, options.data_folders);
  StoredRuns stored;
  for (const auto& input : inputs) {
    for (const auto& source : input->sources()) stored.add(*source);
  }
  add_stages(plan, stored.values());
  const std::vector<const FoundRuns*> chosen = chosen_inputs(plan, inputs);

  ResultsWriter writer(output, plan, merged_provenance(inputs, options.command_line));
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (interrupt.stop()) {
      err << output.string() << ": is left as it was\n";
      return kInterrupted;
    }
    if (chosen[i] == nullptr) continue;
    const FoundRun& run = chosen[i]->runs().at(plan.runs[i].run_id);
    const ResultsReader& reader = *chosen[i]->sources()[run.source];
    writer.write(i, reader.read(run.index), reader.place(run.index));
  }
  writer.close();
  const RunCounts counts = count_chosen(plan, chosen);
  remove_merged(paths, counts.failed + counts.pending == 0);

  out << output.string() << '\n'
      << fmt::format("{} of {}: {} complete, {} diverged, {} failed, {} pending; from {} {}\n",
                     counts.done(), runs_text(counts.all()), counts.complete, counts.diverged,
                     counts.failed, counts.pending, inputs.size(),
                     inputs.size() == 1 ? "file" : "files");
  return counts.failed + counts.pending == 0 ? kAllWell : kNotWell;
}

}  // namespace plumbline
