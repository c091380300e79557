// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/run_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "experiments/runner/commands/elsewhere.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/foreign_results.hpp"
#include "experiments/runner/commands/run_report.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/kept_runs.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/runs_elsewhere.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/sweep_store.hpp"
#include "experiments/runner/sweep/checkpoint_files.hpp"
#include "experiments/runner/sweep/cost_rate.hpp"
#include "experiments/runner/sweep/interrupt.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

double seconds_now() {
  using std::chrono::steady_clock;
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// Whether FILE is exactly this plan, undamaged, and nothing is missing or waits in segments.
bool is_whole(const fs::path& path, const Plan& plan, const StoredRuns& stored) {
  const StorePaths paths(path);
  if (!is_there(path) || is_there(paths.folder)) return false;
  const ResultsReader reader(path);
  const std::vector<std::string> ids = reader.run_ids();
  return std::ranges::equal(ids, plan.runs, {}, {}, &RunSpec::run_id) &&
         std::ranges::all_of(ids, [&](const auto& id) { return stored.is_finished(id); }) &&
         reader.attribute("definition_sha256") == plan.definition.sha256 && has_whole_seal(path);
}

/// Whether nothing that stands elsewhere counts: by this call, or by an earlier one that was killed.
bool is_written_anew(const fs::path& path, const RunOptions& options) {
  return options.fresh || is_there(StorePaths(path).fresh);
}

/// What is on disk before this call.
StoredRuns look(const fs::path& path, bool fresh) {
  require_replaceable(path);
  if (fresh) return {};
  try {
    return StoredRuns(path);
  } catch (const EnvironmentError& error) {
    throw EnvironmentError(std::string(error.what()) + "\n--fresh writes it anew");
  }
}

/// What a call computes, and the file that it writes.
struct Task {
  Plan plan;
  fs::path path;
  fs::path output;  ///< the same, or where that is a shard's the file that it is merged into
  RunsElsewhere in_output = {};  ///< of a shard's task
};

/// What this call adds to what was there.
struct Computed {
  std::size_t runs = 0;
  Failures failures;
};

/// The runs of the plan that this call is still to compute. One that failed in it has had its turn.
std::vector<std::size_t> pending_runs(const Plan& plan, const StoredRuns& stored,
                                      const RunOptions& options, const Computed& computed) {
  std::vector<std::size_t> pending;
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const std::string& run_id = plan.runs[index].run_id;
    const RunStatus status = stored.status(run_id);
    const bool is_failed = status == RunStatus::failed && !computed.failures.contains(run_id);
    const bool is_pending = status == RunStatus::pending && !options.retry_failed;
    if (is_failed || is_pending) pending.push_back(index);
  }
  return pending;
}

/// Removes the checkpoints of runs whose records are on disk, some at a time, as each time the records must
/// be written.
class RecordedCheckpoints {
 public:
  RecordedCheckpoints(SweepStore& store, CheckpointFiles& checkpoints)
      : store_(store), checkpoints_(checkpoints) {}

  void add(const std::string& run_id) {
    constexpr std::size_t kMost = 16;
    run_ids_.push_back(run_id);
    if (run_ids_.size() < kMost) return;
    store_.flush();
    for (const std::string& recorded : run_ids_) checkpoints_.remove(recorded);
    run_ids_.clear();
  }

 private:
  SweepStore& store_;
  CheckpointFiles& checkpoints_;
  std::vector<std::string> run_ids_;
};

/// The ids of the runs that this call leaves to another.
std::set<std::string> unfinished(const Plan& plan, const StoredRuns& stored) {
  std::set<std::string> ids;
  for (const RunSpec& run : plan.runs) {
    if (!stored.is_finished(run.run_id)) ids.insert(run.run_id);
  }
  return ids;
}

std::string there_already(std::size_t n, std::size_t all) {
  return fmt::format("{} of {} {} there already\n", n, runs_text(all), all == 1 ? "was" : "were");
}

Elsewhere look_elsewhere(Task& task, const RunOptions& options, std::ostream& err) {
  if (is_written_anew(task.path, options)) return {};
  if (options.shard.empty()) return beside_output(task.path, err);
  return beside_shard(task.path, std::move(task.in_output), task.output);
}

