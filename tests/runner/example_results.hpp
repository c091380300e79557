// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

/// An id like those of runs, 16 hex digits.
inline std::string example_run_id(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

/// A folder of its own, which goes with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = testing::TempDir() + "/results_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline SettingNode node(const char* text) { return {std::string(text), {}}; }
inline SettingNode node(std::int64_t number) { return {number, {}}; }
inline SettingNode node(double number) { return {number, {}}; }

using Setting = std::pair<std::string, SettingNode>;

/// A list of the grid.
struct ListedAxis {
  std::string key;
  std::vector<SettingNode> values;
  Place place;
};

/// The product of `axes` and two seeds over a small base with two probes, changed by `settings`.
inline Plan plan_of(const std::vector<ListedAxis>& axes,
                    const std::vector<Setting>& settings = {}) {
  Definition definition;
  definition.path = "example.toml";
  definition.text = "name = \"example\"  # Größe\n";
  definition.sha256 = std::string(64, 'a');
  definition.name = "example";
  definition.title = "An example";
  definition.question = "Does it come back?";
  Study study;
  study.base.set_path("model.width", node(std::int64_t{4}));
  study.base.set_path("train.steps", node(std::int64_t{20}));
  study.base.set_path("train.evaluate.every", node(std::int64_t{5}));
  study.base.set_path("probes.error_signal.every", node(std::int64_t{10}));
  study.base.set_path("probes.gradient_norm.every", node(std::int64_t{7}));
  for (const auto& [key, value] : settings) study.base.set_path(key, value);
  for (const auto& [key, values, place] : axes) {
    study.axes.push_back(grid_axis(key, values, place));
  }
  study.axes.push_back(grid_axis("train.seed", {node(std::int64_t{0}), node(std::int64_t{1})}, {}));
  definition.studies = {std::move(study)};
  return make_plan(std::move(definition), {});
}

/// Eight runs of 2 or 4 weight layers and of 12 or 20 steps: neither records all steps of the axis.
inline Plan ragged_plan() {
  return plan_of({{"model.depth", {node(std::int64_t{1}), node(std::int64_t{3})}, {}},
                  {"train.steps", {node(std::int64_t{12}), node(std::int64_t{20})}, {}}});
}

/// Arbitrary values, among them NaN, both infinities, a negative zero and a subnormal number.
inline std::vector<double> awkward_values(std::size_t size, Random& random) {
  const std::vector<double> special = {std::numeric_limits<double>::quiet_NaN(),
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(), -0.0, 5e-324};
  std::vector<double> values;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t kind = random.below(20);
    values.push_back(kind < special.size() ? special[kind] : random.normal());
  }
  return values;
}

/// A record as the trainer makes them for run `index`, with arbitrary numbers.
inline RunRecord example_record(const Plan& plan, std::size_t index) {
  const RunConfiguration& run = plan.runs[index].configuration;
  Random random(static_cast<std::int64_t>(index), RandomStream::noise, 0);
  RunRecord record;
  record.status = RunStatus::complete;
  record.digest = "0123456789abcde" + std::to_string(index % 10);
  record.n_layers = static_cast<std::int64_t>(run.model.widths.size() + 1);
  record.steps = run.recorded_steps();
  record.n_steps = record.steps.back();
  const std::size_t layers = run.model.widths.size() + 1;
  for (const char* name : {"train_loss", "train_accuracy", "valid_loss", "valid_accuracy"}) {
    record.metrics.push_back({name, std::string("the ") + name, "1", QuantityAxis::none,
                              awkward_values(record.steps.size(), random)});
  }
  for (const ScheduledProbe& probe : run.probes) {
    record.metrics.push_back({probe.entry->info.name, "as the run tells it", "1",
                              QuantityAxis::layer,
                              awkward_values(record.steps.size() * layers, random)});
  }
  record.summary = {{"final_train_loss", random.normal()},
                    {"best_valid_loss", std::numeric_limits<double>::quiet_NaN()},
                    {"final_valid_loss", std::numeric_limits<double>::infinity()}};
  record.theory_error_signal = awkward_values(layers, random);
  record.theory_error_signal_low = awkward_values(layers, random);
  record.theory_error_signal_high = awkward_values(layers, random);
  record.theory_error_signal_z = awkward_values(layers, random);
  record.diagnosis = "healthy: run " + std::to_string(index);
  record.wall_seconds = 0.25 + static_cast<double>(index);
  record.cpu_seconds = 0.125;
  record.started = 1700000000;
  return record;
}

inline Provenance example_provenance() {
  return {{"plumbline_version", "0.1.0"},
          {"git_commit", "abc"},
          {"host", "höhle"},
          {"threads", "3"},
          {"command_line", "plumbline run example"}};
}

/// Writes the example record of every run of the plan.
inline void write_all(const std::filesystem::path& path, const Plan& plan) {
  ResultsWriter writer(path, plan, example_provenance());
  for (std::size_t i = 0; i < plan.runs.size(); ++i) writer.write(i, example_record(plan, i));
  writer.close();
}

/// What the EnvironmentError says that `call` throws; "" where it throws none.
template <class Call>
std::string complaint(const Call& call) {
  try {
    call();
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "";
}

/// The bits, which tell -0 from 0 and are equal where both are the same NaN.
inline std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> result;
  for (const double value : values) result.push_back(std::bit_cast<std::uint64_t>(value));
  return result;
}

inline void expect_same_bits(const RunRecord& read, const RunRecord& written) {
  EXPECT_EQ(read.status, written.status);
  EXPECT_EQ(read.message, written.message);
  EXPECT_EQ(read.digest, written.digest);
  EXPECT_EQ(read.n_layers, written.n_layers);
  EXPECT_EQ(read.steps, written.steps);
  ASSERT_EQ(read.metrics.size(), written.metrics.size());
  for (std::size_t i = 0; i < read.metrics.size(); ++i) {
    const Metric& one = read.metrics[i];
    const Metric& other = written.metrics[i];
    EXPECT_EQ(one.name, other.name);
    EXPECT_EQ(one.meaning, other.meaning);
    EXPECT_EQ(one.units, other.units);
    EXPECT_EQ(one.axis, other.axis);
    EXPECT_EQ(bits(one.values), bits(other.values)) << one.name;
  }
  ASSERT_EQ(read.summary.size(), written.summary.size());
  for (std::size_t i = 0; i < read.summary.size(); ++i) {
    EXPECT_EQ(read.summary[i].first, written.summary[i].first);
    EXPECT_EQ(bits({read.summary[i].second}), bits({written.summary[i].second}));
  }
  EXPECT_EQ(bits(read.theory_error_signal), bits(written.theory_error_signal));
  EXPECT_EQ(bits(read.theory_error_signal_low), bits(written.theory_error_signal_low));
  EXPECT_EQ(bits(read.theory_error_signal_high), bits(written.theory_error_signal_high));
  EXPECT_EQ(bits(read.theory_error_signal_z), bits(written.theory_error_signal_z));
  EXPECT_EQ(read.diagnosis, written.diagnosis);
  EXPECT_EQ(read.wall_seconds, written.wall_seconds);
  EXPECT_EQ(read.cpu_seconds, written.cpu_seconds);
  EXPECT_EQ(read.started, written.started);
}

}  // namespace plumbline
