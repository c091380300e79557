// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/error.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;

FinishedRun run(const std::string& run_id) { return {run_id, {}, {}}; }

bool nothing_to_do() { return false; }

/// What was written, in its order.
class Written {
 public:
  void add(std::span<const FinishedRun> runs) {
    const std::lock_guard lock(mutex_);
    for (const FinishedRun& each : runs) ids_.push_back(each.run_id);
  }
  std::vector<std::string> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ids_;
};

TEST(Recorder, FlushReturnsWhenAllThatCameIsWrittenInItsOrder) {
  Written written;
  Recorder recorder([&](auto runs) { written.add(runs); }, nothing_to_do);
  for (const char* id : {"a", "b", "c"}) recorder.append(run(id));
  recorder.flush();
  EXPECT_THAT(written.ids(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(recorder.waiting(), 0U);
  recorder.append(run("d"));
  recorder.flush();
  EXPECT_EQ(written.ids().back(), "d");
}

// Nobody calls flush(), and no second run comes to wake the thread.
TEST(Recorder, WritesTheOnlyRunByTheClock) {
  Written written;
  Recorder recorder([&](auto runs) { written.add(runs); }, nothing_to_do);
  recorder.append(run("a"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (written.ids().empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_THAT(written.ids(), ElementsAre("a"));
}

TEST(Recorder, IdlesAgainByTheClock) {
  std::atomic<int> calls{0};
  const auto idle = [&] { return ++calls < 0; };
  const Recorder recorder([](auto) {}, idle, std::chrono::milliseconds(1));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (calls < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GE(calls, 3);
}

TEST(Recorder, WritesManyBytesBeforeTheirTime) {
  std::atomic<std::size_t> largest{0};
  std::atomic<std::size_t> all{0};
  {
    Recorder recorder(
        [&](auto runs) {
          largest = std::max(largest.load(), runs.size());
          all += runs.size();
        },
        nothing_to_do);
    for (int i = 0; i < 100; ++i) {
      FinishedRun large = run(std::to_string(i));
      large.record.metrics.push_back(
          {"m", "", "1", QuantityAxis::none, std::vector<double>(1 << 20)});
      recorder.append(std::move(large));
    }
    recorder.flush();
  }
  EXPECT_EQ(all, 100U);
  // Eight megabytes each: at most 64 MB wait, and one more comes.
  EXPECT_LE(largest, 9U);
}

TEST(Recorder, KeepsWhatCannotBeWrittenAndWritesItWhenItCan) {
  Written written;
  std::atomic<bool> is_full{true};
  Recorder recorder(
      [&](auto runs) {
        if (is_full) throw EnvironmentError("no space left");
        written.add(runs);
      },
      nothing_to_do);
  recorder.append(run("a"));
  EXPECT_THROW(recorder.flush(), EnvironmentError);
  EXPECT_THROW(recorder.append(run("b")), EnvironmentError) << "whoever computes must be told";
  EXPECT_EQ(recorder.waiting(), 2U);
  EXPECT_THROW(recorder.flush(), EnvironmentError);
  is_full = false;
  recorder.flush();
  EXPECT_THAT(written.ids(), ElementsAre("a", "b"));
  recorder.append(run("c"));
  recorder.flush();
  EXPECT_EQ(written.ids().size(), 3U);
}

TEST(Recorder, DoesItsOtherWorkWhenNothingIsDueUntilThatIsDone) {
  std::atomic<int> left{0};
  std::atomic<int> called_with_nothing_left{0};
  Recorder recorder([&](auto) { left = 5; },
                    [&] {
                      if (left == 0) return ++called_with_nothing_left, false;
                      return --left > 0;
                    });
  recorder.append(run("a"));
  recorder.flush();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (left > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(left, 0);
  EXPECT_LE(called_with_nothing_left, 1) << "it was asked again and again";
}

TEST(Recorder, WritesOnThoughItsOtherWorkThrows) {
  Written written;
  std::atomic<int> thrown{0};
  Recorder recorder([&](auto runs) { written.add(runs); },
                    [&]() -> bool {
                      ++thrown;
                      throw std::bad_alloc();
                    });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (thrown == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  recorder.append(run("a"));
  recorder.flush();
  EXPECT_THAT(written.ids(), ElementsAre("a"));
  EXPECT_GE(thrown, 1);
}

}  // namespace
}  // namespace plumbline
