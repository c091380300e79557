// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/progress.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace plumbline {
namespace {

/// 37 of 240 runs, a quarter of the cost, in 3 s.
ProgressCounts quarter() {
  return {.done = 37,
          .total = 240,
          .failed = 0,
          .diverged = 1,
          .cost_done = 50,
          .cost_total = 200,
          .elapsed_seconds = 3,
          .cost_computed = 50};
}

TEST(Progress, WeighsTheTimeLeftByCostNotByTheNumberOfRuns) {
  // 3 s for a quarter of the cost leave 9 s for the rest; by the number of runs it would be 16 s.
  EXPECT_EQ(eta_seconds(quarter()), 9.0);
}

TEST(Progress, DoesNotKnowTheTimeLeftBeforeTheFirstRunIsFinished) {
  EXPECT_EQ(eta_seconds({.total = 4, .cost_total = 8, .elapsed_seconds = 2}), std::nullopt);
}

TEST(Progress, TakesRunsThatDivergedEarlyForTheStepsThatTheyMadeAlone) {
  // 20 of 200 were computed in 3 s, at 150 left: 22.5 s. As whole runs it would be 9 s.
  ProgressCounts counts = quarter();
  counts.cost_computed = 20;
  EXPECT_EQ(eta_seconds(counts), 22.5);
}

TEST(Progress, GoesByEarlierCallsUntilARunOfThisOneIsFinished) {
  ProgressCounts counts{
      .done = 37, .total = 40, .cost_total = 60, .elapsed_seconds = 2, .before = 37};
  EXPECT_EQ(eta_seconds(counts), std::nullopt);
  counts.earlier_rate = 5;
  EXPECT_EQ(eta_seconds(counts), 10.0);
  counts.elapsed_seconds = 13;
  EXPECT_EQ(eta_seconds(counts), 0.0) << "it takes longer than it took";
  counts.cost_done = counts.cost_computed = 26;
  EXPECT_EQ(eta_seconds(counts), 17.0) << "34 left at 2 a second";
}

TEST(Progress, SaysWhereNothingIsLeftToBeComputed) {
  EXPECT_EQ(plain_line({.done = 8, .total = 8, .before = 8}),
            "8 of 8 runs, nothing to be computed");
}

TEST(Progress, HasNoTimeLeftWhenEveryRunIsFinished) {
  EXPECT_EQ(eta_seconds({.done = 4, .total = 4, .cost_done = 8, .cost_total = 8}), 0.0);
}

TEST(Progress, SaysDurationsInTheUnitThatFits) {
  EXPECT_EQ(duration_text(0), "0.00 s");
  EXPECT_EQ(duration_text(0.014), "0.01 s");
  EXPECT_EQ(duration_text(0.996), "1.0 s");
  EXPECT_EQ(duration_text(4.24), "4.2 s");
  EXPECT_EQ(duration_text(9.96), "10 s");
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(59.6), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(8040), "2 h 14 min");
  EXPECT_EQ(duration_text(3 * 86400 + 4 * 3600), "3 d 04 h");
}

TEST(Progress, WritesAPlainLine) {
  EXPECT_EQ(plain_line(quarter()),
            "37 of 240 runs, 12.3 runs/s, about 9.0 s left, 1 diverged, 0 failed");
  EXPECT_EQ(plain_line({.total = 4, .cost_total = 8, .elapsed_seconds = 2}),
            "0 of 4 runs, ? runs/s, time left unknown, 0 diverged, 0 failed");
}

TEST(Progress, WritesALiveLineThatLeavesOutWhatDoesNotFit) {
  EXPECT_EQ(live_line(quarter(), 80, false),
            "37/240 runs  12.3 runs/s  ETA 9.0 s  1 diverged  0 failed");
  EXPECT_EQ(live_line(quarter(), 40, false), "37/240 runs  12.3 runs/s  ETA 9.0 s");
  EXPECT_EQ(live_line(quarter(), 3, false), "");
}

