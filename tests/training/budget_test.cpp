// SPDX-License-Identifier: Apache-2.0
#include "engine/training/budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

std::string lines(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    text += to_string(problem.place) + ": " + problem.message + '\n';
  }
  return text;
}

SettingsReport report_on(const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  configure(table, report);
  return report;
}
std::string mistakes(const std::vector<Setting>& settings) {
  return lines(report_on(settings).problems);
}
std::string warnings(const std::vector<Setting>& settings) {
  return lines(report_on(settings).warnings);
}

Place at(int line, int column) { return {"run.toml", line, column}; }

std::string id_of(const std::vector<Setting>& settings) { return run_id(configured(settings)); }

// Everything at every few steps, under a schedule that asks how long the run is.
std::vector<Setting> measured_run() {
  return with(small_run(), {{"schedule.name", node("cosine")},
                            {"train.evaluate.every", node(3)},
                            {"probes.gradient_norm.log_spaced", node(9)}});
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Where the longer record has a step, the values of the shorter, bit for bit. The last step of the shorter
// may be its own.
void expect_first_steps(const RunRecord& shorter, const RunRecord& longer) {
  ASSERT_EQ(shorter.metrics.size(), longer.metrics.size());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < shorter.steps.size(); ++i) {
    const auto found = std::ranges::find(longer.steps, shorter.steps[i]);
    if (found == longer.steps.end()) {
      EXPECT_EQ(i + 1, shorter.steps.size()) << "step " << shorter.steps[i];
      continue;
    }
    const auto j = static_cast<std::size_t>(found - longer.steps.begin());
    for (std::size_t m = 0; m < shorter.metrics.size(); ++m) {
      const std::size_t width = shorter.metrics[m].values.size() / shorter.steps.size();
      for (std::size_t l = 0; l < width; ++l) {
        const double one = shorter.metrics[m].values[i * width + l];
        const double other = longer.metrics[m].values[j * width + l];
        // At its end a run measures more than a longer one does there.
        if (i + 1 == shorter.steps.size() && std::isnan(other)) continue;
        EXPECT_TRUE(same(one, other)) << shorter.metrics[m].name << ", step " << shorter.steps[i]
                                      << ": " << one << ' ' << other;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 20U);
}

TEST(RunIdTest, IsWhatItWasBeforeThereWereBudgetsAndSeedsOfStreams) {
  EXPECT_EQ(id_of(small_run()), "82d5c8bd2af75f5b");
  EXPECT_EQ(id_of(with(small_run(),
                       {{"train.seed", node(7)}, {"model.normalization", node("batch_norm")}})),
            "1225aabca9dadf68");
}

TEST(RunIdTest, HasTheBudgetThatEndsTheRun) {
  const std::string id = id_of(small_run());
  EXPECT_NE(id_of(with(small_run(), {{"budget.max_steps", node(29)}})), id);
  EXPECT_NE(id_of(with(small_run(), {{"budget.max_seconds", node(1e6)}})), id);
  EXPECT_NE(id_of(with(small_run(), {{"budget.target.at_least", node(0.5)}})), id);
  EXPECT_NE(id_of(with(small_run(), {{"budget.target.at_least", node(0)}})),
            id_of(with(small_run(), {{"budget.target.at_most", node(0)}})));
  EXPECT_EQ(id_of(with(small_run(), {{"budget.max_steps", node(30)}})), id) << "ends nothing";
  EXPECT_EQ(id_of(with(small_run(), {{"budget.max_steps", node(0)}})), id);
  EXPECT_EQ(id_of(with(small_run(), {{"budget.max_seconds", node(0)}})), id);
}

TEST(MaxStepsTest, EndsARunInTheMiddleOfItsSchedule) {
  const RunRecord whole = trained(measured_run());
  const RunRecord record = trained(with(measured_run(), {{"budget.max_steps", node(13)}}));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.ended_by, "max_steps");
  EXPECT_EQ(record.n_steps, 13);
  EXPECT_EQ(record.steps.back(), 13);
  expect_first_steps(record, whole);
  EXPECT_NE(record.digest, whole.digest);
  EXPECT_NE(record.digest, trained(with(measured_run(), {{"train.steps", node(13)}})).digest)
      << "whose schedule is over";
  EXPECT_EQ(whole.ended_by, "") << "there is no budget";
  EXPECT_EQ(whole.n_steps, 30);
}

TEST(MaxStepsTest, EvaluatesTheEndAndCallsItFinal) {
  const RunRecord record = trained(with(measured_run(), {{"budget.max_steps", node(13)}}));
  const RunRecord each = trained(with(measured_run(), {{"train.evaluate.every", node(1)}}));
  for (const std::string& name : evaluated_names()) {
    EXPECT_EQ(summary(record, "final_" + name), metric(each, name)[13]) << name;
    EXPECT_EQ(metric(record, name).back(), metric(each, name)[13]) << name;
  }
  EXPECT_THAT(record.summary, Not(Contains(Key("steps_to_target"))));
}

TEST(MaxStepsTest, CostsWhatItsStepsCost) {
  const auto cost = [](const std::vector<Setting>& more) {
    return configured(with(small_run(), more)).cost();
  };
  EXPECT_EQ(cost({{"budget.max_steps", node(12)}}), cost({{"train.steps", node(12)}}));
  EXPECT_EQ(cost({{"budget.max_steps", node(99)}}), cost({}));
}

TEST(MaxStepsTest, AllowsManyStepsOfWhichFewAreMade) {
  const std::vector<Setting> many = with(small_run(), {{"train.steps", node(2000000000)},
                                                       {"train.evaluate.every", node(1)},
                                                       {"budget.max_steps", node(3)}});
  EXPECT_THAT(mistakes(many), IsEmpty());
  EXPECT_THAT(configured(many).recorded_steps(), ElementsAre(0, 1, 2, 3));
}

TEST(TargetTest, EndsTheRunAtTheFirstEvaluationThatReachesIt) {
  const RunRecord whole = trained(measured_run());
  const std::vector<double>& losses = metric(whole, "train_loss");
  // The loss after 9 updates, and after 11 and 10 by the probe's steps, which evaluate nothing.
  const auto nine = std::ranges::find(whole.steps, 9) - whole.steps.begin();
  const double loss = losses[static_cast<std::size_t>(nine)];
  for (std::size_t i = 0; i < static_cast<std::size_t>(nine); ++i) {
    ASSERT_FALSE(losses[i] <= loss) << "else the target is reached before";
  }
  const RunRecord record =
      trained(with(measured_run(), {{"budget.target.metric", node("train_loss")},
                                    {"budget.target.at_most", node(loss)}}));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.ended_by, "target");
  EXPECT_EQ(record.n_steps, 9);
  EXPECT_EQ(record.steps.back(), 9);
  EXPECT_EQ(summary(record, "steps_to_target"), 9);
  EXPECT_EQ(summary(record, "final_train_loss"), loss);
  expect_first_steps(record, whole);
  const RunRecord at_nine = trained(with(measured_run(), {{"budget.max_steps", node(9)}}));
  EXPECT_EQ(record.digest, at_nine.digest);
}

