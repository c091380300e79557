// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/merge_command.hpp"

#include <algorithm>
#include <array>
#include <atomic>
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
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/run_report.hpp"
#include "experiments/runner/plan/differing_settings.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/file_lock.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/kept_runs.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/previous_runs.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_segment.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/sweep/interrupt.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

struct Input {
  FoundRuns found;
  bool is_output;
  bool is_listed;        ///< on the command line, or a shard beside the output
  bool is_kept = false;  ///< FILE.previous of the output, for what no other has
};

using Inputs = std::vector<Input>;

/// The files that are there to be merged, those of the command line first, each once.
Inputs open_inputs(const MergeOptions& options, const RunsElsewhere& kept) {
  const fs::path output = options.output;
  std::vector<fs::path> paths(options.files.begin(), options.files.end());
  if (paths.empty()) paths = shard_files(output);
  paths.push_back(output);
  const auto plain = [](const fs::path& path) { return fs::absolute(path).lexically_normal(); };
  Inputs inputs;
  std::set<fs::path> known;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!known.insert(plain(paths[i])).second) continue;
    const bool is_output = plain(paths[i]) == plain(output);
    Input input{FoundRuns(is_output ? output : paths[i]), is_output, i + 1 < paths.size()};
    if (!input.found.sources().empty()) {
      inputs.push_back(std::move(input));
    } else if (i < options.files.size()) {
      throw EnvironmentError(paths[i].string() + ": there is no such file");
    }
  }
  if (inputs.empty()) {
    throw EnvironmentError(output.string() + ": there is nothing to merge: no " +
                           shard_path(output.filename(), {1, 1}).string() +
                           " or the like beside it");
  }
  for (const fs::path& path : kept.files()) {
    if (known.insert(plain(path)).second) inputs.push_back({FoundRuns(path), false, false, true});
  }
  return inputs;
}

const Provenance& provenance_of(const Input& input) {
  return input.found.newest_source().provenance;
}

bool is_of_same_text(const Provenance& one, const Provenance& other) {
  return std::ranges::all_of(std::array{"definition", "overrides"}, [&](const char* name) {
    return provenance_value(one, name) == provenance_value(other, name);
  });
}

[[noreturn]] void refuse_another_definition(const Plan& plan, const std::string& first,
                                            const Input& input, const Plan& other) {
  const std::string path = input.found.file().string();
  throw EnvironmentError(
      fmt::format("{}: is not of the same definition as {}: {}", path, first,
                  differences_text(differing_settings(plan, other), "in " + first, "in " + path)));
}

/// The plan that all listed inputs were made of; that of the output where nothing else is there.
Plan common_plan(const Inputs& inputs, const DataFolders& folders) {
  const std::string first = inputs.front().found.file().string();
  Plan plan = recorded_plan(first, provenance_of(inputs.front()), folders);
  for (const Input& input : inputs) {
    if (!input.is_listed || is_of_same_text(provenance_of(inputs.front()), provenance_of(input))) {
      continue;
    }
    const Plan other = recorded_plan(input.found.file().string(), provenance_of(input), folders);
    if (!are_same_runs(plan, other)) refuse_another_definition(plan, first, input, other);
  }
  return plan;
}

/// An output of whose finished runs none is the plan's is another sweep's.
void refuse_foreign_output(const Plan& plan, const Inputs& inputs, const DataFolders& folders) {
  for (const Input& input : inputs) {
    const StoredRuns& stored = input.found.stored();
    const auto is_there = [&](const RunSpec& run) { return stored.is_finished(run.run_id); };
    if (!input.is_output || input.is_listed || stored.finished() == 0) continue;
    if (std::ranges::any_of(plan.runs, is_there)) continue;
    refuse_another_definition(
        plan, inputs.front().found.file().string(), input,
        recorded_plan(input.found.file().string(), provenance_of(input), folders));
  }
}

/// Whether a run of the input may not be the plan's: it was computed before the definition changed, or a
/// run that it was chosen by was computed anew.
bool may_be_left_out(const Plan& plan, const Input& input, const FoundRun& run) {
  const Provenance& its = input.found.sources()[run.source].provenance;
  if (!input.is_listed) return true;
  if (!is_of_same_text(its, provenance_of(input))) return true;
  return has_stages(plan.definition) &&
         provenance_value(its, "semantics_version") == std::to_string(kSemanticsVersion);
}

struct ChosenInputs {
  /// For each run of the plan the input that it is taken from; null where none has it.
  std::vector<const Input*> inputs;
  /// Runs that the plan does not have, but for those of the output.
  std::set<std::string_view> left_out;
};

