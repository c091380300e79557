// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/profile_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/single_run.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/profile/median.hpp"
#include "experiments/runner/profile/profile.hpp"
#include "experiments/runner/profile/profile_file.hpp"
#include "experiments/runner/profile/profile_text.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

namespace {

constexpr int kDiverged = 1;
constexpr int kMostThreads = 4096;

constexpr double kProbeSeconds = 0.02;
constexpr int kScalingRounds = 5;
constexpr double kWindowSeconds = 0.1;

/// 1, 2, 4, ... and the number of processors.
std::vector<int> default_threads() {
  const int processors = available_processors();
  std::vector<int> threads;
  for (int n = 1; n < processors; n *= 2) threads.push_back(n);
  threads.push_back(processors);
  return threads;
}

/// The numbers in rising order, 1 among them, which all are compared with. Nothing where one is none.
std::optional<std::vector<int>> threads_of(const std::vector<std::string>& words,
                                           std::ostream& err) {
  if (words.empty()) return default_threads();
  std::vector<int> threads{1};
  for (const std::string& word : words) {
    int number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number < 1 ||
        number > kMostThreads) {
      err << fmt::format("--threads: '{}' is not a number of threads in [1, {}]\n", word,
                         kMostThreads);
      return std::nullopt;
    }
    threads.push_back(number);
  }
  std::ranges::sort(threads);
  threads.erase(std::ranges::unique(threads).begin(), threads.end());
  return threads;
}

/// Those for which the memory holds as many runs; says on `err` where they are fewer.
std::vector<int> threads_that_fit(const SingleRun& run, const std::vector<int>& threads,
                                  std::ostream& err) {
  const Plan plan{run.definition, {run.spec}};
  const std::vector<std::size_t> runs(static_cast<std::size_t>(threads.back()), 0);
  const auto most = static_cast<int>(runs_that_fit(plan, runs, threads.back(), &err));
  std::vector<int> fitting;
  std::ranges::copy_if(threads, std::back_inserter(fitting), [most](int n) { return n <= most; });
  return fitting;
}

void print_warnings(const std::vector<std::string>& warnings, std::ostream& err) {
  for (const std::string& warning : warnings) {
    err << "warning: the machine was not quiet: " << warning << '\n';
  }
}

MachineNoise finished(const NoiseWatch& watch, double before, Precision precision) {
  MachineNoise noise = watch.finish();
  noise.multiply_adds_before = before;
  noise.multiply_adds_after = multiply_add_rate(precision, kProbeSeconds);
  return noise;
}

