// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/kernels/parallel.hpp"

namespace plumbline {
namespace {

/// A source of one dataset that has `features` features and counts how often it is loaded.
class CountedSource final : public DataSource {
 public:
  explicit CountedSource(std::size_t features) : features_(features) {}

  std::size_t features() const override { return features_; }
  std::size_t outputs() const override { return 1; }
  SplitSizes sizes() const override { return {}; }
  Dataset load(const DataFolders&) const override {
    ++loads;
    Dataset data;
    data.features = features_;
    return data;
  }

  mutable std::atomic<int> loads{0};

 private:
  std::size_t features_;
};

class MissingSource final : public DataSource {
 public:
  std::size_t features() const override { return 1; }
  std::size_t outputs() const override { return 1; }
  SplitSizes sizes() const override { return {}; }
  Dataset load(const DataFolders& folders) const override {
    throw EnvironmentError(folders.at(0).string() + ": no data here");
  }
};

/// A run of this cost. Its seed is its place in the plan, so that a RunFunction knows it.
RunSpec run_of(std::size_t index, double cost, std::shared_ptr<const DataSource> data,
               std::string data_key) {
  RunConfiguration configuration;
  configuration.data = std::move(data);
  configuration.data_key = std::move(data_key);
  configuration.seed = static_cast<std::int64_t>(index);
  return {std::to_string(index), configuration.seed, cost, configuration};
}

Plan plan_of(const std::vector<double>& costs) {
  const auto data = std::make_shared<CountedSource>(1);
  Plan plan;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    plan.runs.push_back(run_of(i, costs[i], data, "data"));
  }
  return plan;
}

std::vector<std::size_t> all_runs(const Plan& plan) {
  std::vector<std::size_t> indices(plan.runs.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return indices;
}

RunRecord complete_record() {
  RunRecord record;
  record.status = RunStatus::complete;
  return record;
}

/// Waits for the condition, without which the test would hang rather than fail.
template <class Condition>
bool becomes_true(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

void ignore(std::size_t, RunRecord&&) {}

TEST(Scheduler, WaitsForNothingWhereNoRunIsPending) {
  constexpr int kTimes = 2000;  // a queue without room for a record hung in some of them
  const Plan plan = plan_of({1});
  std::atomic<bool> stop{false};
  for (int i = 0; i < kTimes; ++i) schedule(plan, {}, {}, 2, stop, ignore);
  EXPECT_FALSE(stop);
}

TEST(Scheduler, StartsTheDearestRunFirstAndEqualOnesInTheOrderOfThePlan) {
  const Plan plan = plan_of({1, 3, 2, 3, 5});
  std::vector<std::int64_t> started;
  std::atomic<bool> stop{false};
  schedule(plan, all_runs(plan), {}, 1, stop, ignore,
           [&](const RunConfiguration& run, const Dataset&, const std::atomic<bool>&) {
             started.push_back(run.seed);
             return complete_record();
           });
  EXPECT_EQ(started, (std::vector<std::int64_t>{4, 1, 3, 2, 0}));
}

TEST(Scheduler, HandsOnEachPendingRunOnceAndNeverTwoAtATime) {
  const Plan plan = plan_of(std::vector<double>(60, 1.0));
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < plan.runs.size(); i += 3) pending.push_back(i);
  std::vector<std::size_t> handed;
  std::atomic<int> in_hand{0};
  std::atomic<bool> stop{false};
  schedule(
      plan, pending, {}, 4, stop,
      [&](std::size_t index, RunRecord&& record) {
        EXPECT_EQ(++in_hand, 1);
        EXPECT_EQ(record.message, std::to_string(index));
        handed.push_back(index);
        std::this_thread::yield();
        --in_hand;
      },
      [](const RunConfiguration& run, const Dataset&, const std::atomic<bool>&) {
        RunRecord record = complete_record();
        record.message = std::to_string(run.seed);
        return record;
      });
  std::ranges::sort(handed);
  EXPECT_EQ(handed, pending);
}

TEST(Scheduler, RunsAsManyAtATimeAsAskedEvenBeyondTheProcessors) {
  const int wanted = static_cast<int>(std::thread::hardware_concurrency()) + 2;
  const Plan plan = plan_of(std::vector<double>(static_cast<std::size_t>(wanted), 1.0));
  std::atomic<int> running{0};
  std::atomic<bool> stop{false};
  schedule(plan, all_runs(plan), {}, wanted, stop, ignore,
           [&](const RunConfiguration&, const Dataset&, const std::atomic<bool>&) {
             ++running;
             EXPECT_TRUE(becomes_true([&] { return running == wanted; }));
             return complete_record();
           });
}

TEST(Scheduler, LoadsEachDatasetOnceAndGivesItToItsRuns) {
  const auto narrow = std::make_shared<CountedSource>(3);
  const auto wide = std::make_shared<CountedSource>(30);
  Plan plan;
  for (std::size_t i = 0; i < 40; ++i) {
    plan.runs.push_back(i % 2 == 0 ? run_of(i, 1, narrow, "narrow") : run_of(i, 1, wide, "wide"));
  }
  std::atomic<bool> stop{false};
  schedule(plan, all_runs(plan), {}, 3, stop, ignore,
           [](const RunConfiguration& run, const Dataset& data, const std::atomic<bool>&) {
             EXPECT_EQ(data.features, run.seed % 2 == 0 ? 3U : 30U);
             return complete_record();
           });
  EXPECT_EQ(narrow->loads, 1);
  EXPECT_EQ(wide->loads, 1);
}

TEST(Scheduler, ComputesNothingWhereAnyDatasetCannotBeLoaded) {
  Plan plan = plan_of({9, 8, 7});
  plan.runs.push_back(run_of(3, 1, std::make_shared<MissingSource>(), "missing"));
  std::atomic<int> started{0};
  std::atomic<bool> stop{false};
  const auto call = [&] {
    schedule(plan, all_runs(plan), {"/nowhere"}, 2, stop, ignore,
             [&](const RunConfiguration&, const Dataset&, const std::atomic<bool>&) {
               ++started;
               return complete_record();
             });
  };
  EXPECT_THROW(call(), EnvironmentError);
  EXPECT_EQ(started, 0);
}

TEST(Scheduler, MakesARunThatThrowsFailedAndGoesOn) {
  const Plan plan = plan_of({4, 3, 2, 1});
  std::map<std::size_t, RunRecord> records;
  std::atomic<bool> stop{false};
  schedule(
      plan, all_runs(plan), {}, 2, stop,
      [&](std::size_t index, RunRecord&& record) { records[index] = std::move(record); },
      [](const RunConfiguration& run, const Dataset&, const std::atomic<bool>&) {
        if (run.seed == 0) throw std::runtime_error("the matrix is singular");
        if (run.seed == 1) throw std::bad_alloc();
        if (run.seed == 2) throw 7;
        return complete_record();
      });
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].status, RunStatus::failed);
  EXPECT_EQ(records[0].message, "the matrix is singular");
  EXPECT_EQ(records[1].status, RunStatus::failed);
  EXPECT_EQ(records[1].message, "out of memory");
  EXPECT_EQ(records[2].status, RunStatus::failed);
  EXPECT_EQ(records[2].message, "an exception without a message");
  EXPECT_GT(records[2].started, 0);
  EXPECT_EQ(records[3].status, RunStatus::complete);
}

