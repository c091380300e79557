// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/profile_file.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "experiments/runner/results/hdf5_output.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/results_description.hpp"

namespace plumbline {

namespace {

using hdf5::StoredAs;
using hdf5::Variable;
using Axes = std::vector<const Variable*>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The variables and attributes of one file.
class File {
 public:
  File(const hdf5::Check& check, hid_t id) : check_(check), id_(id) {}

  Variable axis(const char* name, const std::vector<double>& coordinates,
                const char* meaning) const {
    Variable made = hdf5::create_dimension(check_, id_, name, coordinates);
    hdf5::describe(check_, made, meaning, "1");
    return made;
  }
  Variable counted_axis(const char* name, std::size_t size, const char* meaning) const {
    std::vector<double> coordinates(size);
    std::iota(coordinates.begin(), coordinates.end(), 0.0);
    return axis(name, coordinates, meaning);
  }
  void numbers(const char* name, const Axes& axes, const std::vector<double>& values,
               const char* units, const char* meaning, StoredAs type = StoredAs::float64) const {
    const Variable made = hdf5::create_variable(check_, id_, name, type, axes);
    hdf5::describe(check_, made, meaning, units);
    if (type == StoredAs::float64) {
      hdf5::set_attribute(check_, made.id(), "_FillValue", std::array{kNaN}, type);
    }
    hdf5::write_numbers(check_, made, values);
  }
  void texts(const char* name, const Axes& axes, const std::vector<std::string>& values,
             const char* meaning) const {
    const Variable made = hdf5::create_variable(check_, id_, name, StoredAs::text, axes);
    hdf5::describe(check_, made, meaning);
    hdf5::write_texts(check_, made, values);
  }
  void number(hid_t object, const std::string& name, double value) const {
    hdf5::set_attribute(check_, object, name, std::array{value}, StoredAs::float64);
  }
  void text(hid_t object, const std::string& name, const std::string& value) const {
    hdf5::set_attribute(check_, object, name, value);
  }
  hdf5::Handle group(const char* name) const { return hdf5::create_group(check_, id_, name); }
  hid_t root() const { return id_; }

