// SPDX-License-Identifier: Apache-2.0
// Probes in whole runs: when they are called, what they leave, what they say of models that they do not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/training/stopwatch.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

std::vector<Setting> every_probe(std::int64_t every) {
  std::vector<Setting> settings;
  for (const std::string& name : probe_catalogue().names()) {
    settings.push_back({"probes." + name + ".every", node(every)});
  }
  return settings;
}

const std::vector<Setting> kSums = {{"data.name", node("adding_problem")},
                                    {"data.steps", node(10)},
                                    {"loss.name", node("mean_squared_error")},
                                    {"model.depth", node(1)}};

struct Case {
  std::string name;
  std::vector<Setting> settings;
};

class ProbesOf : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Models, ProbesOf,
    testing::Values(Case{"mlp", {}},
                    Case{"batch_norm", {{"model.normalization.name", node("batch_norm")}}},
                    Case{"weight_norm", {{"model.normalization.name", node("weight_norm")}}},
                    Case{"maxout", {{"model.activation", node("maxout")}}},
                    Case{"residual", {{"model.kind", node("residual")}, {"model.depth", node(5)}}},
                    Case{"highway", {{"model.kind", node("highway")}, {"model.depth", node(4)}}},
                    Case{"cnn", {{"model.kind", node("cnn")}, {"model.width", node(4)}}},
                    Case{"rnn", with(kSums, {{"model.kind", node("rnn")}})},
                    Case{"lstm", with(kSums, {{"model.kind", node("lstm")}})},
                    Case{"gru", with(kSums, {{"model.kind", node("gru")}})}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(ProbesOf, WriteNumbersOrSayWhyNot) {
  const std::vector<Setting> settings =
      with(with(small_run(), GetParam().settings),
           with(every_probe(5), {{"train.steps", node(10)}, {"data.train", node(64)}}));
  const RunConfiguration run = configured(settings);
  const RunRecord record = trained(run, run.data->load({}));
  ASSERT_EQ(record.status, RunStatus::complete) << record.message;
  const ProbedRun probed = run.probed();
  for (const ScheduledProbe& probe : run.probes) {
    const std::vector<Quantity> quantities = probe.kind->quantities();
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const std::vector<double>& values = metric(record, quantities[q].name);
      EXPECT_EQ(values.size(), record.steps.size() * record.width(quantities[q].axis));
      const bool any = std::ranges::any_of(values, [](double v) { return std::isfinite(v); });
      EXPECT_EQ(any, probe.kind->undefined(q, probed).empty()) << quantities[q].name;
    }
  }
}

TEST(ProbingTest, ChangesNoBitOfTheRun) {
  const std::vector<Setting> batch_norm = with(
      small_run(), {{"model.normalization.name", node("batch_norm")}, {"train.steps", node(12)}});
  EXPECT_EQ(trained(with(batch_norm, every_probe(1))).digest, trained(batch_norm).digest);
  // Nor where the optimizer looks into the net behind probes that have run it.
  const std::vector<Setting> kfac =
      with(small_run(), {{"optimizer.name", node("kfac")}, {"train.steps", node(4)}});
  EXPECT_EQ(trained(with(kfac, every_probe(1))).digest, trained(kfac).digest);
}

TEST(ProbingTest, MeasuresTheSameAtADueStepWhateverTheOthersAre) {
  const std::vector<Setting> run = with(small_run(), {{"train.steps", node(12)}});
  const RunRecord all = trained(with(run, every_probe(1)));
  const RunRecord some = trained(with(run, every_probe(4)));
  for (const Metric& found : some.metrics) {
    const std::size_t width = some.width(found.axis);
    if (found.name.starts_with("train_") || found.name.starts_with("valid_")) continue;
    for (std::size_t i = 0; i < some.steps.size(); ++i) {
      const auto step = static_cast<std::size_t>(some.steps[i]);
      for (std::size_t j = 0; j < width; ++j) {
        const double one = found.values[i * width + j];
        const double other = metric(all, found.name)[step * width + j];
        EXPECT_TRUE(one == other || (std::isnan(one) && std::isnan(other)))
            << found.name << " at step " << step << ": " << one << " and " << other;
      }
    }
  }
}

