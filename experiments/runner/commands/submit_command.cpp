// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/submit_command.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "experiments/runner/commands/batch_script.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/machine/called_program.hpp"
#include "experiments/runner/plan/estimate.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/text/counted.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

// The estimate is of this machine when it is quiet, and a job that is cut off waits in the queue again.
constexpr double kTimeReserve = 3;
constexpr double kLeastSeconds = 600;
constexpr double kMemoryReserve = 1.5;
constexpr double kProgramBytes = 256.0 * 1024 * 1024;
constexpr double kMebibyte = 1024.0 * 1024.0;

[[noreturn]] void refuse(const char* option, const std::string& message) {
  throw DefinitionError({{{.file = option}, message}});
}

void check_options(const SubmitOptions& options, const Plan& plan) {
  const std::size_t groups = run_groups(plan).size();
  if (options.shards < 1 || options.shards > groups) {
    refuse("--shards", fmt::format("{} is out of range: the plan can be parted into 1 to {}",
                                   options.shards, groups));
  }
  for (const std::string& line : options.sbatch) {
    const bool has_break =
        std::ranges::any_of(line, [](unsigned char c) { return std::iscntrl(c) != 0; });
    if (!line.starts_with('-') || has_break) {
      refuse("--sbatch", "'" + line + "' is no option of sbatch, such as --account=physics");
    }
  }
}

/// What was asked for by hand; infinite where the plan decides, and where there is to be no limit.
struct Limits {
  double seconds = std::numeric_limits<double>::infinity();
  double bytes = std::numeric_limits<double>::infinity();
};

Limits limits_of(const SubmitOptions& options) {
  Limits limits;
  if (!options.time.empty()) {
    const std::optional<double> seconds = read_slurm_time(options.time);
    if (!seconds) {
      refuse("--time", "'" + options.time +
                           "' is no time that Slurm reads, such as 90 (minutes), 02:30:00 or "
                           "1-12:00:00 (a day and a half)");
    }
    limits.seconds = *seconds;
  }
  if (!options.memory.empty()) {
    const std::optional<double> bytes = read_slurm_memory(options.memory);
    if (!bytes) {
      refuse("--memory", "'" + options.memory +
                             "' is no size that Slurm reads, such as 800M or 16G: a whole number "
                             "and K, M, G or T");
    }
    limits.bytes = *bytes;
  }
  return limits;
}

struct ShardEstimate {
  double seconds = 0;  ///< of the dearest shard
  double bytes = 0;
};

ShardEstimate estimate_shard(const Plan& plan, const SubmitOptions& options) {
  const std::vector<RunGroup> groups = run_groups(plan);
  const std::vector<std::size_t> chosen = shard_of_each(groups, options.shards);
  std::vector<double> costs(options.shards, 0.0);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    costs[chosen[group]] += groups[group].cost;
  }
  const auto dearest = static_cast<std::size_t>(std::ranges::max_element(costs) - costs.begin());
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto threads = static_cast<int>(options.cpus);
  // No limit of memory: what counts is the node's, not this machine's.
  const MemoryFit fit = memory_fit(plan, all, threads, 1e18);
  const Estimate expected =
      estimate(foreseen(part_of(plan, {dearest + 1, options.shards})), threads, fit);
  return {expected.seconds, expected.bytes};
}

/// A job beyond its time goes on when the same is submitted again; one beyond its memory is killed.
void warn_of_limits(const SubmitOptions& options, const Limits& limits,
                    const ShardEstimate& expected, std::ostream& err) {
  if (expected.seconds > limits.seconds) {
    err << fmt::format(
        "--time: warning: '{}' is less than the {} that a shard is expected to take\n",
        options.time, duration_text(expected.seconds));
  }
  const double bytes = expected.bytes + kProgramBytes;
  if (bytes > limits.bytes) {
    err << fmt::format(
        "--memory: warning: '{}' is less than the {} that a shard is expected to take\n",
        options.memory, bytes_text(bytes));
  }
}

/// Three times the estimate, at least ten minutes, in whole five minutes.
std::string time_for(double seconds) {
  constexpr double kStep = 300;
  return slurm_time(std::ceil(std::max(kTimeReserve * seconds, kLeastSeconds) / kStep) * kStep);
}

std::string memory_for(double bytes) {
  return fmt::format("{:.0f}M", std::ceil((kMemoryReserve * bytes + kProgramBytes) / kMebibyte));
}

struct Scripts {
  fs::path shards_path;
  fs::path merge_path;
  std::string shards;
  std::string merge;
};