 private:
  const hdf5::Check& check_;
  hid_t id_;
};

template <class Range, class Get>
std::vector<double> collected(const Range& range, const Get& get) {
  std::vector<double> values;
  for (const auto& one : range) values.push_back(static_cast<double>(get(one)));
  return values;
}

void write_attributes(const File& file, const Profile& profile) {
  const hid_t root = file.root();
  file.text(root, "run", profile.title);
  file.text(root, "run_id", profile.run_id);
  file.text(root, "precision", profile.precision == Precision::float64 ? "float64" : "float32");
  file.text(root, "digest", profile.digest);
  file.text(root, "diverged", profile.diverged);
  file.number(root, "layers", static_cast<double>(profile.layers));
  file.number(root, "batch", static_cast<double>(profile.batch));
  file.number(root, "steps", static_cast<double>(profile.steps));
  file.number(root, "quiet_steps", static_cast<double>(profile.quiet_steps));
  file.number(root, "total_seconds", profile.total_seconds);
  file.number(root, "step_seconds", profile.step_seconds);
  file.number(root, "whole_step_seconds", profile.whole_step_seconds);
  file.number(root, "limit_seconds", profile.limit_seconds);
  file.number(root, "share_of_limit", profile.share_of_limit);
  file.number(root, "steps_per_second", profile.steps_per_second);
  file.number(root, "recording_seconds", profile.recording_seconds);
  file.number(root, "flops_per_second", profile.flops_per_second);
  file.number(root, "bytes_per_second", profile.bytes_per_second);
  file.number(root, "buffers", profile.buffers);
  file.number(root, "working_set", profile.working_set);
}

void write_rows(const File& file, const Profile& profile) {
  const std::vector<ProfileRow>& rows = profile.rows;
  const Variable row =
      file.counted_axis("row", rows.size(), "phase of a layer, in the order of a step");
  const Axes axes{&row};
  std::vector<std::string> phases;
  for (const ProfileRow& one : rows) phases.emplace_back(to_string(one.work.phase));
  file.texts("phase", axes, phases, "what the run does");
  const auto add = [&](const char* name, const char* units, const char* meaning, const auto& get,
                       StoredAs type = StoredAs::float64) {
    file.numbers(name, axes, collected(rows, get), units, meaning, type);
  };
  using Row = const ProfileRow&;
  add(
      "layer", "1", "weight layer, 1 at the input side; 0: the whole net",
      [](Row one) { return one.work.layer; }, StoredAs::int32);
  add("seconds", "s", "time in a step: the median over quiet steps, or all where few are quiet",
      [](Row one) { return one.seconds; });
  add("limit_seconds", "s", "flops / flops_per_second + bytes_beyond_l2 / bytes_per_second",
      [](Row one) { return one.limit_seconds; });
  add("flops", "1", "floating-point operations in a step, at least",
      [](Row one) { return one.work.flops; });
  add("bytes", "byte", "read and written in a step, at least",
      [](Row one) { return one.work.bytes; });
  add("bytes_beyond_l2", "byte", "of them, those that L2 cannot hold from their last use",
      [](Row one) { return one.work.bytes_beyond_l2; });
  add(
      "steps_with_phase", "1", "timed steps that have the phase", [](Row one) { return one.steps; },
      StoredAs::int32);
  add("phase_total_seconds", "s", "time in all timed steps together",
      [](Row one) { return one.total_seconds; });
}

void write_ceilings(const File& file, const Profile& profile) {
  const Ceiling& ceiling = profile.ceiling;
  const Variable threads = file.axis("threads", {ceiling.threads.begin(), ceiling.threads.end()},
                                     "streams or runs at once");
  const Axes by_threads{&threads};
  file.numbers("multiply_adds_float32", by_threads, ceiling.flops(Precision::float32), "s-1",
               "floating-point operations a second of fused multiply-adds in float32");
  file.numbers("multiply_adds_float64", by_threads, ceiling.flops(Precision::float64), "s-1",
               "floating-point operations a second of fused multiply-adds in float64");
  file.numbers("streams_over_one", by_threads, ceiling.streams_over_one, "1",
               "rate of so many streams of multiply-adds in float32 over that of one");

  const auto scaled = [&](const auto& get) {
    std::vector<double> values(ceiling.threads.size(), kNaN);
    for (const ThreadScaling& one : profile.scaling) {
      for (std::size_t t = 0; t < values.size(); ++t) {
        if (ceiling.threads[t] == one.threads) values[t] = get(one);
      }
    }
    return values;
  };
  using One = const ThreadScaling&;
  file.numbers("runs_steps_per_second", by_threads,
               scaled([](One one) { return one.steps_per_second; }), "s-1",
               "steps a second of so many runs at once");
  file.numbers("runs_over_one", by_threads, scaled([](One one) { return one.over_one; }), "1",
               "steps a second of so many runs at once over those of one");
  file.numbers("runs_quiet_rounds", by_threads,
               scaled([](One one) { return static_cast<double>(one.quiet_rounds); }), "1",
               "rounds that these medians are over; 0: all, as none was quiet");
  file.numbers("runs_streams_over_one", by_threads,
               scaled([](One one) { return one.streams_over_one; }), "1",
               "multiply-adds of so many streams over those of one, measured between the runs");

  const Variable level =
      file.counted_axis("level", ceiling.levels.size(), "place that data come from");
  std::vector<std::string> names;
  std::vector<double> copy;
  std::vector<double> update;
  for (const MemoryLevel& one : ceiling.levels) {
    names.push_back(one.name);
    copy.insert(copy.end(), one.copy.begin(), one.copy.end());
    update.insert(update.end(), one.update.begin(), one.update.end());
  }
  using Level = const MemoryLevel&;
  file.texts("level_name", {&level}, names, "L1, L2, L3 or memory");
  file.numbers("level_capacity", {&level},
               collected(ceiling.levels, [](Level one) { return one.capacity; }), "byte",
               "size; 0: not known");
  file.numbers("level_buffers", {&level},
               collected(ceiling.levels, [](Level one) { return one.buffers; }), "byte",
               "that one stream works on");
  file.numbers("copy_bandwidth", {&level, &threads}, copy, "byte s-1",
               "bytes read and written a second by copies");
  file.numbers("update_bandwidth", {&level, &threads}, update, "byte s-1",
               "bytes read and written a second by updates in place");
}

void write_rounds(const File& file, const std::vector<Round>& rounds) {
  const Variable round =
      file.counted_axis("round", rounds.size(), "steps between two measurements of multiply-adds");
  file.numbers("round_steps", {&round},
               collected(rounds, [](const Round& one) { return one.steps; }), "1", "timed steps",
               StoredAs::int32);
  file.numbers("round_multiply_adds", {&round},
               collected(rounds, [](const Round& one) { return one.multiply_adds; }), "s-1",
               "the lower of the two rates");
}

void write_noise(const File& file, const Profile& profile) {
  const hdf5::Handle group = file.group("noise");
  const MachineNoise& noise = profile.noise;
  file.number(group.id(), "seconds", noise.seconds);
  file.number(group.id(), "involuntary_switches", noise.involuntary_switches);
  file.number(group.id(), "steal_share", noise.steal_share);
  file.number(group.id(), "lowest_frequency", noise.lowest_frequency);
  file.number(group.id(), "highest_frequency", noise.highest_frequency);
  file.number(group.id(), "multiply_adds_before", noise.multiply_adds_before);
  file.number(group.id(), "multiply_adds_after", noise.multiply_adds_after);
  std::string warnings;
  for (const std::string& warning : profile.warnings) warnings += warning + '\n';
  file.text(group.id(), "warnings", warnings);
}

void write_counters(const File& file, const Profile& profile) {
  const hdf5::Handle group = file.group("counters");
  for (const HardwareCounters::Count& count : profile.counters) {
    file.number(group.id(), count.name, count.value);
  }
  file.text(group.id(), "missing", profile.counters_missing);
}

}  // namespace

void write_profile_file(const std::filesystem::path& path, const Profile& profile,
                        const Definition& definition, const Provenance& provenance) {
  const hdf5::Turn turn;
  hdf5::OutputFile output(path);
  {
    const File file(output.check(), output.id());
    write_file_attributes(output.check(), output.id(), definition, provenance,
                          {.schema = kProfileSchema,
                           .version = kProfileSchemaVersion,
                           .id = definition.name + '.' + profile.run_id});
    write_attributes(file, profile);
    write_rows(file, profile);
    write_ceilings(file, profile);
    write_rounds(file, profile.rounds);
    write_noise(file, profile);
    write_counters(file, profile);
    write_origin(output.check(), output.id(), definition, provenance);
  }
  output.publish();
}

}  // namespace plumbline
