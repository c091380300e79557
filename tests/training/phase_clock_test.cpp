// SPDX-License-Identifier: Apache-2.0
#include "engine/core/phase_clock.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::Not;

// Writes down what the clock is told, and the steps between; ends the run after `steps` updates.
class Diary final : public TrainingObserver, public PhaseClock {
 public:
  explicit Diary(std::int64_t steps = 1000) : steps_(steps) {}

  PhaseClock* clock() override { return this; }
  void enter(Phase phase, std::size_t layer) override {
    entries.push_back(std::string(to_string(phase)) +
                      (layer == 0 ? "" : ' ' + std::to_string(layer)));
  }
  bool before_update(const StepView<float>& view) override { return look(view.step); }
  bool before_update(const StepView<double>& view) override { return look(view.step); }
  bool after_update(std::span<const float>) override { return next(); }
  bool after_update(std::span<const double>) override { return next(); }

  std::vector<std::string> entries;  // since the last update

 private:
  bool look(std::int64_t step) {
    step_ = step;
    return true;
  }
  bool next() {
    if (step_ + 1 >= steps_) return false;
    entries.clear();
    return true;
  }

  std::int64_t steps_;
  std::int64_t step_ = 0;
};

std::vector<std::string> step_of(const std::vector<Setting>& more, std::int64_t steps) {
  const RunConfiguration run = configured(with(small_run(), more));
  const std::atomic<bool> stop{false};
  Diary diary(steps);
  train_observed(run, run.data->load({}), stop, diary);
  return diary.entries;
}

TEST(PhaseClockTest, IsToldOfEachPhaseOfEachLayerInItsOrder) {
  EXPECT_THAT(step_of({}, 2),
              ElementsAre("data", "forward 1", "forward 2", "forward 3", "loss", "backward 3",
                          "backward 2", "backward 1", "other", "optimizer", "other"));
}

TEST(PhaseClockTest, IsToldOfProbesAndEvaluationWhereTheyAreDue) {
  const std::vector<std::string> first = step_of({{"probes.gradient_norm.every", node(1)}}, 1);
  EXPECT_THAT(first, testing::IsSupersetOf({"probes", "evaluation"}));
  const std::vector<std::string> second = step_of({{"probes.gradient_norm.every", node(1)}}, 2);
  EXPECT_THAT(second, testing::Contains("probes"));
  EXPECT_THAT(second, Not(testing::Contains("evaluation")));
}

TEST(PhaseClockTest, IsNotToldOfThePassesOfAnOptimizer) {
  // It goes forward and backward once more within its step.
  EXPECT_EQ(step_of({{"optimizer.name", node("sam")}}, 2), step_of({}, 2));
}

TEST(PhaseClockTest, ChangesNoBit) {
  for (const char* precision : {"float32", "float64"}) {
    const RunConfiguration run =
        configured(with(small_run(), {{"model.precision", node(precision)}}));
    const Dataset data = run.data->load({});
    const std::atomic<bool> stop{false};
    Diary diary;
    EXPECT_EQ(train_observed(run, data, stop, diary).value().digest, trained(run, data).digest);
  }
}

}  // namespace
}  // namespace plumbline
