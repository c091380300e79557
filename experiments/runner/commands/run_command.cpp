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
#include <memory>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/sweep/interrupt.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr int kAllWell = 0;
constexpr int kRunsFailed = 1;
constexpr int kInterrupted = 130;

double seconds_now() {
  using std::chrono::steady_clock;
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

bool is_finished(RunStatus status) {
  return status == RunStatus::complete || status == RunStatus::diverged;
}

/// An output file of an earlier call, and what of it belongs to the plan.
struct EarlierFile {
  std::unique_ptr<ResultsReader> reader;  ///< null where there is no file
  std::vector<std::optional<std::size_t>>
      places;  ///< of each run of the plan, where it is finished
  std::size_t kept = 0;
  std::size_t dropped = 0;  ///< finished runs that the plan does not have
  bool is_whole = false;    ///< exactly this plan, and nothing is missing
};

EarlierFile open_earlier_file(const fs::path& path, const Plan& plan, bool fresh) {
  EarlierFile earlier;
  earlier.places.resize(plan.runs.size());
  require_replaceable(path);
  std::error_code unknown;
  if (fresh || !fs::exists(path, unknown)) return earlier;
  try {
    earlier.reader = std::make_unique<ResultsReader>(path);
  } catch (const EnvironmentError& error) {
    throw EnvironmentError(std::string(error.what()) + "\n--fresh writes it anew");
  }
  const std::vector<std::string> ids = earlier.reader->run_ids();
  const std::vector<RunStatus> statuses = earlier.reader->statuses();
  std::unordered_map<std::string, std::size_t> finished;
  for (std::size_t place = 0; place < ids.size(); ++place) {
    if (is_finished(statuses[place])) finished.emplace(ids[place], place);
  }
  bool same_runs = ids.size() == plan.runs.size();
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const std::string& id = plan.runs[index].run_id;
    same_runs = same_runs && ids[index] == id;
    const auto found = finished.find(id);
    if (found == finished.end()) continue;
    earlier.places[index] = found->second;
    ++earlier.kept;
  }
  earlier.dropped = finished.size() - earlier.kept;
  earlier.is_whole = same_runs && earlier.kept == plan.runs.size() &&
                     earlier.reader->attribute("definition_sha256") == plan.definition.sha256;
  return earlier;
}

/// What became of the runs, those of an earlier file included.
struct Outcome {
  std::vector<RunStatus> statuses;
  std::vector<std::pair<std::size_t, std::string>> failures;  ///< run and message
  std::size_t computed = 0;                                   ///< by this call

  std::size_t count(RunStatus status) const {
    return static_cast<std::size_t>(std::ranges::count(statuses, status));
  }
};

/// Writes the runs of the earlier file into the new one. One that cannot be read, because its
/// checksum is wrong, is left to be computed again.
void take_over(const EarlierFile& earlier, ResultsWriter& writer, Outcome& outcome,
               std::ostream& err) {
  for (std::size_t index = 0; index < earlier.places.size(); ++index) {
    const std::optional<std::size_t>& place = earlier.places[index];
    if (!place) continue;
    RunRecord record;
    RunPlace computed_at;
    try {
      record = earlier.reader->read(*place);
      computed_at = earlier.reader->place(*place);
    } catch (const EnvironmentError& error) {
      err << error.what() << "\nthis run is computed again\n";
      continue;
    }
    writer.write(index, record, computed_at);
    outcome.statuses[index] = record.status;
  }
}

/// Computes what is pending. One thread at a time touches the writer: the scheduler's own while
/// schedule() runs.
void compute(const Plan& plan, const RunOptions& options, const Sharing& sharing, ProgressMode mode,
             std::atomic<bool>& stop, ResultsWriter& writer, Outcome& outcome, std::ostream& err) {
  std::vector<std::size_t> pending;
  double cost = 0;
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    if (outcome.statuses[index] != RunStatus::pending) continue;
    pending.push_back(index);
    cost += plan.runs[index].cost;
  }
  if (mode == ProgressMode::live || mode == ProgressMode::plain) {
    err << sharing_text(plan, pending, sharing) << '\n';
  }
  Progress progress(mode, err, pending.size(), cost, seconds_now, standard_error_style());
  const ProgressTicker ticker(progress);
  schedule(plan, pending, options.data_folders, sharing, stop,
           [&](std::size_t index, RunRecord&& record) {
             writer.write(index, record);
             outcome.statuses[index] = record.status;
             ++outcome.computed;
             if (record.status == RunStatus::failed) {
               outcome.failures.emplace_back(index, record.message);
             }
             progress.finished(record.status, plan.runs[index].cost);
           });
}

std::string runs_text(std::size_t n) { return fmt::format("{} {}", n, n == 1 ? "run" : "runs"); }

void print_counts(const fs::path& path, const Outcome& outcome, std::ostream& out) {
  out << path.string() << '\n'
      << fmt::format("{}: {} complete, {} diverged, {} failed", runs_text(outcome.statuses.size()),
                     outcome.count(RunStatus::complete), outcome.count(RunStatus::diverged),
                     outcome.count(RunStatus::failed));
  const std::size_t pending = outcome.count(RunStatus::pending);
  if (pending > 0) out << ", " << pending << " pending: the same command computes them";
  out << '\n';
}

void print_failures(const Plan& plan, Outcome& outcome, std::ostream& out) {
  std::ranges::sort(outcome.failures);
  for (const auto& [index, message] : outcome.failures) {
    out << "failed: " << run_label(plan, index) << ": " << message << '\n';
  }
}