/// What is the same in all of a call.
struct Sweep {
  const RunOptions& options;
  int threads;
  std::ostream& err;
  std::ostream* tell;  ///< of what is no warning; null where that would be in the way
  std::atomic<bool>& stop;
  SweepStore& store;
  const Elsewhere& elsewhere;
  CheckpointFiles& checkpoints;
  Progress& progress;
};

/// What earlier calls did in a second, by what they have left; 0 where that is nothing.
double earlier_rate(const Plan& plan, const fs::path& path) {
  const FoundRuns found(path);
  std::vector<TimedRun> timed;
  for (const RunSpec& run : plan.runs) {
    const auto place = found.runs().find(run.run_id);
    if (place == found.runs().end()) continue;
    timed.push_back(timed_run(run, place->second));
  }
  return cost_rate(std::move(timed)).value_or(0);
}

/// By run id, how many updates the checkpoints hold that runs are to go on from.
using Checkpoints = std::map<std::string, std::int64_t>;

/// Tells the progress what is still to come: the runs that are pending, without what their checkpoints hold,
/// and those of later stages, which a call that retries failed ones leaves to the next.
void expect_pending(const Plan& plan, const std::vector<std::size_t>& pending,
                    const Checkpoints& checkpoints, const Sweep& sweep) {
  std::size_t runs = pending.size();
  double cost = 0;
  for (const std::size_t index : pending) {
    cost += plan.runs[index].cost - checkpointed_cost(plan.runs[index], checkpoints);
  }
  if (has_stages(plan.definition) && !sweep.options.retry_failed) {
    const Plan whole = foreseen(plan);
    runs += whole.runs.size() - plan.runs.size();
    for (std::size_t i = plan.runs.size(); i < whole.runs.size(); ++i) cost += whole.runs[i].cost;
  }
  sweep.progress.expect(runs, cost);
}

/// Computes what is pending of the plan and puts it into the store.
void compute_pending(const Plan& plan, const Sweep& sweep, Computed& computed) {
  const std::vector<std::size_t> pending =
      pending_runs(plan, sweep.store.runs(), sweep.options, computed);
  if (pending.empty()) return;
  const Sharing sharing(sweep.threads, runs_that_fit(plan, pending, sweep.threads, &sweep.err));
  if (sweep.tell != nullptr) *sweep.tell << sharing_text(plan, pending, sharing) << '\n';
  const Checkpoints checkpoints = updates_of_checkpoints(sweep.store.paths().checkpoints);
  expect_pending(plan, pending, checkpoints, sweep);
  const ProgressTicker ticker(sweep.progress);
  const RunFunction run = [&](const RunConfiguration& configuration, const Dataset& data,
                              const std::atomic<bool>& stopped) {
    return sweep.checkpoints.train(configuration, data, stopped,
                                   [&](const std::string& line) { sweep.progress.say(line); });
  };
  RecordedCheckpoints recorded(sweep.store, sweep.checkpoints);
  schedule(
      plan, pending, sweep.options.data_folders, sharing, sweep.stop,
      [&](std::size_t index, RunRecord&& record) {
        const RunStatus status = record.status;
        const RunSpec& spec = plan.runs[index];
        const double before = checkpointed_cost(spec, checkpoints);
        const double computed_here = std::max(
            0.0, computed_cost(spec.cost, status, record.n_steps, spec.configuration) - before);
        if (status == RunStatus::failed) {
          computed.failures.emplace(spec.run_id, record.message);
          if (sweep.options.fail_fast) sweep.stop = true;
        }
        ++computed.runs;
        sweep.store.append(spec.run_id, std::move(record));
        if (spec.configuration.checkpoint_every > 0 && is_finished(status)) {
          recorded.add(spec.run_id);
        }
        sweep.progress.finished(status, spec.cost - before, computed_here);
      },
      run);
}

/// Gives the plan the stages that what is stored leads to. It grows from its first stage, the first `begun`
/// runs, so that its order is the same however often the sweep was interrupted.
void grow(Plan& plan, std::size_t begun, const StoredRuns& stored) {
  plan.runs.erase(plan.runs.begin() + static_cast<std::ptrdiff_t>(begun), plan.runs.end());
  add_stages(plan, stored.values());
}