TEST(TargetTest, IsReachedFromAboveOrFromBelow) {
  const RunRecord whole = trained(measured_run());
  const auto end = [](const char* metric, const char* bound, double value) {
    return trained(with(measured_run(), {{"budget.target.metric", node(metric)},
                                         {std::string("budget.target.") + bound, node(value)}}))
        .ended_by;
  };
  const double most = summary(whole, "best_valid_accuracy");
  EXPECT_EQ(end("valid_accuracy", "at_least", most), "target");
  EXPECT_EQ(end("valid_accuracy", "at_least", most + 1e-6), "steps");
  const double least = summary(whole, "best_valid_loss");
  EXPECT_EQ(end("valid_loss", "at_most", least), "target");
  EXPECT_EQ(end("valid_loss", "at_most", least - 1e-6), "steps");
}

TEST(TargetTest, LeavesTheNumbersOfARunThatDoesNotReachIt) {
  const RunRecord whole = trained(measured_run());
  const RunRecord record =
      trained(with(measured_run(), {{"budget.target.metric", node("valid_loss")},
                                    {"budget.target.at_most", node(0)}}));
  EXPECT_EQ(record.digest, whole.digest);
  EXPECT_EQ(record.steps, whole.steps);
  EXPECT_TRUE(std::isnan(summary(record, "steps_to_target")));
  EXPECT_EQ(record.ended_by, "steps");
}

TEST(TargetTest, ThatHoldsFromTheStartEndsTheRunThere) {
  const RunRecord record = trained(with(measured_run(), {{"budget.target.at_least", node(0)}}));
  EXPECT_EQ(record.n_steps, 0);
  EXPECT_THAT(record.steps, ElementsAre(0));
  EXPECT_EQ(summary(record, "steps_to_target"), 0);
}

