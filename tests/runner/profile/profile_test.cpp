// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/profile.hpp"

#include <linux/perf_event.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/training/stopwatch.hpp"
#include "experiments/runner/profile/median.hpp"
#include "experiments/runner/profile/profile_text.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

// Sums of at most some thousand numbers of one sign, each rounded to 2^-53 of itself.
constexpr double kRounding = 1e-12;

TEST(QuietMedianTest, LeavesOutWhatIsMuchSlowerThanTheBest) {
  EXPECT_EQ(quiet_median(std::vector<double>{50, 100, 96, 92, 89, 10}), 96);
  EXPECT_EQ(quiet_median(std::vector<double>{7}), 7);
  EXPECT_TRUE(std::isnan(quiet_median({})));
}

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(StreamBufferTest, IsSharedBelowL2AndOfEachWithinIt) {
  const CacheSizes caches{32, 512, 16384};
  const MemoryLevel l2{"L2", 512, 256};
  const MemoryLevel l3{"L3", 16384, 8192};
  const MemoryLevel memory{"memory", 0, 65536};
  EXPECT_EQ(stream_buffer(l2, 8, caches), 256);
  EXPECT_EQ(stream_buffer(l3, 1, caches), 8192);
  EXPECT_EQ(stream_buffer(l3, 4, caches), 2048);
  EXPECT_EQ(stream_buffer(l3, 16, caches), 1024) << "what L2 does not hold";
  EXPECT_TRUE(std::isnan(stream_buffer(l3, 17, caches))) << "16 of 1024 bytes are all of L3";
  EXPECT_EQ(stream_buffer(memory, 4, caches), 16384);
  EXPECT_EQ(stream_buffer(memory, 1000, caches), 1024);
  const CacheSizes eight{32, 512, 16384, 8};
  EXPECT_EQ(stream_buffer(memory, 4, eight), 65536) << "each may have an L3 for itself";
  EXPECT_EQ(stream_buffer(memory, 32, eight), 16384);
  EXPECT_EQ(stream_buffer(l3, 4, eight), 2048);
}

TEST(StepTimesTest, QuietStepsAreThoseBetweenFastMultiplyAdds) {
  StepTimes times{.clock = StepClock(1)};
  times.multiply_adds = {100, 95, 60, 98};
  times.rounds = {{0, 2, 95}, {2, 1, 60}, {3, 1, 60}};
  EXPECT_THAT(times.quiet_steps().used, testing::ElementsAre(0, 1));
  EXPECT_EQ(times.quiet_steps().quiet, 2U);
}

TEST(StepTimesTest, UsesAllStepsWhereTooFewAreQuietAndCountsTheQuiet) {
  StepTimes times{.clock = StepClock(1)};
  times.multiply_adds = {100, 95, 60};
  times.rounds = {{0, 1, 95}, {1, 9, 60}};
  EXPECT_EQ(times.quiet_steps().used.size(), 10U);
  EXPECT_EQ(times.quiet_steps().quiet, 1U);
}

TEST(TimeStepsTest, TimesEveryPhaseOfEveryLayerAndAddsUpToTheWhole) {
  const RunConfiguration run = configured(small_run());
  const StepTimes times = time_steps(run, run.data->load({}), 25);
  ASSERT_EQ(times.clock.steps(), 25U);
  EXPECT_EQ(times.optimizer_state, 2 * parameter_layout(run.model, 64, 10).size());
  for (std::size_t step = 0; step < 25; ++step) {
    Nanoseconds sum = 0;
    const auto add = [&](Phase phase, std::size_t layer) {
      const Nanoseconds time = times.clock.time(step, phase, layer);
      EXPECT_NE(time, StepClock::kNotEntered) << to_string(phase) << ' ' << layer;
      sum += time;
    };
    for (std::size_t layer = 1; layer <= 3; ++layer) {
      add(Phase::forward, layer);
      add(Phase::backward, layer);
    }
    for (const Phase phase : {Phase::data, Phase::loss, Phase::optimizer, Phase::other}) {
      add(phase, 0);
    }
    EXPECT_EQ(sum, times.clock.total(step));
  }
  std::size_t in_rounds = 0;
  for (const Round& round : times.rounds) {
    EXPECT_EQ(round.first, in_rounds);
    in_rounds += round.steps;
  }
  EXPECT_EQ(in_rounds, 25U);
}

