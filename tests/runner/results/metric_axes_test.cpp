// SPDX-License-Identifier: Apache-2.0
// Quantities over lags and indices, undefined ones and the time of probes, into files and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/probes/probe.hpp"
#include "experiments/runner/results/record_checksum.hpp"
#include "experiments/runner/results/results_layout.hpp"
#include "experiments/runner/results/results_segment.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

// A quantity over each axis, of which that over lags is undefined of nets with three hidden layers.
class OverEachAxis final : public ProbeKindOf<OverEachAxis> {
 public:
  std::vector<Quantity> quantities() const override {
    return {{"of_net", "one a step", "1", QuantityAxis::none},
            {"of_lags", "one a lag", "s", QuantityAxis::lag},
            {"of_three", "three", "1", QuantityAxis::index, 3},
            {"of_two", "two", "1", QuantityAxis::index, 2}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  std::string undefined(std::size_t quantity, const ProbedRun& run) const override {
    return quantity == 1 && run.layers == 4 ? "three layers are too many" : "";
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& /*run*/) const {
    return std::make_unique<Probe<T>>();
  }
};

Plan plan_over_axes() {
  Plan plan = ragged_plan();
  const auto kind = std::make_shared<OverEachAxis>();
  for (RunSpec& run : plan.runs) run.configuration.probes.front().kind = kind;
  return plan;
}

RunRecord record_over_axes(const Plan& plan, std::size_t index) {
  RunRecord record = example_record(plan, index);
  std::erase_if(record.metrics, [](const Metric& metric) { return metric.name == "error_signal"; });
  record.n_lags = 1;
  record.n_indices = 3;
  Random random(static_cast<std::int64_t>(index), RandomStream::noise, 1);
  for (const Quantity& quantity : OverEachAxis().quantities()) {
    record.metrics.push_back(
        {quantity.name, quantity.summary, quantity.units, quantity.axis,
         awkward_values(record.steps.size() * record.width(quantity.axis), random)});
  }
  record.probe_seconds = {{"error_signal", 0.5 + static_cast<double>(index)},
                          {"gradient_norm", 0.25}};
  return record;
}

void expect_same(const RunRecord& read, const RunRecord& written) {
  EXPECT_EQ(read.n_lags, written.n_lags);
  EXPECT_EQ(read.n_indices, written.n_indices);
  EXPECT_EQ(read.probe_seconds, written.probe_seconds);
  ASSERT_EQ(read.metrics.size(), written.metrics.size());
  for (const Metric& metric : written.metrics) {
    const auto found = std::ranges::find(read.metrics, metric.name, &Metric::name);
    ASSERT_NE(found, read.metrics.end()) << metric.name;
    EXPECT_EQ(found->axis, metric.axis) << metric.name;
    EXPECT_EQ(bits(found->values), bits(metric.values)) << metric.name;
  }
}

TEST(MetricAxesTest, ComeBackFromAFileToTheBit) {
  const TemporaryFolder folder;
  const Plan plan = plan_over_axes();
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    for (std::size_t i = 0; i < plan.runs.size(); ++i) writer.write(i, record_over_axes(plan, i));
    writer.close();
  }
  const ResultsReader reader(folder / "a.h5");
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    expect_same(reader.read(i), record_over_axes(plan, i));
  }
  EXPECT_THAT(reader.axis_sizes(), testing::ElementsAre(1, 4, 1, 3));
  const std::vector<double> sums = reader.numbers("probe_seconds");
  EXPECT_EQ(sums[2], 0.5 + 2 + 0.25);
  EXPECT_EQ(reader.numbers("probe_seconds_gradient_norm")[2], 0.25);
  EXPECT_TRUE(is_timing_variable("probe_seconds_gradient_norm"));
}

TEST(MetricAxesTest, ComeBackFromASegmentToTheBit) {
  const TemporaryFolder folder;
  const Plan plan = plan_over_axes();
  std::vector<FinishedRun> runs;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    runs.push_back({plan.runs[i].run_id, record_over_axes(plan, i), {"host", 1}});
  }
  write_segment(folder / "s.h5", runs, plan.definition, example_provenance());
  const ResultsReader reader(folder / "s.h5");
  for (std::size_t i = 0; i < runs.size(); ++i) expect_same(reader.read(i), runs[i].record);
}

TEST(MetricAxesTest, SayWhereTheyAreUndefinedAndWhy) {
  const ResultsLayout layout = results_layout(plan_over_axes());
  EXPECT_EQ(layout.lags, 1U);
  EXPECT_EQ(layout.indices, 3U);
  for (const MetricVariable& metric : layout.metrics) {
    EXPECT_EQ(metric.undefined, metric.name == "of_lags" ? "three layers are too many" : "");
  }
  const TemporaryFolder folder;
  const Plan plan = plan_over_axes();
  ResultsWriter(folder / "a.h5", plan, example_provenance()).close();
  for (const MetricVariable& metric : ResultsReader(folder / "a.h5").metrics()) {
    EXPECT_EQ(metric.undefined, metric.name == "of_lags" ? "three layers are too many" : "");
  }
}

TEST(MetricAxesTest, AreNotThereWhereNoProbeNeedsThem) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  write_all(folder / "a.h5", plan);
  const ResultsReader reader(folder / "a.h5");
  EXPECT_THAT(reader.axis_sizes(), testing::ElementsAre(1, 4, 0, 0));
  EXPECT_THAT(reader.run_variables(), testing::Not(testing::Contains("n_lags")));
}

TEST(MetricAxesTest, LongerThanThePlansAreRefused) {
  const TemporaryFolder folder;
  const Plan plan = plan_over_axes();
  ResultsWriter writer(folder / "a.h5", plan, example_provenance());
  RunRecord record = record_over_axes(plan, 0);
  record.n_indices = 4;
  for (Metric& metric : record.metrics) {
    if (metric.axis == QuantityAxis::index) metric.values.resize(4 * record.steps.size());
  }
  EXPECT_THROW(writer.write(0, record), std::invalid_argument);
}

}  // namespace
}  // namespace plumbline
