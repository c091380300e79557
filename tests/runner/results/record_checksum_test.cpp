// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/record_checksum.hpp"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kRunId = "0123456789abcdef";

RunRecord example() { return example_record(ragged_plan(), 0); }

double changed(const std::function<void(RunRecord&)>& change) {
  RunRecord record = example();
  change(record);
  return record_checksum(kRunId, record);
}

TEST(RecordChecksum, IsAWholeNumberThatDoublesHold) {
  const double checksum = record_checksum(kRunId, example());
  EXPECT_GT(checksum, 0);
  EXPECT_LT(checksum, 9007199254740992.0);
  EXPECT_EQ(checksum, static_cast<double>(static_cast<std::int64_t>(checksum)));
  EXPECT_EQ(checksum, record_checksum(kRunId, example()));
}

TEST(RecordChecksum, ChangesWithAllThatTheRecordSays) {
  const double checksum = record_checksum(kRunId, example());
  EXPECT_NE(record_checksum("0123456789abcdee", example()), checksum);
  const std::vector<std::function<void(RunRecord&)>> changes = {
      [](RunRecord& record) { record.status = RunStatus::diverged; },
      [](RunRecord& record) { record.message += "x"; },
      [](RunRecord& record) { record.digest[0] ^= 1; },
      [](RunRecord& record) { record.ended_by = "target"; },
      [](RunRecord& record) { ++record.n_layers; },
      [](RunRecord& record) { ++record.n_steps; },
      [](RunRecord& record) { ++record.steps.back(); },
      [](RunRecord& record) { record.metrics.back().values.back() += 1; },
      [](RunRecord& record) { record.metrics.pop_back(); },
      [](RunRecord& record) { record.summary.front().second += 1; },
      [](RunRecord& record) { record.summary.pop_back(); },
      [](RunRecord& record) { record.theory_error_signal.front() += 1; },
      [](RunRecord& record) { record.theory_error_signal_z.front() += 1; },
      [](RunRecord& record) { record.diagnosis += "x"; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_NE(changed(changes[i]), checksum) << i;
  }
}

TEST(RecordChecksum, DoesNotChangeWithTimesOrOrderOrGaps) {
  const double checksum = record_checksum(kRunId, example());
  const std::vector<std::function<void(RunRecord&)>> changes = {
      [](RunRecord& record) {
        record.wall_seconds += 1;
        record.cpu_seconds += 1;
        ++record.started;
      },
      [](RunRecord& record) { std::swap(record.metrics.front(), record.metrics.back()); },
      [](RunRecord& record) { record.summary.emplace_back("other", kNaN); },
      [](RunRecord& record) {
        record.metrics.push_back({"other", "", "", QuantityAxis::none, {kNaN, kNaN}});
      }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(changed(changes[i]), checksum) << i;
  }
}

TEST(RecordChecksum, IsThatOfTextsAsTheyAreWritten) {
  EXPECT_EQ(changed([](RunRecord& record) { record.message = "no \xff here"; }),
            changed([](RunRecord& record) { record.message = "no \xef\xbf\xbd here"; }));
}

}  // namespace
}  // namespace plumbline