ChosenInputs chosen_inputs(const Plan& plan, const Inputs& inputs) {
  std::unordered_map<std::string_view, std::size_t> planned;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) planned.emplace(plan.runs[i].run_id, i);
  ChosenInputs chosen{std::vector<const Input*>(plan.runs.size(), nullptr), {}};
  for (const Input& input : inputs) {
    for (const auto& [run_id, run] : input.found.runs()) {
      const auto found = planned.find(run_id);
      if (found == planned.end()) {
        if (!may_be_left_out(plan, input, run)) {
          throw EnvironmentError(fmt::format(
              "{}: run {} is not among the runs of its definition as this program reads it (engine "
              "semantics version {})",
              input.found.file().string(), run_id, kSemanticsVersion));
        }
        if (!input.is_output && !input.is_kept) chosen.left_out.insert(run_id);
        continue;
      }
      const Input*& before = chosen.inputs[found->second];
      if (before == nullptr) {
        before = &input;
        continue;
      }
      const FoundRun& other = before->found.runs().at(run_id);
      if (!is_finished(run.status)) continue;
      if (input.is_kept && is_finished(other.status)) continue;
      if (!is_finished(other.status)) {
        before = &input;
      } else if (other.status != run.status || other.digest != run.digest) {
        throw EnvironmentError(fmt::format(
            "run {} ({}) is not the same in two files: its digest is {} in {} and {} in {}; "
            "`plumbline verify` tells which of them this machine computes",
            run_id, run_label(plan, found->second), other.digest, before->found.file().string(),
            run.digest, input.found.file().string()));
      }
    }
  }
  return chosen;
}

/// Tells the runs that are damaged where they stand and come from nowhere else.
void tell_unreadable(const Plan& plan, const Inputs& inputs, const ChosenInputs& chosen,
                     std::ostream& err) {
  std::set<std::string_view> merged;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (chosen.inputs[i] != nullptr) merged.insert(plan.runs[i].run_id);
  }
  for (const Input& input : inputs) {
    for (const auto& [run_id, message] : input.found.unreadable()) {
      if (!input.is_kept && !merged.contains(run_id)) err << message << "; it is left out\n";
    }
  }
}

std::size_t& count_of(RunCounts& counts, RunStatus status) {
  return status == RunStatus::complete   ? counts.complete
         : status == RunStatus::diverged ? counts.diverged
                                         : counts.failed;
}

/// Writes the runs of the plan that stand in one input, file by file, and counts them. A file that is gone
/// since, or is another one, was replaced by a process that goes on with that shard: its runs are looked up
/// anew. Returns whether a signal has ended it.
bool write_runs(const Plan& plan, std::vector<std::size_t> missing, FoundRuns found,
                const std::atomic<bool>& stop, ResultsWriter& writer, RunCounts& counts) {
  constexpr int kTries = 20;
  std::string failure;
  for (int tries = 0; tries < kTries && !missing.empty(); ++tries) {
    if (tries > 0) found = FoundRuns(found.file());
    std::vector<std::vector<std::size_t>> of_source(found.sources().size());
    for (const std::size_t run : missing) {
      const auto place = found.runs().find(plan.runs[run].run_id);
      if (place != found.runs().end()) of_source[place->second.source].push_back(run);
    }
    std::set<std::size_t> written;
    for (std::size_t source = 0; source < of_source.size(); ++source) {
      if (of_source[source].empty()) continue;
      auto next = [&, reader = std::unique_ptr<ResultsReader>(),
                   ids = std::vector<std::string>()](std::size_t run) mutable {
        if (!reader) {
          reader = std::make_unique<ResultsReader>(found.sources()[source].path);
          ids = reader->run_ids();
        }
        const std::string& run_id = plan.runs[run].run_id;
        const std::size_t index = found.runs().at(run_id).index;
        FinishedRun read{run_id, {}, {}};
        if (index >= ids.size() || ids[index] != run_id) return read;
        read.record = reader->read(index);
        read.place = reader->place(index);
        return read;
      };
      for (const std::size_t run : of_source[source]) {
        if (stop) return true;
        FinishedRun read;
        try {
          read = next(run);
        } catch (const EnvironmentError& error) {
          failure = error.what();
        }
        if (read.record.status == RunStatus::pending) break;
        writer.write(run, read.record, read.place);
        ++count_of(counts, read.record.status);
        written.insert(run);
      }
    }
    std::erase_if(missing, [&](std::size_t run) { return written.contains(run); });
  }
  if (missing.empty()) return false;
  throw EnvironmentError(failure.empty()
                             ? fmt::format("{}: run {} can no longer be read",
                                           found.file().string(), plan.runs[missing.front()].run_id)
                             : failure);
}