TEST(Progress, ColoursOnlyCountsThatAreNotZero) {
  EXPECT_EQ(live_line(quarter(), 80, true),
            "37/240 runs  12.3 runs/s  ETA 9.0 s  \033[33m1 diverged\033[0m  0 failed");
}

TEST(Progress, WritesOneJsonObjectALine) {
  EXPECT_EQ(json_line(quarter()),
            R"({"done":37,"total":240,"failed":0,"diverged":1,"elapsed_seconds":3.0,)"
            R"("eta_seconds":9.0})");
  EXPECT_EQ(json_line({.total = 4, .cost_total = 8, .elapsed_seconds = 0.12345}),
            R"({"done":0,"total":4,"failed":0,"diverged":0,"elapsed_seconds":0.123,)"
            R"("eta_seconds":null})");
}

TEST(Progress, IsLiveOnATerminalAndPlainElsewhereUnlessTold) {
  EXPECT_EQ(progress_mode("auto", true), ProgressMode::live);
  EXPECT_EQ(progress_mode("auto", false), ProgressMode::plain);
  EXPECT_EQ(progress_mode("plain", true), ProgressMode::plain);
  EXPECT_EQ(progress_mode("json", true), ProgressMode::json);
  EXPECT_EQ(progress_mode("none", true), ProgressMode::none);
}

/// A Progress of four equal runs, with a clock that the test sets, begun at 100 s.
class ProgressOverTime : public testing::Test {
 protected:
  Progress begin(ProgressMode mode) {
    return Progress(mode, out_, 4, 4.0, [this] { return now_; }, {.columns = 80, .colour = false});
  }
  /// What was written since the last call.
  std::string written() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  double now_ = 100;
  std::ostringstream out_;
};

TEST_F(ProgressOverTime, PlainWritesEveryTenSecondsAndAtTheEnd) {
  Progress progress = begin(ProgressMode::plain);
  now_ = 104;
  progress.finished(RunStatus::complete, 1, 1);
  now_ = 109.9;
  progress.tick();
  EXPECT_EQ(written(), "");
  now_ = 110;
  progress.tick();
  EXPECT_EQ(written(), "1 of 4 runs, 0.1 runs/s, about 30 s left, 0 diverged, 0 failed\n");
  now_ = 119;
  progress.tick();
  EXPECT_EQ(written(), "");
  progress.finished(RunStatus::failed, 1, 1);
  progress.finished(RunStatus::diverged, 1, 1);
  progress.finished(RunStatus::complete, 1, 1);
  now_ = 120;
  progress.end();
  EXPECT_EQ(written(), "4 of 4 runs, 0.2 runs/s, in 20 s, 1 diverged, 1 failed\n");
}

TEST_F(ProgressOverTime, LiveDrawsOverItselfAndIsClearedAtTheEnd) {
  Progress progress = begin(ProgressMode::live);
  progress.tick();
  EXPECT_EQ(written(), "\r0/4 runs  ? runs/s  ETA ?  0 diverged  0 failed\033[K");
  now_ = 100.05;
  progress.finished(RunStatus::complete, 1, 1);
  EXPECT_EQ(written(), "");
  now_ = 102;
  progress.tick();
  EXPECT_EQ(written(), "\r1/4 runs  0.5 runs/s  ETA 6.0 s  0 diverged  0 failed\033[K");
  progress.end();
  EXPECT_EQ(written(), "\r\033[K");
}

TEST_F(ProgressOverTime, SaysALineOfItsOwnAndDrawsTheLiveLineAnew) {
  Progress live = begin(ProgressMode::live);
  live.say("early");
  EXPECT_EQ(written(), "early\n");
  live.tick();
  written();
  live.say("later");
  EXPECT_EQ(written(), "\r\033[Klater\n");
  live.tick();
  EXPECT_EQ(written(), "\r0/4 runs  ? runs/s  ETA ?  0 diverged  0 failed\033[K");
  Progress plain = begin(ProgressMode::plain);
  plain.say("line");
  EXPECT_EQ(written(), "line\n");
  Progress json = begin(ProgressMode::json);
  json.say("a \"line\"");
  EXPECT_EQ(written(), "{\"message\":\"a \\\"line\\\"\"}\n");
}