TEST(TimeStepsTest, TrainsTheSameBitsAsWithoutAClock) {
  const RunConfiguration run = configured(small_run());
  const Dataset data = run.data->load({});
  // More steps than the run has: it goes on from its start.
  const StepTimes times = time_steps(run, data, 40);
  EXPECT_EQ(times.clock.steps(), 40U);
  EXPECT_EQ(times.record->digest, trained(run, data).digest);
  EXPECT_EQ(times.record->message, "");
}

TEST(TimeStepsTest, KeepsTheFirstStepOfARunThatHasNoOther) {
  const RunConfiguration run = configured(with(small_run(), {{"train.steps", node(1)}}));
  EXPECT_EQ(time_steps(run, run.data->load({}), 2).clock.steps(), 2U);
}

TEST(TimeStepsTest, SaysWhereARunDivergesThatNeverComesToASecondUpdate) {
  RunConfiguration run = configured(with(small_run(), {{"model.activation", node("relu")},
                                                       {"model.initializer.name", node("normal")},
                                                       {"model.initializer.std", node(1e30)}}));
  const StepTimes times = time_steps(run, run.data->load({}), 5);
  EXPECT_EQ(times.clock.steps(), 0U);
  EXPECT_THAT(times.record->message, HasSubstr("step 0"));
}

// More than all steps of a test take, in a build without optimization too.
constexpr double kBusySeconds = 1.0 / 16;  // of this thread's processor time, as the counter's
constexpr double kBusyNanoseconds = 1e9 * kBusySeconds;

// A kind of probe that calls a function with how often its probes have measured before, in all runs together.
class CallingKind final : public ProbeKindOf<CallingKind> {
 public:
  explicit CallingKind(std::function<void(int)> function) : function_(std::move(function)) {}

  std::vector<Quantity> quantities() const override { return {{"gradient_norm", "the calls"}}; }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& /*run*/) const {
    return std::make_unique<Calling<T>>(*this);
  }

 private:
  template <typename T>
  class Calling final : public Probe<T> {
   public:
    explicit Calling(const CallingKind& kind) : kind_(kind) {}
    void before_update(const Snapshot<T>& /*at*/, const Readings& /*values*/) override {
      kind_.function_(kind_.calls_++);
    }

   private:
    const CallingKind& kind_;
  };

  std::function<void(int)> function_;
  mutable std::atomic<int> calls_{0};
};

void keep_busy() {
  for (const double begin = thread_cpu_seconds(); thread_cpu_seconds() - begin < kBusySeconds;) {
    continue;
  }
}

