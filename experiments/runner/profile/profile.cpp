// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/profile.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "experiments/runner/profile/median.hpp"

namespace plumbline {

namespace {

constexpr double kNanosecond = 1e-9;
constexpr double kInterrupted = 1.1;  // whole steps over the sum of their phases

bool is_of_training(Phase phase) { return phase != Phase::probes && phase != Phase::evaluation; }

// The times of a phase in those of the steps that have it.
std::vector<double> seconds_in(const StepClock& clock, const std::vector<std::size_t>& steps,
                               const PhaseWork& work) {
  std::vector<double> found;
  for (const std::size_t step : steps) {
    const Nanoseconds time = clock.time(step, work.phase, work.layer);
    if (time != StepClock::kNotEntered) found.push_back(kNanosecond * static_cast<double>(time));
  }
  return found;
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

double training_seconds(const StepClock& clock, std::size_t step) {
  Nanoseconds time = clock.total(step);
  for (const Phase phase : {Phase::probes, Phase::evaluation}) {
    time -= std::max<Nanoseconds>(clock.time(step, phase, 0), 0);
  }
  return kNanosecond * static_cast<double>(time);
}

}  // namespace

void add_times(Profile& profile, const StepTimes& times, const StepWork& work) {
  const StepClock& clock = times.clock;
  std::vector<std::size_t> all;
  for (std::size_t step = 0; step < clock.steps(); ++step) all.push_back(step);
  const QuietSteps quiet = times.quiet_steps();
  profile.layers = clock.layers();
  profile.steps = all.size();
  profile.quiet_steps = quiet.quiet;

  std::vector<PhaseWork> phases = work.phases;
  phases.push_back({.phase = Phase::probes});
  phases.push_back(work.evaluation);
  phases.push_back({.phase = Phase::other});
  double beside_training = 0;
  for (const PhaseWork& phase : phases) {
    const std::vector<double> everywhere = seconds_in(clock, all, phase);
    if (everywhere.empty()) continue;
    std::vector<double> seconds = seconds_in(clock, quiet.used, phase);
    if (seconds.empty()) seconds = everywhere;
    const double share = static_cast<double>(everywhere.size()) / static_cast<double>(all.size());
    ProfileRow row{phase, 0, 0, everywhere.size(), sum(everywhere)};
    row.seconds = share * median(std::move(seconds));
    row.work.flops *= share;
    row.work.bytes *= share;
    row.work.bytes_beyond_l2 *= share;
    row.limit_seconds = row.work.flops / profile.flops_per_second +
                        row.work.bytes_beyond_l2 / profile.bytes_per_second;
    if (is_of_training(phase.phase)) {
      profile.limit_seconds += row.limit_seconds;
      profile.step_seconds += row.seconds;
    } else {
      beside_training += row.seconds;
    }
    profile.rows.push_back(row);
  }

  std::vector<double> seconds;
  for (const std::size_t step : quiet.used) seconds.push_back(training_seconds(clock, step));
  profile.whole_step_seconds = median(std::move(seconds));
  profile.share_of_limit = profile.limit_seconds / profile.step_seconds;
  profile.steps_per_second = 1 / (profile.step_seconds + beside_training);
  Nanoseconds total = 0;
  for (const std::size_t step : all) total += clock.total(step);
  profile.total_seconds = kNanosecond * static_cast<double>(total);
}

std::vector<std::string> doubts(const Profile& profile) {
  std::vector<std::string> found = profile.noise.warnings();
  if (2 * profile.quiet_steps < profile.steps) {
    found.push_back(fmt::format("only {} of {} steps ran while a core was at its speed",
                                profile.quiet_steps, profile.steps));
  }
  if (kInterrupted * profile.step_seconds < profile.whole_step_seconds) {
    found.push_back(fmt::format("whole steps took {:.2f} times the sum of their phases' medians",
                                profile.whole_step_seconds / profile.step_seconds));
  }
  for (const ThreadScaling& one : profile.scaling) {
    if (one.quiet_rounds > 0) continue;
    found.push_back(
        fmt::format("no round with {} threads was quiet; its scaling is over all", one.threads));
  }
  return found;
}

ProfileRow whole_phase(const Profile& profile, Phase phase) {
  ProfileRow whole;
  whole.work.phase = phase;
  for (const ProfileRow& row : profile.rows) {
    if (row.work.phase != phase) continue;
    whole.work.flops += row.work.flops;
    whole.work.bytes += row.work.bytes;
    whole.work.bytes_beyond_l2 += row.work.bytes_beyond_l2;
    whole.seconds += row.seconds;
    whole.limit_seconds += row.limit_seconds;
    whole.steps = std::max(whole.steps, row.steps);
    whole.total_seconds += row.total_seconds;
  }
  return whole;
}

std::vector<Phase> phases_of(const Profile& profile) {
  std::vector<Phase> phases;
  for (const ProfileRow& row : profile.rows) {
    if (std::ranges::find(phases, row.work.phase) == phases.end()) {
      phases.push_back(row.work.phase);
    }
  }
  return phases;
}

}  // namespace plumbline