TEST(ProbingTest, HasUpdatesWithTheStepBeforeThem) {
  const RunRecord record = trained(with(small_run(), {{"train.steps", node(3)},
                                                      {"optimizer.name", node("sgd")},
                                                      {"optimizer.lr", node(0.25)},
                                                      {"model.precision", node("float64")},
                                                      {"probes.update_norm.every", node(1)},
                                                      {"probes.gradient_norm.every", node(1)}}));
  const std::vector<double>& updates = metric(record, "update_norm");
  const std::vector<double>& gradients = metric(record, "gradient_norm");
  const std::size_t layers = record.width(QuantityAxis::layer);
  for (std::size_t i = 0; i < 3 * layers; ++i) {
    // w - (w - lr g) has lost the digits of w below 2^-53, some 1e-13 of an update.
    EXPECT_NEAR(updates[i], 0.25 * gradients[i], 1e-10 * gradients[i]);
  }
  for (std::size_t i = 3 * layers; i < 4 * layers; ++i) EXPECT_TRUE(std::isnan(updates[i]));
}

TEST(ProbingTest, DigestOfTheLastStepIsTheRuns) {
  const RunRecord record =
      trained(with(small_run(), {{"train.steps", node(5)}, {"probes.digest.every", node(1)}}));
  std::uint64_t expected = 0;
  std::from_chars(record.digest.data(), record.digest.data() + record.digest.size(), expected, 16);
  const auto high = static_cast<std::uint64_t>(metric(record, "digest_high").back());
  const auto low = static_cast<std::uint64_t>(metric(record, "digest_low").back());
  EXPECT_EQ((high << 32) + low, expected);
  EXPECT_NE(metric(record, "digest_low").front(), metric(record, "digest_low").back());
}

TEST(ProbingTest, WarnsOfWhatItCannotMeasureWithTheReason) {
  SettingsReport report;
  const SettingsTable table =
      settings_table(with(small_run(), {{"model.kind", node("highway")},
                                        {"probes.activation_stats.every", node(5)},
                                        {"probes.measured_chi.every", node(5)}}));
  configure(table, report);
  std::vector<std::string> warnings;
  for (const Problem& warning : report.warnings) warnings.push_back(warning.message);
  const std::string because =
      " here, because the slopes of units are known in plain stacks of dense layers or "
      "convolutions alone; the values will be NaN";
  EXPECT_THAT(warnings,
              testing::ElementsAre(
                  "'probes.activation_stats' measures no saturated_share, dead_share" + because,
                  "'probes.measured_chi' measures no measured_chi" + because));
}

TEST(ProbingTest, GivesEachProbeItsOwnNumberOfExamples) {
  const auto deviations = [](const std::vector<Setting>& others) {
    const std::vector<Setting> own = {{"probes.activation_stats.every", node(5)},
                                      {"probes.activation_stats.examples", node(10)}};
    return metric(trained(with(with(small_run(), own), others)), "activation_std");
  };
  const std::vector<double> alone = deviations({});
  EXPECT_EQ(
      deviations({{"probes.sharpness.every", node(5)}, {"probes.sharpness.examples", node(50)}}),
      alone);
  EXPECT_NE(deviations({{"probes.activation_stats.examples", node(50)}}), alone);
}

/// A probe that takes its time.
class SlowProbe final : public ProbeKindOf<SlowProbe> {
 public:
  static constexpr double kSeconds = 0.02;

  std::vector<Quantity> quantities() const override {
    return {{"nothing", "Nothing.", "1", QuantityAxis::none}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& /*run*/) const {
    return std::make_unique<OfARun<T>>();
  }

 private:
  template <typename T>
  class OfARun final : public Probe<T> {
   public:
    void before_update(const Snapshot<T>& /*at*/, const Readings& /*values*/) override {
      const double begin = thread_cpu_seconds();
      while (thread_cpu_seconds() < begin + kSeconds) continue;
    }
  };
};

TEST(ProbingTest, KeepsTheTimeOfProbesApartFromTheRuns) {
  RunConfiguration run = configured(
      with(small_run(), {{"train.steps", node(9)}, {"probes.error_signal.every", node(1)}}));
  run.probes.front().kind = std::make_shared<SlowProbe>();
  const RunRecord record = trained(run, run.data->load({}));
  ASSERT_EQ(record.probe_seconds.size(), 1U);
  EXPECT_EQ(record.probe_seconds.front().first, "error_signal");
  constexpr double kOfAll = 10 * SlowProbe::kSeconds;
  EXPECT_GE(record.probe_seconds.front().second, kOfAll);
  // Nine steps of this net take some milliseconds of the processor.
  EXPECT_LT(record.cpu_seconds, kOfAll / 2);
}

TEST(ProbingTest, CountsWhatProbesKeepAsMemory) {
  const double without = configured(small_run()).memory();
  const RunConfiguration run =
      configured(with(small_run(), {{"probes.gradient_cosine.every", node(5)}}));
  // The gradient before and the parameters before, of 4 bytes a value.
  EXPECT_GE(run.memory() - without, 2 * 4 * static_cast<double>(run.probed().layout.size()));
}

}  // namespace
}  // namespace plumbline