// Nanoseconds of the processor that are counted while two passes of a run of so many steps are timed, with
// a probe at the first and after the last step. Nothing where the kernel counts none.
std::optional<double> counted_nanoseconds(std::int64_t steps, bool at_first_alone) {
  RunConfiguration run = configured(with(
      small_run(), {{"train.steps", node(steps)}, {"probes.gradient_norm.every", node(steps)}}));
  run.probes.front().kind = std::make_shared<CallingKind>([=](int calls) {
    if (!at_first_alone || calls == 0) keep_busy();
  });
  const std::size_t kept = 2 * static_cast<std::size_t>(std::max<std::int64_t>(1, steps - 1));
  const StepTimes times =
      time_steps(run, run.data->load({}), kept,
                 {{"task_clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK}});
  EXPECT_EQ(times.clock.steps(), kept);
  if (times.counters.empty()) return std::nullopt;
  return times.counters[0].value;
}

TEST(TimeStepsTest, CountsNothingBeforeTheFirstAndAfterTheLastKeptStep) {
  const std::optional<double> counted = counted_nanoseconds(5, false);
  if (!counted) GTEST_SKIP() << "the kernel counts nothing";
  EXPECT_GT(*counted, 0);
  EXPECT_LT(*counted, kBusyNanoseconds);
}

TEST(TimeStepsTest, CountsInTheOnlyStepOfARun) {
  const std::optional<double> counted = counted_nanoseconds(1, true);
  if (!counted) GTEST_SKIP() << "the kernel counts nothing";
  EXPECT_GT(*counted, kBusyNanoseconds / 2) << "two clocks, which may differ a little";
}

// A clock of a net of one layer with these nanoseconds in each step; probes in every second step.
Nanoseconds now = 0;
StepTimes times_of(const std::vector<Nanoseconds>& forward) {
  now = 0;
  StepTimes times{.clock = StepClock(1, [] { return now; })};
  StepClock& clock = times.clock;
  for (std::size_t step = 0; step < forward.size(); ++step) {
    clock.enter(Phase::data, 0);
    now += 10;
    clock.enter(Phase::forward, 1);
    now += forward[step];
    clock.enter(Phase::backward, 1);
    now += 200;
    if (step % 2 == 0) {
      clock.enter(Phase::probes, 0);
      now += 50;
    }
    clock.end_step(true);
  }
  times.rounds = {{0, forward.size(), 1}};
  times.multiply_adds = {1, 1};
  return times;
}

StepWork work_of_one_layer() {
  StepWork work;
  work.phases = {{Phase::data, 0, 0, 64, 64},
                 {Phase::forward, 1, 100, 10, 0},
                 {Phase::backward, 1, 200, 20, 8}};
  work.evaluation = {Phase::evaluation, 0, 1000, 100, 0};
  return work;
}

Profile profile_of(const StepTimes& times) {
  Profile profile;
  profile.flops_per_second = 4e9;
  profile.bytes_per_second = 8e9;
  add_times(profile, times, work_of_one_layer());
  return profile;
}

TEST(AddTimesTest, TakesMediansAndSharesOfTheLimit) {
  const Profile profile = profile_of(times_of({100, 1000, 110, 90}));
  ASSERT_EQ(profile.rows.size(), 4U) << "no evaluation, and no time in `other`";
  EXPECT_EQ(profile.rows[1].work.phase, Phase::forward);
  EXPECT_NEAR(profile.rows[1].seconds, 105e-9, 105e-9 * kRounding);
  // 100 flop at 4 flop/ns; 200 at 4 and 8 bytes at 8 bytes/ns.
  EXPECT_NEAR(profile.rows[1].limit_seconds, 25e-9, 25e-9 * kRounding);
  EXPECT_NEAR(profile.rows[2].limit_seconds, 51e-9, 51e-9 * kRounding);
  // With the 8 ns of the batch: 84 ns of 10 + 105 + 200 ns.
  EXPECT_NEAR(profile.step_seconds, 315e-9, 315e-9 * kRounding);
  EXPECT_NEAR(profile.share_of_limit, 84.0 / 315, kRounding);
}

TEST(AddTimesTest, GivesAStepItsShareOfWhatNotEveryStepHas) {
  const Profile profile = profile_of(times_of({100, 100, 100, 100}));
  const ProfileRow probes = whole_phase(profile, Phase::probes);
  EXPECT_EQ(probes.steps, 2U);
  EXPECT_NEAR(probes.seconds, 25e-9, 25e-9 * kRounding);
  EXPECT_NEAR(profile.steps_per_second, 1 / 335e-9, kRounding / 335e-9);
}

TEST(AddTimesTest, TheRowsAddUpToTheWhole) {
  const Profile profile = profile_of(times_of({100, 1000, 110, 90}));
  double sum = 0;
  for (const ProfileRow& row : profile.rows) sum += row.total_seconds;
  EXPECT_NEAR(sum, profile.total_seconds, kRounding * profile.total_seconds);
  EXPECT_NEAR(profile.total_seconds, (4 * 210 + 1300 + 2 * 50) * 1e-9, kRounding);
}

TEST(DoubtsTest, AreOfStepsThatWereNotQuietThoughAllAreUsed) {
  StepTimes times = times_of(std::vector<Nanoseconds>(10, 100));
  EXPECT_THAT(doubts(profile_of(times)), testing::IsEmpty());
  times.multiply_adds = {100, 95, 60};
  times.rounds = {{0, 1, 95}, {1, 9, 60}};
  EXPECT_THAT(doubts(profile_of(times)), testing::ElementsAre(HasSubstr("only 1 of 10 steps")));
}

TEST(ThreadScalingTest, TrainsEachNumberOfRuns) {
  // Longer than its windows on some machines, shorter on others: runs begin again inside.
  const RunConfiguration run = configured(small_run());
  const Dataset data = run.data->load({});
  const std::vector<ThreadScaling> scaling = measure_scaling(run, data, {1, 3}, 2, 0.002);
  ASSERT_EQ(scaling.size(), 2U);
  EXPECT_EQ(scaling[0].threads, 1);
  EXPECT_EQ(scaling[1].threads, 3);
  EXPECT_EQ(scaling[0].over_one, 1);
  for (const ThreadScaling& one : scaling) {
    EXPECT_GT(one.steps_per_second, 0);
    EXPECT_GT(one.over_one, 0);
    EXPECT_GT(one.streams_over_one, 0);
  }
}

TEST(ThreadScalingTest, ThrowsWhatARunThrows) {
  RunConfiguration run = configured(with(small_run(), {{"probes.gradient_norm.every", node(1)}}));
  run.probes.front().kind = std::make_shared<CallingKind>([](int calls) {
    if (calls > 0) throw std::runtime_error("the probe fails");
  });
  const Dataset data = run.data->load({});
  EXPECT_THROW(measure_scaling(run, data, {1, 2}, 1, 0.002), std::runtime_error);
}

TEST(ThreadScalingTest, HasNothingToSayOfARunOfOneStep) {
  const RunConfiguration run = configured(with(small_run(), {{"train.steps", node(1)}}));
  EXPECT_TRUE(measure_scaling(run, run.data->load({}), {1, 2}, 1, 0.002).empty());
}

TEST(HardwareCountersTest, CountOrSayWhatIsMissing) {
  HardwareCounters counters({{"task_clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK}});
  counters.start();
  multiply_add_rate(Precision::float32, 0.001);
  counters.stop();
  const std::vector<HardwareCounters::Count> counts = counters.counts();
  if (counts.empty()) {
    EXPECT_THAT(counters.missing(), HasSubstr("gives no task_clock: "));
  } else {
    EXPECT_EQ(counts[0].name, "task_clock");
    EXPECT_GT(counts[0].value, 0);
    EXPECT_EQ(counters.missing(), "");
  }
  const HardwareCounters none({{"nothing", 0xffff, 0}});
  EXPECT_THAT(none.missing(), HasSubstr("gives no nothing: "));
  EXPECT_TRUE(none.counts().empty());
}

Profile example() {
  Profile profile = profile_of(times_of({100, 100, 100, 100}));
  profile.title = "d, run 1 of 1 (0)";
  profile.ceiling.threads = {1, 2};
  profile.ceiling.multiply_add[0] = {4e9, 8e9};
  profile.ceiling.multiply_add[1] = {2e9, 4e9};
  profile.ceiling.streams_over_one = {1, 1.9};
  profile.ceiling.levels = {{"L1", 32768, 16384, {80e9, 160e9}, {90e9, 180e9}},
                            {"memory", 0, 6.4e7, {8e9, 9e9}, {10e9, 12e9}}};
  profile.scaling = {{1, 1000, 1, 1, 5}, {2, 1800, 1.8, 1.9, 5}};
  profile.counters_missing = "perf_event_open gives no cycles: No such file or directory";
  return profile;
}

TEST(WriteProfileTest, PrintsEveryPhaseAndEveryLayer) {
  std::ostringstream out;
  write_profile(example(), out);
  for (const char* phase : {"data", "forward", "backward", "probes"}) {
    EXPECT_THAT(out.str(), testing::ContainsRegex(std::string("\n") + phase + " +[0-9]"));
  }
  EXPECT_THAT(out.str(), testing::ContainsRegex("\n +1 +0.1 .*0.25 +0.2 "));
  // 25 of 100 ns and 51 of 200.
  EXPECT_THAT(out.str(), HasSubstr("Most above their limit: backward 0.149 us"));
  EXPECT_THAT(out.str(), testing::ContainsRegex("2 +1800 +1.80 +1.90 +0.95"));
  EXPECT_THAT(out.str(), HasSubstr("perf_event_open gives no cycles"));
}

TEST(WriteProfileTest, HasTheContractsKeysInJson) {
  Profile profile = example();
  EXPECT_TRUE(profile_json(profile).at("recording_seconds").is_null());
  profile.recording_seconds = 0.25;
  const nlohmann::json json = profile_json(profile);
  EXPECT_EQ(json.at("recording_seconds"), 0.25);
  EXPECT_EQ(json.at("ceiling").at("flops_per_second"), 4e9);
  EXPECT_EQ(json.at("ceiling").at("bytes_per_second"), 8e9);
  EXPECT_EQ(json.at("phases").at(1).at("phase"), "forward");
  EXPECT_EQ(json.at("phases").at(1).at("layer"), 1);
  EXPECT_EQ(json.at("phases").at(1).at("flops"), 100);
  EXPECT_EQ(json.at("phases").at(1).at("bytes"), 10);
  EXPECT_NEAR(json.at("phases").at(1).at("seconds").get<double>(), 1e-7, 1e-7 * kRounding);
  EXPECT_NEAR(json.at("share_of_limit").get<double>(), 84.0 / 310, kRounding);
  EXPECT_GT(json.at("steps_per_second"), 0);
  EXPECT_TRUE(json.at("noise").at("steal_share").is_null());
}

}  // namespace
}  // namespace plumbline
