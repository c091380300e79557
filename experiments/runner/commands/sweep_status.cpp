// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/sweep_status.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/sweep/checkpoint_files.hpp"
#include "experiments/runner/sweep/cost_rate.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/text/counted.hpp"
#include "experiments/runner/text/json_text.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

/// Which runs of a plan fall to which of so many shards.
class PartsOfShards {
 public:
  /// The plan's first stage, by which shards are parted.
  PartsOfShards(const Plan& plan, std::size_t shards) : runs_(shards, 0) {
    const std::vector<RunGroup> groups = run_groups(plan);
    const std::vector<std::size_t> chosen = shard_of_each(groups, shards);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      runs_[chosen[i]] += groups[i].foreseen;
      shards_.emplace(plan.runs[groups[i].runs.front()].group, chosen[i]);
    }
  }

  /// A run that the output has is left to it.
  void leave_out(const RunSpec& run) { --runs_[shards_.at(run.group)]; }
  /// How many runs the shard computes, with all stages.
  std::size_t runs(const Shard& shard) const { return runs_[shard.number - 1]; }

 private:
  std::vector<std::size_t> runs_;
  std::unordered_map<std::size_t, std::size_t> shards_;  ///< of each group of the plan
};

/// The same for any number of shards, without what the output has.
class LeftToShards {
 public:
  LeftToShards(const Plan& first_stage, const Plan& plan, const FoundRuns& output)
      : first_stage_(first_stage) {
    for (const RunSpec& run : plan.runs) {
      if (output.stored().is_finished(run.run_id)) in_output_.push_back(&run);
    }
  }

  std::size_t runs(const Shard& shard) {
    auto entry = parts_.find(shard.count);
    if (entry == parts_.end()) {
      entry = parts_.emplace(shard.count, PartsOfShards(first_stage_, shard.count)).first;
      for (const RunSpec* run : in_output_) entry->second.leave_out(*run);
    }
    return entry->second.runs(shard);
  }

 private:
  const Plan& first_stage_;
  std::vector<const RunSpec*> in_output_;
  std::unordered_map<std::size_t, PartsOfShards> parts_;
};

/// `may_be_computed` is whether somebody else may compute what the file lacks.
std::string process_text(const FileStatus& file, bool may_be_computed) {
  if (!file.process) return file.done < file.runs && !may_be_computed ? "nobody computes it" : "";
  return fmt::format("process {} on {}{}", file.process->pid, file.process->host,
                     file.process->is_alive ? "" : ", which has ended");
}

std::string time_left(const SweepStatus& status) {
  if (status.pending + status.failed == 0) return "";
  const bool any_alive = std::ranges::any_of(
      status.files, [](const FileStatus& file) { return file.process && file.process->is_alive; });
  if (!any_alive) return "nobody computes it";
  if (!status.eta_seconds) return "no run has finished yet, so the time left is unknown";
  return "about " + duration_text(*status.eta_seconds) + " left";
}

std::string foreign_text(const SweepStatus& status) {
  if (status.foreign == 0) return "";
  return fmt::format("{} there {} not of this definition{}\n",
                     counted(status.foreign, "finished run"), status.foreign == 1 ? "is" : "are",
                     status.done() == 0 ? ": `run` tells which settings differ" : ", or not yet");
}

std::string damaged_text(const SweepStatus& status) {
  if (status.damaged == 0) return "";
  return fmt::format("{} of {} {} damaged, and computed again\n", counted(status.damaged, "run"),
                     status.file.string(), status.damaged == 1 ? "is" : "are");
}

/// What is to be done where all runs are, and not all in one file.
std::string gathering_text(const SweepStatus& status) {
  std::size_t in_output = 0;
  for (const FileStatus& file : status.files) {
    if (file.process && file.process->is_alive) return "";
    if (file.file == status.file) in_output = file.done;
  }
  const bool is_done = status.pending + status.failed == 0;
  const bool is_one = status.done() == in_output && !status.has_segments;
  if (!is_done || is_one) return "";
  return fmt::format("`plumbline merge -o {}` makes one file of all\n", status.file.string());
}

/// Of one run in several files the latest.
std::map<std::string, std::int64_t> checkpoints_beside(
    const std::vector<std::filesystem::path>& files) {
  std::map<std::string, std::int64_t> latest;
  for (const std::filesystem::path& file : files) {
    for (const auto& [run_id, updates] : updates_of_checkpoints(StorePaths(file).checkpoints)) {
      std::int64_t& known = latest[run_id];
      known = std::max(known, updates);
    }
  }
  return latest;
}

}  // namespace

