// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/profile_text.hpp"
#include "experiments/runner/text/setting_json.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

ordered_json number(double value) { return setting_json({value, {}}); }

ordered_json numbers(const std::vector<double>& values) {
  ordered_json array = ordered_json::array();
  for (const double value : values) array.push_back(number(value));
  return array;
}

ordered_json phases_json(const Profile& profile) {
  ordered_json phases = ordered_json::array();
  for (const ProfileRow& row : profile.rows) {
    phases.push_back({{"layer", row.work.layer},
                      {"phase", to_string(row.work.phase)},
                      {"seconds", number(row.seconds)},
                      {"flops", number(row.work.flops)},
                      {"bytes", number(row.work.bytes)},
                      {"bytes_beyond_l2", number(row.work.bytes_beyond_l2)},
                      {"limit_seconds", number(row.limit_seconds)},
                      {"steps", row.steps},
                      {"total_seconds", number(row.total_seconds)}});
  }
  return phases;
}

ordered_json scaling_json(const std::vector<ThreadScaling>& scaling) {
  ordered_json array = ordered_json::array();
  for (const ThreadScaling& one : scaling) {
    array.push_back({{"threads", one.threads},
                     {"steps_per_second", number(one.steps_per_second)},
                     {"over_one", number(one.over_one)},
                     {"streams_over_one", number(one.streams_over_one)},
                     {"quiet_rounds", one.quiet_rounds}});
  }
  return array;
}

ordered_json counters_json(const Profile& profile) {
  ordered_json object = ordered_json::object();
  for (const HardwareCounters::Count& count : profile.counters) {
    object[count.name] = number(count.value);
  }
  if (!profile.counters_missing.empty()) object["missing"] = profile.counters_missing;
  return object;
}

}  // namespace

ordered_json ceiling_json(const Ceiling& ceiling, double flops_per_second,
                          double bytes_per_second) {
  ordered_json levels = ordered_json::array();
  for (const MemoryLevel& level : ceiling.levels) {
    levels.push_back({{"name", level.name},
                      {"capacity", number(level.capacity)},
                      {"buffers", number(level.buffers)},
                      {"copy_bytes_per_second", numbers(level.copy)},
                      {"update_bytes_per_second", numbers(level.update)}});
  }
  return {{"flops_per_second", number(flops_per_second)},
          {"bytes_per_second", number(bytes_per_second)},
          {"threads", ceiling.threads},
          {"multiply_adds",
           {{"float32", numbers(ceiling.flops(Precision::float32))},
            {"float64", numbers(ceiling.flops(Precision::float64))}}},
          {"streams_over_one", numbers(ceiling.streams_over_one)},
          {"levels", std::move(levels)}};
}

ordered_json noise_json(const MachineNoise& noise, const std::vector<std::string>& warnings) {
  return {{"seconds", number(noise.seconds)},
          {"involuntary_switches", number(noise.involuntary_switches)},
          {"steal_share", number(noise.steal_share)},
          {"lowest_frequency", number(noise.lowest_frequency)},
          {"highest_frequency", number(noise.highest_frequency)},
          {"multiply_adds_before", number(noise.multiply_adds_before)},
          {"multiply_adds_after", number(noise.multiply_adds_after)},
          {"warnings", warnings}};
}

ordered_json profile_json(const Profile& profile) {
  ordered_json ceiling =
      ceiling_json(profile.ceiling, profile.flops_per_second, profile.bytes_per_second);
  ceiling["buffers"] = number(profile.buffers);
  return {{"run", profile.title},
          {"run_id", profile.run_id},
          {"precision", profile.precision == Precision::float64 ? "float64" : "float32"},
          {"ceiling", std::move(ceiling)},
          {"phases", phases_json(profile)},
          {"steps_per_second", number(profile.steps_per_second)},
          {"share_of_limit", number(profile.share_of_limit)},
          {"step_seconds", number(profile.step_seconds)},
          {"limit_seconds", number(profile.limit_seconds)},
          {"steps", profile.steps},
          {"quiet_steps", profile.quiet_steps},
          {"total_seconds", number(profile.total_seconds)},
          {"whole_step_seconds", number(profile.whole_step_seconds)},
          {"working_set", number(profile.working_set)},
          {"scaling", scaling_json(profile.scaling)},
          {"counters", counters_json(profile)},
          {"digest", profile.digest},
          {"diverged", profile.diverged},
          {"recording_seconds", number(profile.recording_seconds)},
          {"noise", noise_json(profile.noise, profile.warnings)}};
}

}  // namespace plumbline