int print_ceiling(const std::vector<int>& threads, bool json, std::ostream& out,
                  std::ostream& err) {
  const NoiseWatch watch;
  const double before = multiply_add_rate(Precision::float32, kProbeSeconds);
  const Ceiling ceiling = measure_ceiling(threads);
  MachineNoise noise = finished(watch, before, Precision::float32);
  // Streams that have no processor each wait for one another.
  if (threads.back() > available_processors()) noise.involuntary_switches = MachineNoise::kUnknown;
  const std::vector<std::string> warnings = noise.warnings();
  const MemoryLevel& memory = ceiling.levels.back();
  if (json) {
    out << nlohmann::ordered_json{{"ceiling",
                                   ceiling_json(ceiling, ceiling.flops(Precision::float32)[0],
                                                std::max(memory.copy[0], memory.update[0]))},
                                  {"noise", noise_json(noise, warnings)}}
               .dump(2)
        << '\n';
  } else {
    write_ceiling(ceiling, out);
  }
  print_warnings(warnings, err);
  return kAllWell;
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Of a results file with the record over those of one without, medians over a few files.
double recording_seconds(const SingleRun& run, const RunRecord& record) {
  constexpr int kFiles = 5;
  const Plan plan{run.definition, {run.spec}};
  const Provenance provenance = gather_provenance("profile", 1);
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("plumbline_profile_" + std::to_string(getpid()) + ".h5");
  const auto make_file = [&](bool with_record) {
    const double start = processor_seconds();
    ResultsWriter writer(path, plan, provenance);
    if (with_record) writer.write(0, record);
    writer.close();
    const double seconds = processor_seconds() - start;
    std::filesystem::remove(path);
    return seconds;
  };
  std::vector<double> with;
  std::vector<double> without;
  for (int i = 0; i < kFiles; ++i) {
    with.push_back(make_file(true));
    without.push_back(make_file(false));
  }
  return std::max(median(std::move(with)) - median(std::move(without)), 0.0);
}

// On `err`, what comes next, where a step is so long that nothing else is seen for a while.
class Stages {
 public:
  Stages(const RunConfiguration& run, std::ostream& err)
      : long_(kPasses * flops_of_a_pass(run) > kLongStep), err_(err) {}

  void begin(std::string_view stage) const {
    if (long_) err_ << "profile: " << stage << " ...\n" << std::flush;
  }

 private:
  static constexpr double kPasses = 3;  // forward, and back to weights and inputs
  static constexpr double kLongStep = 2e9;

  bool long_;
  std::ostream& err_;
};

Profile measured(const SingleRun& run, const Dataset& data, const std::vector<int>& threads,
                 StepTimes& times, const MachineNoise& noise, const Stages& stages) {
  const RunConfiguration& configuration = run.spec.configuration;
  Profile profile;
  profile.title = run.title();
  profile.run_id = run.spec.run_id;
  profile.precision = configuration.model.precision;
  profile.batch = configuration.batch;
  stages.begin("the machine's ceilings");
  profile.ceiling = measure_ceiling(threads);
  const StepWork work = step_work(configuration, times.optimizer_state, profile.ceiling.caches.l2);
  profile.working_set = work.working_set;
  profile.buffers = std::max(work.working_set, 4 * profile.ceiling.caches.l2);
  profile.flops_per_second = quiet_median(times.multiply_adds);
  profile.bytes_per_second = traffic_rate(profile.buffers);
  add_times(profile, times, work);
  if (threads.size() > 1) {
    stages.begin("steps on several threads");
    profile.scaling = measure_scaling(configuration, data, threads, kScalingRounds, kWindowSeconds);
  }
  profile.rounds = std::move(times.rounds);
  profile.counters = std::move(times.counters);
  for (HardwareCounters::Count& count : profile.counters) {
    count.value /= static_cast<double>(profile.steps);
  }
  profile.counters_missing = std::move(times.counters_missing);
  profile.updates = configuration.steps;
  if (times.record) {
    profile.recording_seconds = recording_seconds(run, *times.record);
    profile.digest = std::move(times.record->digest);
    profile.diverged = std::move(times.record->message);
  }
  profile.noise = noise;
  profile.warnings = doubts(profile);
  return profile;
}

}  // namespace

int profile_command(const ProfileOptions& options, std::ostream& out, std::ostream& err) {
  const std::optional<std::vector<int>> wanted = threads_of(options.threads, err);
  if (!wanted) return kWrongUsage;
  if (options.run.definition.empty() == !options.ceiling) {
    err << (options.ceiling ? "--ceiling measures the machine alone; give no DEFINITION beside it\n"
                            : "profile needs a DEFINITION, or --ceiling\n");
    return kWrongUsage;
  }
  if (options.ceiling) {
    if (!options.output.empty()) {
      err << "-o needs a DEFINITION; --ceiling prints, or with --json\n";
      return kWrongUsage;
    }
    return print_ceiling(*wanted, options.run.json, out, err);
  }
  const SingleRun run = single_run(options.run.definition, options.run.overrides,
                                   options.run.run_id, options.run.data_folders, options.run.yes);
  const RunConfiguration& configuration = run.spec.configuration;
  if (configuration.steps < 1) {
    err << run.title() << " has no update to profile\n";
    return kWrongUsage;
  }
  if (!options.output.empty()) {
    make_folder_of(options.output);
    require_replaceable(options.output);
  }
  const std::vector<int> threads = threads_that_fit(run, *wanted, err);
  const Dataset data = configuration.data->load(options.run.data_folders);

  const Stages stages(configuration, err);
  stages.begin("steps on one thread");
  const NoiseWatch watch;
  const double before = multiply_add_rate(configuration.model.precision, kProbeSeconds);
  StepTimes times = time_steps(configuration, data, options.steps);
  if (times.clock.steps() == 0) {
    err << run.title() << " ends before its second update: " << times.record->message << '\n';
    return kDiverged;
  }
  // Of the timed steps alone: the ceilings and the scaling that follow make threads wait for one another.
  const MachineNoise noise = finished(watch, before, configuration.model.precision);
  const Profile profile = measured(run, data, threads, times, noise, stages);
  if (!options.output.empty()) {
    write_profile_file(options.output, profile, run.definition,
                       gather_provenance(options.command_line, threads.back()));
  }
  if (options.run.json) {
    out << profile_json(profile).dump(2) << '\n';
  } else {
    write_profile(profile, out);
    if (!options.output.empty()) out << '\n' << options.output << '\n';
  }
  print_warnings(profile.warnings, err);
  return kAllWell;
}

}  // namespace plumbline