/// How many runs are taken from an input.
std::size_t runs_taken(const ChosenInputs& chosen, const Input& input) {
  return static_cast<std::size_t>(std::ranges::count(chosen.inputs, &input));
}

/// What made the runs: for each name the values of the files, those that differ beside each other. The
/// command line is that of this call.
Provenance merged_provenance(const Inputs& inputs, const ChosenInputs& chosen,
                             const std::string& command_line) {
  Provenance merged = gather_provenance(command_line, 0);
  for (auto& [name, value] : merged) {
    if (name == "command_line") continue;
    std::vector<std::string> values;
    for (const Input& input : inputs) {
      if (input.is_kept && runs_taken(chosen, input) == 0) continue;
      const Provenance& its = provenance_of(input);
      const auto found = std::ranges::find(its, name, &Provenance::value_type::first);
      if (found == its.end() || std::ranges::find(values, found->second) != values.end()) continue;
      values.push_back(found->second);
    }
    value = fmt::format("{}", fmt::join(values, "; "));
  }
  return merged;
}

struct Previous {
  std::vector<fs::path> files;
  std::size_t runs = 0;
};

/// Keeps what the output holds beyond the plan.
Previous keep_previous(const Plan& plan, const Inputs& inputs, const Provenance& provenance) {
  const auto output = std::ranges::find(inputs, true, &Input::is_output);
  if (output == inputs.end()) return {};
  std::vector<fs::path> sources;
  for (const FoundSource& source : output->found.sources()) sources.push_back(source.path);
  const StoredRuns& stored = output->found.stored();
  std::vector<fs::path> files = keep_previous_runs(
      output->found.file(), sources, stored.finished_ids(), plan, plan.definition, provenance);
  const auto in_plan = static_cast<std::size_t>(std::ranges::count_if(
      plan.runs, [&](const RunSpec& run) { return stored.is_finished(run.run_id); }));
  return {std::move(files), stored.finished() - in_plan};
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
  require_replaceable(output);
  if (options.files.empty()) {
    // Shards are searched there.
    require_folder_of(output);
  } else {
    make_folder_of(output);
  }
  Interrupt interrupt;
  const StorePaths paths(output);
  const FileLock lock(output, paths.folder, options.command_line, err);
  remove_temporary_files(output);
  const RunsElsewhere kept = kept_runs(output);
  const Inputs inputs = open_inputs(options, kept);
  Plan plan = common_plan(inputs, options.data_folders);
  StoredRuns stored;
  for (const Input& input : inputs) stored.add(input.found.stored());
  add_stages(plan, stored.values());
  refuse_foreign_output(plan, inputs, options.data_folders);
  const ChosenInputs chosen = chosen_inputs(plan, inputs);
  tell_unreadable(plan, inputs, chosen, err);
  std::size_t taken_back = 0;
  std::size_t merged_files = 0;
  for (const Input& input : inputs) {
    if (input.is_kept) {
      taken_back += runs_taken(chosen, input);
    } else {
      ++merged_files;
    }
  }

  const Provenance provenance = merged_provenance(inputs, chosen, options.command_line);
  ResultsWriter writer(output, plan, provenance);
  RunCounts counts;
  for (const Input& input : inputs) {
    std::vector<std::size_t> runs;
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      if (chosen.inputs[i] == &input) runs.push_back(i);
    }
    if (write_runs(plan, std::move(runs), input.found, interrupt.stop(), writer, counts)) {
      err << output.string() << ": is left as it was\n";
      return kInterrupted;
    }
  }
  counts.pending = runs_foreseen(plan) - counts.done() - counts.failed;
  const Previous previous = keep_previous(plan, inputs, provenance);
  writer.close();
  remove_merged(paths, counts.failed + counts.pending == 0);
  if (!kept.files().empty()) remove_superseded(kept, plan, StoredRuns(output));

  out << output.string() << '\n'
      << fmt::format("{} of {}: {} complete, {} diverged, {} failed, {} pending; from {}\n",
                     counts.done(), runs_text(counts.all()), counts.complete, counts.diverged,
                     counts.failed, counts.pending, counted(merged_files, "file"));
  print_taken_back(output, taken_back, out);
  print_previous(previous.files, previous.runs, out);
  if (!chosen.left_out.empty()) {
    out << fmt::format(
        "{} left out: the definition, or what a stage has chosen, has changed since\n",
        runs_text(chosen.left_out.size()));
  }
  return counts.failed + counts.pending == 0 ? kAllWell : kNotWell;
}

}  // namespace plumbline