Scripts scripts_of(const SubmitOptions& options, const Plan& plan, const fs::path& output,
                   const JobRequest& request) {
  const fs::path folder = fs::path(output).replace_extension(".slurm");
  const char* variable = std::getenv("PLUMBLINE_DATA");
  JobCall call{fs::current_path(), own_program(), variable == nullptr ? "" : variable, {}};
  const auto add_output = [&] {
    call.words.insert(call.words.end(), {"-o", output.string()});
    if (!options.data_dir.empty()) {
      call.words.insert(call.words.end(), {"--data-dir", fs::absolute(options.data_dir).string()});
    }
  };
  add_output();
  if (options.yes) call.words.emplace_back("--yes");
  call.words.push_back(fs::absolute(plan.definition.path).string());
  call.words.insert(call.words.end(), options.overrides.begin(), options.overrides.end());
  std::string shards = shards_script(request, call, options.shards, options.array_limit, folder);

  JobRequest merge_request = request;
  merge_request.name += " merge";
  merge_request.cpus = 1;
  merge_request.time = slurm_time(kLeastSeconds * kTimeReserve);
  call.words = {"merge"};
  add_output();
  return {folder / "shards.sbatch", folder / "merge.sbatch", std::move(shards),
          merge_script(merge_request, call, folder)};
}

void write_script(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw EnvironmentError(path.string() + ": cannot write it");
}

/// The job's id, of which sbatch --parsable may add the cluster after a semicolon.
std::string submitted(const fs::path& sbatch, const std::vector<std::string>& arguments,
                      const std::string& after) {
  const ProgramResult result = call_program(sbatch, arguments);
  if (result.status != 0) {
    throw EnvironmentError(
        fmt::format("{} ended with status {}{}", sbatch.string(), result.status, after));
  }
  const std::string id = result.output.substr(0, result.output.find_first_of(";\n"));
  if (id.empty() ||
      !std::ranges::all_of(id, [](unsigned char c) { return std::isdigit(c) != 0; })) {
    throw EnvironmentError(sbatch.string() + ": its output is no job's id: '" + result.output +
                           "'" + after);
  }
  return id;
}

void submit(const Scripts& scripts, const fs::path& output, std::size_t shards, std::ostream& out) {
  const fs::path sbatch = find_program("sbatch");
  if (sbatch.empty()) {
    throw EnvironmentError(
        "sbatch: is in no folder of $PATH; submit works where Slurm is installed, and --dry-run "
        "prints the scripts anywhere");
  }
  make_folder_of(scripts.shards_path);
  write_script(scripts.shards_path, scripts.shards);
  write_script(scripts.merge_path, scripts.merge);
  const std::string array = submitted(sbatch, {"--parsable", scripts.shards_path.string()}, "");
  out << fmt::format("{}: job array {} of {}\n", scripts.shards_path.string(), array,
                     counted(shards, "shard"));
  const std::string merge = submitted(
      sbatch, {"--parsable", "--dependency=afterany:" + array, scripts.merge_path.string()},
      fmt::format("; job array {} is in the queue, but nothing merges its results: "
                  "`plumbline merge -o {}` does, once it has ended",
                  array, output.string()));
  out << fmt::format("{}: job {} merges them into {}\n", scripts.merge_path.string(), merge,
                     output.string());
}

}  // namespace

int submit_command(const SubmitOptions& options, std::ostream& out, std::ostream& err) {
  std::vector<Problem> problems;
  Definition definition =
      read_definition(find_definition(options.definition), options.overrides, problems);
  const Plan plan = make_plan(std::move(definition), std::move(problems), options.data_folders,
                              most_runs(options.yes));
  print_warnings(plan, err);
  check_options(options, plan);
  const Limits limits = limits_of(options);

  const fs::path output = fs::absolute(output_path(options.output, plan.definition.name));
  const ShardEstimate expected = estimate_shard(plan, options);
  const JobRequest request{
      .name = "plumbline " + plan.definition.name,
      .partition = options.partition,
      .time = options.time.empty() ? time_for(expected.seconds) : options.time,
      .memory = options.memory.empty() ? memory_for(expected.bytes) : options.memory,
      .cpus = options.cpus,
      .options = options.sbatch};
  const Scripts scripts = scripts_of(options, plan, output, request);
  const std::size_t runs = runs_foreseen(plan);
  err << fmt::format("{} in {}, about {} each on {} of this machine\n", counted(runs, "run"),
                     counted(options.shards, "shard"), duration_text(expected.seconds),
                     counted(options.cpus, "thread"));
  warn_of_limits(options, limits, expected, err);
  if (options.dry_run) {
    out << "# " << scripts.shards_path.string() << '\n'
        << scripts.shards << "\n# " << scripts.merge_path.string()
        << ", after it: sbatch --dependency=afterany:JOB\n"
        << scripts.merge;
    return kAllWell;
  }
  submit(scripts, output, options.shards, out);
  return kAllWell;
}

}  // namespace plumbline
