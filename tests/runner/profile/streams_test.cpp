// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/streams.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

TEST(JointRateTest, OfTwoThatWorkTogetherIsTheSum) {
  const std::vector<WorkSpan> spans = {{10, 0, kSecond}, {30, 0, kSecond}};
  EXPECT_EQ(joint_rate(spans), 40);
}

TEST(JointRateTest, OfTwoThatWorkOneAfterTheOtherIsThatOfOne) {
  const std::vector<WorkSpan> spans = {{10, kSecond, 2 * kSecond}, {10, 0, kSecond}};
  EXPECT_EQ(joint_rate(spans), 10);
}

TEST(WorkUntilTest, EndsWithThePieceThatIsInWorkAtTheDeadline) {
  int calls = 0;
  const WorkSpan span = work_until(
      [&calls] {
        ++calls;
        return 3.0;
      },
      0);
  EXPECT_EQ(calls, 1) << "the deadline is long over";
  EXPECT_EQ(span.work, 3);
  EXPECT_GE(span.end, span.begin);
}

TEST(JointRatesTest, MakesEachStreamOnItsOwnThread) {
  std::mutex mutex;
  std::set<std::thread::id> makers;
  std::atomic<int> elsewhere{0};
  const auto make = [&]() -> Stream {
    const std::thread::id maker = std::this_thread::get_id();
    const std::scoped_lock lock(mutex);
    makers.insert(maker);
    return [&elsewhere, maker] {
      if (std::this_thread::get_id() != maker) ++elsewhere;
      return 1.0;
    };
  };
  const std::vector<double> rates = joint_rates(3, make, 4, 1e-4);
  EXPECT_EQ(rates.size(), 4U);
  for (const double rate : rates) EXPECT_GT(rate, 0);
  EXPECT_EQ(makers.size(), 3U);
  EXPECT_TRUE(makers.contains(std::this_thread::get_id()));
  EXPECT_EQ(elsewhere, 0);
}

TEST(JointRatesTest, ThrowsWhatOneOfTheStreamsThrows) {
  std::atomic<int> made{0};
  const auto make = [&made]() -> Stream {
    if (++made == 2) throw std::runtime_error("no memory for the second");
    return [] { return 1.0; };
  };
  EXPECT_THROW(joint_rates(3, make, 2, 1e-4), std::runtime_error);
}

}  // namespace
}  // namespace plumbline