/// Computes what is pending of the plan, and then of each stage that follows from it.
void compute_stages(Plan& plan, std::size_t begun, const Sweep& sweep, Computed& computed) {
  for (;;) {
    compute_pending(plan, sweep, computed);
    if (!has_stages(plan.definition) || sweep.stop) return;
    for (std::size_t taken = 1; taken > 0;) {
      grow(plan, begun, sweep.store.runs());
      taken = take_over(plan, sweep.elsewhere, sweep.store, sweep.err);
      sweep.progress.begin_with(taken);
    }
    // A run that had failed before may be chosen now, so as many runs need not be the same ones.
    if (pending_runs(plan, sweep.store.runs(), sweep.options, computed).empty()) return;
  }
}

/// After an error in the middle of a sweep: sees that what was finished is on disk, if that is still
/// possible.
void keep_finished(SweepStore& store, std::size_t computed, std::ostream& err) {
  if (computed == 0) return;
  try {
    store.flush();
  } catch (const std::exception&) {
    err << store.paths().folder.string() << ": the last " << runs_text(store.waiting())
        << " finished before the error below could not be kept\n";
  }
  const std::size_t kept = computed - std::min(computed, store.waiting());
  if (kept == 0) return;
  err << store.paths().folder.string() << ": keeps the " << runs_text(kept)
      << " finished before the error below; the same command goes on from there\n";
}

/// One a run that this call may come to, in any stage, where no step is large enough to be shared.
int most_useful_threads(const Plan& plan, const StoredRuns& known, const RunOptions& options) {
  const Plan whole = has_stages(plan.definition) && !options.retry_failed ? foreseen(plan) : plan;
  const std::vector<std::size_t> missing = pending_runs(whole, known, options, {});
  const bool shared = std::ranges::any_of(missing, [&](std::size_t index) {
    return whole.runs[index].configuration.has_shared_steps();
  });
  constexpr int kMost = std::numeric_limits<int>::max();
  return shared ? kMost : static_cast<int>(std::clamp<std::size_t>(missing.size(), 1, kMost));
}

Plan plan_of(const RunOptions& options) {
  std::vector<Problem> problems;
  Definition definition =
      read_definition(find_definition(options.definition), options.overrides, problems);
  return make_plan(std::move(definition), std::move(problems), options.data_folders,
                   most_runs(options.yes));
}

/// Leaves out what is finished elsewhere and not here: groups of runs as a whole, as what a stage is chosen
/// by must be in one place.
void leave_out(const StoredRuns& elsewhere, const StoredRuns& here, Plan& plan) {
  Plan whole = plan;
  add_stages(whole, elsewhere.values());
  std::set<std::size_t> needed;  // groups
  for (const RunSpec& run : whole.runs) {
    const std::string& id = run.run_id;
    if (!elsewhere.is_finished(id) || here.is_finished(id)) needed.insert(run.group);
  }
  std::erase_if(plan.runs, [&](const RunSpec& run) { return !needed.contains(run.group); });
}

/// A shard has a file of its own. What the output holds already is left out, but for what the shard's file
/// has itself.
Task task_of(const RunOptions& options) {
  Plan plan = plan_of(options);
  fs::path output = output_path(options.output, plan.definition.name);
  if (options.shard.empty()) return {std::move(plan), output, output, {}};
  const Shard shard = parse_shard(options.shard);
  Task task{part_of(plan, shard), shard_path(output, shard), output, {}};
  if (is_written_anew(task.path, options)) return task;
  task.in_output.add(FoundRuns(output));
  leave_out(task.in_output.runs(), StoredRuns(task.path), task.plan);
  return task;
}

}  // namespace