TEST(TargetTest, IsNoMetricButThoseEvaluatedAndOneBound) {
  EXPECT_THAT(mistakes({{"budget.target.metric", node("valid_acuracy", at(2, 3))},
                        {"budget.target.at_least", node(0.9)}}),
              AllOf(HasSubstr("run.toml:2:3: 'budget.target.metric' is 'valid_acuracy'"),
                    HasSubstr("did you mean 'valid_accuracy'?")));
  EXPECT_EQ(
      mistakes(
          {{"budget.target.at_least", node(0.9)}, {"budget.target.at_most", node(0.9, at(4, 5))}}),
      "run.toml:4:5: 'budget.target.at_most' is given beside 'budget.target.at_least'; give one "
      "of the two\n");
  EXPECT_THAT(mistakes({{"budget.target.metric", node("valid_loss")}}),
              HasSubstr("'budget.target.at_least' is not given, and neither is 'at_most'"));
  EXPECT_EQ(mistakes({{"budget.target.at_least", node(90, at(4, 5))}}),
            "run.toml:4:5: 'budget.target.at_least' is 90; an accuracy is a share, in [0, 1]\n");
  EXPECT_EQ(
      mistakes({{"budget.target.metric", node("valid_loss")}, {"budget.target.at_most", node(90)}}),
      "")
      << "a loss may be any number";
  EXPECT_THAT(mistakes({{"budget.target.at_lest", node(0.9, at(4, 5))}}),
              HasSubstr("run.toml:4:5: 'budget.target.at_lest' is not a setting"));
  EXPECT_THAT(mistakes({{"budget.target", node(0.9, at(4, 5))}}),
              HasSubstr("run.toml:4:5: 'budget.target' is a number; expected a table"));
  EXPECT_THAT(mistakes({{"budget.max_stepz", node(9, at(4, 5))}}),
              HasSubstr("run.toml:4:5: 'budget.max_stepz' is not a setting"));
  EXPECT_THAT(mistakes({{"budget.max_steps", node(-1, at(4, 5))}}),
              HasSubstr("run.toml:4:5: 'budget.max_steps' is -1"));
  EXPECT_THAT(mistakes({{"budget.max_seconds", node(-0.5, at(4, 5))}}),
              HasSubstr("run.toml:4:5: 'budget.max_seconds' is -0.5"));
}

TEST(TargetTest, ThatTheDataCannotTellIsAMistake) {
  EXPECT_THAT(
      mistakes({{"data.valid", node(0)},
                {"budget.target.metric", node("valid_loss", at(2, 3))},
                {"budget.target.at_most", node(0.1)}}),
      HasSubstr("run.toml:2:3: 'budget.target.metric' is 'valid_loss', and the data have no "
                "validation examples"));
  EXPECT_THAT(
      mistakes({{"data.name", node("adding_problem")},
                {"loss.name", node("mean_squared_error")},
                {"budget.target.metric", node("train_accuracy", at(2, 3))},
                {"budget.target.at_least", node(0.1)}}),
      HasSubstr("run.toml:2:3: 'budget.target.metric' is 'train_accuracy', and the data have "
                "no labels"));
}

TEST(TargetTest, ThatIsHardlyLookedAtIsWorthAWarning) {
  const std::vector<Setting> target = {{"budget.target.metric", node("valid_loss", at(2, 3))},
                                       {"budget.target.at_most", node(0.1)}};
  EXPECT_THAT(
      warnings(target),
      HasSubstr("run.toml:2:3: 'budget.target' is looked at where 'train.evaluate' records"));
  EXPECT_THAT(warnings(with(target, {{"train.evaluate.every", node(10)}})), IsEmpty());
}

// The clock is not the test's, so only limits are told apart that no clock can confuse.
TEST(MaxSecondsTest, EndsTheRunWhereverItIs) {
  const std::vector<Setting> limited = with(measured_run(), {{"budget.max_seconds", node(1e-9)}});
  const RunRecord record = trained(with(limited, {{"train.steps", node(2000000)}}));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.ended_by, "max_seconds");
  EXPECT_LT(record.n_steps, 2000000);
  EXPECT_TRUE(std::isfinite(summary(record, "final_valid_loss")));
  EXPECT_LE(record.steps.back(), record.n_steps);
  EXPECT_THAT(warnings(limited), HasSubstr("'budget.max_seconds' ends runs by the clock"));
}

TEST(MaxSecondsTest, LeavesTheNumbersOfARunThatIsFaster) {
  const RunRecord record = trained(with(measured_run(), {{"budget.max_seconds", node(1e9)}}));
  EXPECT_EQ(record.digest, trained(measured_run()).digest);
  EXPECT_EQ(record.ended_by, "steps");
}

TEST(DivergedRunTest, IsEndedByNoBudget) {
  const RunRecord record = trained(with(small_run(), {{"model.activation", node("relu")},
                                                      {"optimizer.name", node("sgd")},
                                                      {"optimizer.lr", node(1e30)},
                                                      {"train.evaluate.every", node(1)},
                                                      {"budget.max_steps", node(20)}}));
  EXPECT_EQ(record.status, RunStatus::diverged);
  EXPECT_EQ(record.ended_by, "");
  EXPECT_LT(record.n_steps, 20);
}

}  // namespace
}  // namespace plumbline