TEST(Scheduler, StartsNoRunAfterStopAndKeepsTheRecordsBeforeIt) {
  const Plan plan = plan_of({5, 4, 3, 2, 1});
  std::vector<std::int64_t> started;
  std::vector<std::size_t> handed;
  std::atomic<bool> stop{false};
  schedule(
      plan, all_runs(plan), {}, 1, stop,
      [&](std::size_t index, RunRecord&&) { handed.push_back(index); },
      [&](const RunConfiguration& run, const Dataset&,
          const std::atomic<bool>&) -> std::optional<RunRecord> {
        started.push_back(run.seed);
        if (run.seed < 2) return complete_record();
        stop = true;
        return std::nullopt;
      });
  EXPECT_EQ(started, (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(handed, (std::vector<std::size_t>{0, 1}));
}

TEST(Scheduler, ThrowsOnWhatFinishedThrowsAndStopsTheRuns) {
  const Plan plan = plan_of(std::vector<double>(50, 1.0));
  std::atomic<bool> stop{false};
  std::atomic<int> finished{0};
  int handed = 0;
  const auto call = [&] {
    schedule(
        plan, all_runs(plan), {}, 2, stop,
        [&](std::size_t, RunRecord&&) {
          ++handed;
          throw EnvironmentError("the disk is full");
        },
        [&](const RunConfiguration& run, const Dataset&,
            const std::atomic<bool>& stopped) -> std::optional<RunRecord> {
          if (run.seed < 2) {
            ++finished;
            EXPECT_TRUE(becomes_true([&] { return finished == 2; }));
            return complete_record();
          }
          EXPECT_TRUE(becomes_true([&] { return stopped.load(); }));
          return std::nullopt;
        });
  };
  EXPECT_THROW(call(), EnvironmentError);
  EXPECT_TRUE(stop);
  EXPECT_EQ(handed, 1) << "the second record came after the error";
}

TEST(Scheduler, LetsFewRecordsWaitForASlowWriter) {
  constexpr int kThreads = 2;
  constexpr int kMostWaiting = kThreads;
  const Plan plan = plan_of(std::vector<double>(200, 1.0));
  std::atomic<int> computed{0};
  int handed = 0;
  int most_waiting = 0;
  std::atomic<bool> stop{false};
  schedule(
      plan, all_runs(plan), {}, kThreads, stop,
      [&](std::size_t, RunRecord&&) {
        // A writer that is slower than the workers: they may run ahead as far as they can.
        for (int i = 0; i < 200; ++i) std::this_thread::yield();
        most_waiting = std::max(most_waiting, computed - handed);
        ++handed;
      },
      [&](const RunConfiguration&, const Dataset&, const std::atomic<bool>&) {
        ++computed;
        return complete_record();
      });
  EXPECT_EQ(handed, 200);
  EXPECT_LE(most_waiting, kMostWaiting);
}

// While there are runs for all threads each has one; the last ones get those that are idle.
TEST(Scheduler, LetsIdleThreadsHelpTheLastRuns) {
  const Plan plan = plan_of({4, 3, 2, 1});
  std::atomic<bool> stop{false};
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  std::map<std::int64_t, int> threads_of;
  std::mutex mutex;
  schedule(plan, all_runs(plan), {}, 3, stop, ignore,
           [&](const RunConfiguration& run, const Dataset&, const std::atomic<bool>&) {
             const int threads_at_first = threads_per_call();
             const int order = ++begun;
             if (order <= 3) {
               EXPECT_EQ(threads_at_first, 1);
               EXPECT_TRUE(becomes_true([&] { return begun >= 3; }));
             }
             // The fourth, which begins when one of the first has ended, outlives the others.
             if (order == 4) {
               EXPECT_TRUE(becomes_true([&] { return threads_per_call() == 3; }));
             }
             ++ended;
             const std::lock_guard lock(mutex);
             threads_of[run.seed] = threads_per_call();
             return complete_record();
           });
  EXPECT_EQ(ended, 4);
  EXPECT_EQ(threads_of.at(3), 3);
  EXPECT_EQ(threads_per_call(), 1);
}

TEST(Scheduler, LetsAllThreadsHelpWhereFewRunsStandSideBySide) {
  const Plan plan = plan_of({3, 2, 1});
  std::atomic<bool> stop{false};
  std::atomic<int> running = 0;
  schedule(plan, all_runs(plan), {}, Sharing(4, 1), stop, ignore,
           [&](const RunConfiguration&, const Dataset&, const std::atomic<bool>&) {
             EXPECT_EQ(++running, 1);
             EXPECT_EQ(threads_per_call(), 4);
             --running;
             return complete_record();
           });
}

}  // namespace
}  // namespace plumbline