void make_folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw EnvironmentError(folder.string() + ": cannot make the folder: " + error.message());
  }
}

/// A changed definition must not cost the results of the one before: copies them to FILE.previous, or
/// FILE.previous.2 and so on where that is taken, and returns where they are.
fs::path keep_previous(const fs::path& path) {
  fs::path previous = path.string() + ".previous";
  for (int n = 2; fs::exists(previous); ++n) {
    previous = path.string() + ".previous." + std::to_string(n);
  }
  std::error_code error;
  fs::copy_file(path, previous, error);
  if (error) {
    throw EnvironmentError(previous.string() +
                           ": cannot copy the earlier results there: " + error.message());
  }
  return previous;
}

/// After an error in the middle of a sweep: makes the file whole with the runs that were written, if
/// that is still possible.
void keep_finished(ResultsWriter& writer, const fs::path& path, const Outcome& outcome,
                   std::ostream& err) {
  if (outcome.computed == 0) return;
  try {
    writer.close();
    err << path.string() << ": keeps the " << runs_text(outcome.computed)
        << " finished before the error below\n";
  } catch (const std::exception&) {
    err << path.string() << ": the " << runs_text(outcome.computed)
        << " finished before the error below could not be kept\n";
  }
}

/// One a run, where no step is large enough to be shared.
int most_useful_threads(const Plan& plan, const std::vector<std::size_t>& missing) {
  const bool shared = std::ranges::any_of(missing, [&](std::size_t index) {
    return plan.runs[index].configuration.has_shared_steps();
  });
  constexpr int kMost = std::numeric_limits<int>::max();
  return shared ? kMost : static_cast<int>(std::clamp<std::size_t>(missing.size(), 1, kMost));
}

Plan plan_of(const RunOptions& options) {
  std::vector<Problem> problems;
  Definition definition =
      read_definition(find_definition(options.definition), options.overrides, problems);
  return make_plan(std::move(definition), std::move(problems), options.data_folders);
}

}  // namespace

int run_command(const RunOptions& options, std::ostream& out, std::ostream& err) {
  const double started = seconds_now();
  const Plan plan = plan_of(options);
  // Until here there is nothing to keep, and a signal ends the program at once.
  Interrupt interrupt;
  const ProgressMode mode = progress_mode(options.progress, isatty(STDERR_FILENO) == 1);
  if (mode != ProgressMode::json) print_warnings(plan, err);
  const fs::path path = options.output.empty()
                            ? fs::path("results") / (plan.definition.name + ".h5")
                            : fs::path(options.output);
  int threads = options.threads > 0 ? options.threads : available_processors();
  const std::size_t n_runs = plan.runs.size();

  EarlierFile earlier = open_earlier_file(path, plan, options.fresh);
  Outcome outcome;
  if (earlier.is_whole) {
    outcome.statuses = earlier.reader->statuses();
    print_counts(path, outcome, out);
    out << fmt::format("{} of {} runs were there already\n", n_runs, n_runs);
    return kAllWell;
  }

  if (earlier.kept > 0 && (mode == ProgressMode::live || mode == ProgressMode::plain)) {
    err << fmt::format("{} of {} runs were there already\n", earlier.kept, n_runs);
  }
  std::vector<std::size_t> missing;
  for (std::size_t index = 0; index < n_runs; ++index) {
    if (!earlier.places[index]) missing.push_back(index);
  }
  threads = std::min(threads, most_useful_threads(plan, missing));
  const Sharing sharing(
      threads, runs_that_fit(plan, missing, threads, mode == ProgressMode::json ? nullptr : &err));
  if (options.output.empty()) {
    make_folder_of(path);
  } else {
    require_folder_of(path);
  }
  const fs::path previous = earlier.dropped > 0 ? keep_previous(path) : fs::path();
  ResultsWriter writer(path, plan, gather_provenance(options.command_line, threads));
  outcome.statuses.assign(n_runs, RunStatus::pending);
  take_over(earlier, writer, outcome, err);
  earlier.reader.reset();
  try {
    compute(plan, options, sharing, mode, interrupt.stop(), writer, outcome, err);
  } catch (const std::exception&) {
    keep_finished(writer, path, outcome, err);
    if (outcome.computed == 0 && !previous.empty()) fs::remove(previous);
    throw;
  }

  const bool interrupted = interrupt.signalled() && outcome.count(RunStatus::pending) > 0;
  if (interrupted && outcome.computed == 0) {
    err << path.string() << ": nothing new was finished; the file is left as it was\n";
    if (!previous.empty()) fs::remove(previous);
    return kInterrupted;
  }
  writer.close();

  print_counts(path, outcome, out);
  out << fmt::format("{} computed in {} on {} {}\n", runs_text(outcome.computed),
                     duration_text(seconds_now() - started), threads,
                     threads == 1 ? "thread" : "threads");
  if (!previous.empty()) {
    const bool one = earlier.dropped == 1;
    out << fmt::format("{} earlier {} not in this plan; {} kept in {}\n", earlier.dropped,
                       one ? "run is" : "runs are", one ? "it is" : "they are", previous.string());
  }
  print_failures(plan, outcome, out);
  if (interrupted) return kInterrupted;
  return outcome.count(RunStatus::failed) > 0 ? kRunsFailed : kAllWell;
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
