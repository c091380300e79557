// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "experiments/runner/machine/machine_noise.hpp"
#include "experiments/runner/profile/ceiling.hpp"
#include "experiments/runner/profile/step_times.hpp"
#include "experiments/runner/profile/step_work.hpp"
#include "experiments/runner/profile/thread_scaling.hpp"

namespace plumbline {

/// A phase of a layer: what it took, and its limit, which is what its operations take at their peak plus
/// what its bytes take at their bandwidth, the one after the other: a phase that overlaps the two can be
/// faster. All but `steps` and `total_seconds` are per step; those of a phase that not every step has are
/// multiplied by its share of the steps.
struct ProfileRow {
  PhaseWork work;
  double seconds = 0;        ///< the median over those of QuietSteps::used that have the phase
  double limit_seconds = 0;  ///< flops / flops_per_second + bytes_beyond_l2 / bytes_per_second
  std::size_t steps = 0;     ///< that have the phase
  double total_seconds = 0;  ///< in all steps together
};

/// Where the time of a run's steps goes, beside what the machine can do.
struct Profile {
  std::string title;  ///< "d, run 1 of 3 (0123456789abcdef)"
  std::string run_id;
  Precision precision = Precision::float32;
  std::size_t layers = 0;
  std::size_t batch = 0;
  std::int64_t updates = 0;  ///< of the whole run

  Ceiling ceiling;
  double flops_per_second =
      0;  ///< of one thread in the run's precision, measured between the steps
  double bytes_per_second = 0;  ///< of one thread, copying or updating in place, in `buffers`
  double buffers = 0;      ///< bytes: the working set of a step, and no less than four times L2
  double working_set = 0;  ///< bytes

  std::vector<ProfileRow> rows;
  std::size_t steps = 0;        ///< that were timed
  std::size_t quiet_steps = 0;  ///< of them; fewer than a quarter: the medians are over all
  double total_seconds = 0;     ///< of all of them: the sum of the rows' total_seconds
  /// Of a training step, without probes and evaluation: the sum of the medians of its phases, which are
  /// short enough to be seldom interrupted.
  double step_seconds = 0;
  double whole_step_seconds = 0;  ///< the median of whole training steps, interruptions included
  double limit_seconds = 0;       ///< of a training step
  double share_of_limit = 0;
  double steps_per_second = 0;  ///< with what probes and evaluation add to a step

  std::vector<ThreadScaling> scaling;
  std::vector<Round> rounds;
  std::vector<HardwareCounters::Count> counters;  ///< per step
  std::string counters_missing;
  /// Processor time of the writer's thread for the record of the whole run, beside what a results file
  /// takes without it; NaN where the run was not trained to its end.
  double recording_seconds = std::numeric_limits<double>::quiet_NaN();
  std::string diverged;  ///< where the run did; else empty
  std::string digest;    ///< of the run, where it came to its end
  MachineNoise noise;
  std::vector<std::string> warnings;  ///< that the numbers are doubtful
};

/// The rows, steps, times and shares of the profile, from its two ceilings. There must be a step.
void add_times(Profile& profile, const StepTimes& times, const StepWork& work);

/// What makes its numbers doubtful, in sentences: of the noise, the quiet steps, the phases and the
/// scaling.
std::vector<std::string> doubts(const Profile& profile);

/// One phase with all its layers.
ProfileRow whole_phase(const Profile& profile, Phase phase);
/// The phases that the profile has, in its order.
std::vector<Phase> phases_of(const Profile& profile);

}  // namespace plumbline