TEST_F(ProgressOverTime, JsonWritesAtOnceAndEveryTenSeconds) {
  Progress progress = begin(ProgressMode::json);
  progress.tick();
  EXPECT_EQ(written(), R"({"done":0,"total":4,"failed":0,"diverged":0,"elapsed_seconds":0.0,)"
                       R"("eta_seconds":null})"
                       "\n");
  now_ = 109.9;
  progress.tick();
  EXPECT_EQ(written(), "");
  now_ = 110;
  progress.tick();
  EXPECT_THAT(written(), testing::HasSubstr(R"("elapsed_seconds":10.0,)"));
}

TEST_F(ProgressOverTime, JsonWritesAtFinishedRunsAtMostEveryHalfSecondAndTheLastState) {
  Progress progress = begin(ProgressMode::json);
  progress.tick();
  written();
  now_ = 101;
  progress.tick();
  EXPECT_EQ(written(), "");
  progress.finished(RunStatus::complete, 1, 1);
  EXPECT_EQ(written(), R"({"done":1,"total":4,"failed":0,"diverged":0,"elapsed_seconds":1.0,)"
                       R"("eta_seconds":3.0})"
                       "\n");
  now_ = 101.4;
  progress.finished(RunStatus::diverged, 1, 1);
  progress.finished(RunStatus::failed, 1, 1);
  EXPECT_EQ(written(), "");
  now_ = 101.5;
  progress.tick();
  EXPECT_EQ(written(), R"({"done":3,"total":4,"failed":1,"diverged":1,"elapsed_seconds":1.5,)"
                       R"("eta_seconds":0.5})"
                       "\n");
  now_ = 101.6;
  progress.finished(RunStatus::complete, 1, 1);
  progress.end();
  EXPECT_EQ(written(), R"({"done":4,"total":4,"failed":1,"diverged":1,"elapsed_seconds":1.6,)"
                       R"("eta_seconds":0.0})"
                       "\n");
}

TEST_F(ProgressOverTime, JsonDoesNotTellTheLastStateTwice) {
  Progress progress = begin(ProgressMode::json);
  progress.finished(RunStatus::complete, 1, 1);
  written();
  progress.end();
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressOverTime, CountsRunsThatAreStillToCome) {
  Progress progress = begin(ProgressMode::plain);
  progress.begin_with(6);
  progress.expect(10, 20.0);
  now_ = 110;
  progress.finished(RunStatus::complete, 2, 2);
  progress.tick();
  EXPECT_EQ(written(), "7 of 16 runs, 0.1 runs/s, about 1 min 30 s left, 0 diverged, 0 failed\n");
  progress.expect(9, 18.0);  // the next stage: what is left is what was said
  now_ = 120;
  progress.tick();
  EXPECT_EQ(written(), "7 of 16 runs, 0.05 runs/s, about 3 min 00 s left, 0 diverged, 0 failed\n");
}

TEST_F(ProgressOverTime, NoneWritesNothing) {
  Progress progress = begin(ProgressMode::none);
  now_ = 200;
  progress.tick();
  progress.finished(RunStatus::failed, 4, 4);
  progress.end();
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressOverTime, TickerEndsTheProgressWithItself) {
  Progress progress = begin(ProgressMode::plain);
  {
    const ProgressTicker ticker(progress);
  }
  EXPECT_EQ(written(), "0 of 4 runs, ? runs/s, time left unknown, 0 diverged, 0 failed\n");
}

}  // namespace
}  // namespace plumbline