SweepStatus sweep_status(const Plan& first_stage, const std::filesystem::path& file,
                         const std::vector<std::filesystem::path>& files, const StoredRuns& kept,
                         FilesSeen* seen) {
  if (seen != nullptr) seen->forget_gone();
  SweepStatus status;
  status.file = file;
  std::vector<FoundRuns> found;
  StoredRuns stored = kept;
  for (const std::filesystem::path& path : files) {
    // Before the runs: a process that ends in between has then left all of its runs.
    status.files.push_back({path, 0, 0, 0, writing_process(path)});
    found.emplace_back(path, seen);
    stored.add(found.back().stored());
  }
  std::optional<Plan> grown;
  if (has_stages(first_stage.definition)) {
    grown = first_stage;
    add_stages(*grown, stored.values());
  }
  const Plan& plan = grown ? *grown : first_stage;

  std::unordered_map<std::string_view, std::size_t> planned;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) planned.emplace(plan.runs[i].run_id, i);
  std::vector<RunStatus> statuses(plan.runs.size(), RunStatus::pending);
  LeftToShards left(first_stage, plan, found[0]);
  std::unordered_set<std::string_view> foreign;
  std::vector<const std::string*> messages(plan.runs.size(), nullptr);
  double rate = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    FileStatus& one = status.files[i];
    const auto shard = one.file == file ? std::nullopt : shard_of_path(one.file);
    one.runs = shard ? left.runs(shard->second) : runs_foreseen(plan);
    std::vector<TimedRun> timed;    // of the process that is at it
    std::vector<TimedRun> earlier;  // of others
    for (const auto& [run_id, run] : found[i].runs()) {
      const auto place = planned.find(run_id);
      if (place == planned.end()) {
        if (is_finished(run.status)) foreign.insert(run_id);
        continue;
      }
      // What a shard took over, or computed before the output had it.
      if (shard && is_finished(run.status) && found[0].stored().is_finished(run_id)) ++one.runs;
      ++(is_finished(run.status) ? one.done : one.failed);
      RunStatus& known = statuses[place->second];
      if (!is_finished(known)) known = run.status;
      if (run.status == RunStatus::failed) messages[place->second] = &run.message;
      if (!one.process) continue;
      // `started` is in whole seconds.
      const bool is_its = run.started + 1 >= one.process->since;
      (is_its ? timed : earlier).push_back(timed_run(plan.runs[place->second], run));
    }
    if (one.process && one.process->is_alive) {
      rate += cost_rate(timed).value_or(cost_rate(earlier).value_or(0));
    }
  }
  for (std::size_t i = files.size(); i-- > 0;) {
    if (!found[i].sources().empty() || status.files[i].process) continue;
    status.files.erase(status.files.begin() + static_cast<std::ptrdiff_t>(i));
  }
  status.foreign = foreign.size();
  status.damaged = found[0].unreadable().size();
  status.has_segments = std::ranges::any_of(
      found[0].sources(), [&](const auto& source) { return source.path != file; });
  std::unordered_map<std::string_view, std::size_t> places;  // of messages in status.failures
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i] != RunStatus::failed) continue;
    const auto [place, is_new] = places.try_emplace(*messages[i], status.failures.size());
    if (is_new) status.failures.push_back({*messages[i], run_label(plan, i), 0});
    ++status.failures[place->second].runs;
  }
  const std::map<std::string, std::int64_t> checkpoints = checkpoints_beside(files);
  double remaining = 0;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (is_finished(statuses[i])) continue;
    const RunSpec& run = plan.runs[i];
    if (kept.is_finished(run.run_id)) {
      ++status.kept;
      continue;
    }
    remaining += run.cost - checkpointed_cost(run, checkpoints);
    const auto checkpoint = checkpoints.find(run.run_id);
    if (checkpoint == checkpoints.end()) continue;
    status.under_way.push_back(
        {run.run_id, run_label(plan, i), checkpoint->second, run.configuration.last_step()});
  }
  const auto count = [&](RunStatus wanted) {
    return static_cast<std::size_t>(std::ranges::count(statuses, wanted));
  };
  status.complete = count(RunStatus::complete);
  status.diverged = count(RunStatus::diverged);
  status.failed = count(RunStatus::failed);
  status.pending = count(RunStatus::pending);
  if (has_stages(plan.definition)) {
    const Plan whole = foreseen(plan);
    status.pending += whole.runs.size() - plan.runs.size();
    for (std::size_t i = plan.runs.size(); i < whole.runs.size(); ++i) {
      remaining += whole.runs[i].cost;
    }
  }
  if (rate > 0 && remaining > 0) status.eta_seconds = remaining / rate;
  return status;
}