int run_command(const RunOptions& options, std::ostream& out, std::ostream& err,
                std::ostream& progress_out) {
  const double started = seconds_now();
  Task task = task_of(options);
  Plan& plan = task.plan;
  const fs::path& path = task.path;
  if (plan.runs.empty()) {
    out << path.string() << ": no run is left for shard " << options.shard << '\n';
    return kAllWell;
  }
  // Until here there is nothing to keep, and a signal ends the program at once.
  const ProgressMode mode = progress_mode(options.progress, isatty(STDERR_FILENO) == 1);
  Interrupt interrupt(mode == ProgressMode::json);
  const bool is_telling = mode == ProgressMode::live || mode == ProgressMode::plain;
  print_warnings(plan, err);

  const StoredRuns before = look(path, options.fresh);
  const std::size_t begun = plan.runs.size();
  grow(plan, begun, before);
  if (!options.fresh && is_whole(path, plan, before)) {
    const std::size_t n_runs = plan.runs.size();
    print_counts(path, count_runs(plan, before), options.retry_failed, out);
    out << there_already(n_runs, n_runs);
    return kAllWell;
  }
  const Elsewhere elsewhere = look_elsewhere(task, options, err);
  const StoredRuns known = elsewhere.with(before);
  grow(plan, begun, known);
  const bool goes_back = std::ranges::any_of(
      plan.runs, [&](const RunSpec& run) { return elsewhere.kept.runs().is_finished(run.run_id); });
  if (!goes_back) refuse_foreign_results(path, before, plan, options.data_folders);
  const std::vector<std::size_t> missing = pending_runs(plan, known, options, {});
  if (options.retry_failed && pending_runs(plan, before, options, {}).empty()) {
    const RunCounts counts = count_runs(plan, before);
    print_counts(path, counts, true, out);
    out << "no run has failed\n";
    return counts.pending > 0 ? kNotWell : kAllWell;
  }
  const int threads = std::min(options.threads > 0 ? options.threads : available_processors(),
                               most_useful_threads(plan, known, options));
  // A net that the memory does not hold is refused before anything is on disk.
  runs_that_fit(plan, missing, threads, nullptr);
  make_folder_of(path);

  SweepStore store(path, plan.definition, gather_provenance(options.command_line, threads),
                   options.fresh, err);
  CheckpointFiles checkpoints(store.paths().checkpoints);
  const std::size_t taken_over = take_over(plan, elsewhere, store, err);
  const RunCounts found = count_runs(plan, store.runs());
  std::ostream* const tell = is_telling ? &err : nullptr;
  if (found.done() > taken_over && is_telling) {
    err << there_already(found.done() - taken_over, found.all());
  }
  Computed computed;
  const auto keeping_finished = [&](const auto& work) {
    try {
      return work();
    } catch (const std::exception&) {
      keep_finished(store, computed.runs, err);
      throw;
    }
  };
  keeping_finished([&] {
    Progress progress(mode, progress_out, 0, 0, seconds_now, standard_error_style());
    progress.begin_with(found.done());
    if (found.done() > 0 && !missing.empty() && mode != ProgressMode::none) {
      progress.judge_by(earlier_rate(plan, path));
    }
    compute_stages(
        plan, begun,
        {options, threads, err, tell, interrupt.stop(), store, elsewhere, checkpoints, progress},
        computed);
    if (missing.empty()) progress.end();  // which no stage has told
  });

  const RunCounts counts = count_runs(plan, store.runs());
  const bool interrupted =
      interrupt.signalled() &&
      (counts.pending > 0 || !pending_runs(plan, store.runs(), options, computed).empty());
  if (interrupted && computed.runs == 0 && !store.found_segments()) {
    const std::size_t under_way = updates_of_checkpoints(store.paths().checkpoints).size();
    err << path.string() << ": no run was finished";
    if (under_way > 0) {
      err << fmt::format("; the same command goes on from {}", counted(under_way, "checkpoint"));
    }
    err << '\n';
    return kInterrupted;
  }
  const std::vector<fs::path> previous = keeping_finished([&] { return store.publish(plan); });
  checkpoints.keep_only(unfinished(plan, store.runs()));
  remove_superseded(elsewhere.kept, plan, store.runs());

  print_counts(path, counts, options.retry_failed, out);
  out << fmt::format("{} computed in {} on {}\n", runs_text(computed.runs),
                     duration_text(seconds_now() - started),
                     counted(static_cast<std::size_t>(threads), "thread"));
  print_previous(previous, store.runs().finished() - counts.done(), out);
  print_failures(plan, computed.failures, out);
  if (interrupted) return kInterrupted;
  return counts.failed + counts.pending > 0 ? kNotWell : kAllWell;
}

DataFolders data_folders(const std::string& data_dir) {
  DataFolders folders;
  if (!data_dir.empty()) folders.emplace_back(data_dir);
  const char* variable = std::getenv("PLUMBLINE_DATA");
  if (variable != nullptr && *variable != '\0') folders.emplace_back(variable);
  folders.emplace_back("data");
  return folders;
}

}  // namespace plumbline