std::string status_line(const SweepStatus& status) {
  const std::string left = time_left(status);
  return fmt::format("{} of {}, {} diverged, {} failed, {} pending{}{}", status.done(),
                     counted(status.runs(), "run"), status.diverged, status.failed, status.pending,
                     left.empty() ? "" : ", ", left);
}

std::string status_text(const SweepStatus& status) {
  std::string text = fmt::format("{}\n{} of {}: {} complete, {} diverged, {} failed, {} pending\n",
                                 status.file.string(), status.done(), counted(status.runs(), "run"),
                                 status.complete, status.diverged, status.failed, status.pending);
  const std::string left = time_left(status);
  if (!left.empty()) text += left + '\n';
  if (status.kept > 0) {
    text +=
        fmt::format("{} of them {} finished in {}.previous, from where `run` and `merge` take {}\n",
                    status.kept, status.kept == 1 ? "is" : "are", status.file.string(),
                    status.kept == 1 ? "it" : "them");
  }
  text += foreign_text(status) + damaged_text(status);
  const bool is_file_alone =
      status.files.empty() ||
      (status.files.size() == 1 && status.files[0].file == status.file && !status.files[0].process);
  const bool output_lives = std::ranges::any_of(status.files, [&](const FileStatus& file) {
    return file.file == status.file && file.process && file.process->is_alive;
  });
  for (const FileStatus& file : status.files) {
    if (is_file_alone) break;
    const std::string process = process_text(file, output_lives || file.file == status.file);
    text += fmt::format("  {}: {} of {}{}{}\n", file.file.string(), file.done, file.runs,
                        process.empty() ? "" : ", ", process);
  }
  constexpr std::size_t kMostLines = 8;
  const std::size_t shown = std::min(status.under_way.size(), kMostLines);
  for (const RunUnderWay& run : std::span(status.under_way).first(shown)) {
    text += fmt::format("  run {}: checkpoint at step {} of {} ({})\n", run.run_id, run.step,
                        run.steps, run.label);
  }
  if (shown < status.under_way.size()) {
    text += fmt::format("  and {} more with checkpoints\n", status.under_way.size() - shown);
  }
  const std::size_t told = std::min(status.failures.size(), kMostLines);
  for (const FailedRuns& failed : std::span(status.failures).first(told)) {
    const std::string others = failed.runs == 1 ? "" : fmt::format(" and {} more", failed.runs - 1);
    text += fmt::format("  failed: {}{}: {}\n", failed.label, others, failed.message);
  }
  if (told < status.failures.size()) {
    text += fmt::format("  and {} more messages\n", status.failures.size() - told);
  }
  text += gathering_text(status);
  return text;
}

std::string status_json(const SweepStatus& status, int indent) {
  ordered_json files = ordered_json::array();
  for (const FileStatus& file : status.files) {
    ordered_json process;
    if (file.process) {
      process = {{"pid", file.process->pid},
                 {"host", file.process->host},
                 {"alive", file.process->is_alive}};
    }
    files.push_back({{"file", file.file.string()},
                     {"done", file.done},
                     {"failed", file.failed},
                     {"runs", file.runs},
                     {"process", process}});
  }
  ordered_json under_way = ordered_json::array();
  for (const RunUnderWay& run : status.under_way) {
    under_way.push_back({{"run_id", run.run_id}, {"step", run.step}, {"steps", run.steps}});
  }
  ordered_json failures = ordered_json::array();
  for (const FailedRuns& failed : status.failures) {
    failures.push_back({{"message", failed.message}, {"runs", failed.runs}});
  }
  ordered_json eta;
  if (status.eta_seconds) eta = *status.eta_seconds;
  const ordered_json json = {{"file", status.file.string()}, {"runs", status.runs()},
                             {"complete", status.complete},  {"diverged", status.diverged},
                             {"failed", status.failed},      {"pending", status.pending},
                             {"eta_seconds", eta},           {"files", files},
                             {"under_way", under_way},       {"kept", status.kept},
                             {"foreign", status.foreign},    {"damaged", status.damaged},
                             {"failures", failures}};
  return json_text(json, indent) + '\n';
}

}  // namespace plumbline
