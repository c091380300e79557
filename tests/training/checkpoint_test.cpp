// SPDX-License-Identifier: Apache-2.0
#include "engine/training/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/training/stopwatch.hpp"
#include "tests/training/memory_checkpoints.hpp"
#include "tests/training/stopping_probe.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

const std::string kId = "0123456789abcdef";

std::vector<std::byte> written(double value, const std::string& id = kId) {
  std::vector<std::byte> bytes = {std::byte{1}};
  write_checkpoint(id, [&](StateArchive& kept) { kept(value); }, bytes);
  return bytes;
}

double read(std::span<const std::byte> bytes, const std::string& id = kId) {
  double value = 0;
  read_checkpoint(bytes, id, [&](StateArchive& kept) { kept(value); });
  return value;
}

/// With a checksum that is right again.
std::vector<std::byte> sealed(std::vector<std::byte> bytes) {
  constexpr std::size_t kChecksum = 16;
  bytes.resize(bytes.size() - kChecksum);
  const std::string checksum = digest(bytes);
  for (const char digit : checksum) bytes.push_back(static_cast<std::byte>(digit));
  return bytes;
}

TEST(CheckpointTest, HoldsWhatIsListed) { EXPECT_EQ(read(written(1.25)), 1.25); }

TEST(CheckpointTest, TellsItsUpdatesByItsFirstBytes) {
  std::vector<std::byte> bytes;
  std::int64_t updates = 4000;
  std::vector<double> rest(100, 0.5);
  write_checkpoint(kId, [&](StateArchive& kept) { kept(updates, rest); }, bytes);
  const auto first = std::span<const std::byte>(bytes).first(kCheckpointHeadSize);
  EXPECT_EQ(updates_in_checkpoint(first, kId), 4000);
  EXPECT_EQ(updates_in_checkpoint(bytes, kId), 4000);
  EXPECT_EQ(updates_in_checkpoint(first, "0123456789abcdee"), std::nullopt) << "of another run";
  EXPECT_EQ(updates_in_checkpoint(first, kId + ".tmp"), std::nullopt);
  EXPECT_EQ(updates_in_checkpoint(first.first(80), kId), std::nullopt) << "it ends too early";
  EXPECT_EQ(updates_in_checkpoint({}, kId), std::nullopt);
  for (const std::size_t byte : {10U, 37U, 49U}) {  // of the mark and of both versions
    std::vector<std::byte> wrong = bytes;
    wrong[byte] ^= std::byte{1};
    EXPECT_EQ(updates_in_checkpoint(wrong, kId), std::nullopt) << byte;
  }
}

TEST(CheckpointTest, IsRefusedWithAnyByteFlippedOrCutOff) {
  const std::vector<std::byte> right = written(1.25);
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::vector<std::byte> wrong = right;
    wrong[i] ^= std::byte{0x40};
    EXPECT_THAT([&] { read(wrong); }, ThrowsMessage<StateError>(HasSubstr("is damaged"))) << i;
    EXPECT_THROW(read(std::span(right).first(i)), StateError) << i;
    const std::size_t value = right.size() - 16 - sizeof(double);  // may be any
    if (i >= value) continue;
    EXPECT_THROW(read(sealed(wrong)), StateError) << i << ", of a right checksum";
  }
}

TEST(CheckpointTest, IsOfOneRunAndVersion) {
  EXPECT_THAT([&] { read(written(1), "fedcba9876543210"); },
              ThrowsMessage<StateError>("is of another run, " + kId));
  // Behind the mark and its size comes the version behind its own.
  std::vector<std::byte> other = written(1);
  other[8 + 20 + 8] = std::byte{kCheckpointVersion + 1};
  EXPECT_THAT([&] { read(sealed(other)); },
              ThrowsMessage<StateError>("is of another version of the engine"));
  other = written(1);
  other[8 + 20 + 8 + 4 + 8] = std::byte{kSemanticsVersion + 1};
  EXPECT_THAT([&] { read(sealed(other)); },
              ThrowsMessage<StateError>("is of another version of the engine"));
}

TEST(CheckpointTest, HoldsNoMoreThanIsListed) {
  std::vector<std::byte> bytes;
  write_checkpoint(
      kId, [](StateArchive& kept) { kept(std::vector<double>(2)[0], kId.size()); }, bytes);
  EXPECT_THAT([&] { read(bytes); }, ThrowsMessage<StateError>(HasSubstr("more bytes")));
}

TEST(StopwatchTest, GoesOnFromThePiecesBefore) {
  // Pieces of a thousand seconds, whenever they were.
  double wall = 1000;
  double cpu = 900;
  std::int64_t started = 77;
  std::vector<std::byte> bytes;
  StateArchive kept = StateArchive::saving(bytes);
  kept(wall, cpu, started);

  Stopwatch watch;
  EXPECT_LT(watch.wall_seconds(), wall);
  StateArchive archive = StateArchive::restoring(bytes);
  watch.archive(archive);
  EXPECT_GE(watch.wall_seconds(), wall);
  EXPECT_LT(watch.wall_seconds(), 2 * wall);
  EXPECT_GE(watch.cpu_seconds(), cpu);
  EXPECT_LT(watch.cpu_seconds(), 2 * cpu);
  EXPECT_EQ(watch.started(), started);
}

RunConfiguration with_checkpoints(int every) {
  return configured(with(small_run(), {{"train.checkpoint_every", node(every)}}));
}

TEST(TrainWithCheckpointsTest, SavesEverySoManyUpdates) {
  const std::atomic<bool> stop{false};
  for (const auto& [every, expected] :
       {std::pair<int, std::vector<std::int64_t>>{7, {7, 14, 21, 28}},
        {15, {15, 30}},
        {31, {}},
        {0, {}}}) {
    const RunConfiguration run = with_checkpoints(every);
    MemoryCheckpoints checkpoints;
    train_with_checkpoints(run, run.data->load({}), stop, checkpoints);
    EXPECT_EQ(checkpoints.saved_at, expected);
    EXPECT_THAT(checkpoints.resumed_at, IsEmpty());
  }
}

/// And before the first and after the last update.
Sampling at_step(std::int64_t step) {
  const SettingsTable given = settings_table({{"steps", node(std::vector<std::int64_t>{step})}});
  SettingsReport report;
  Settings settings(given, "sampling", report);
  return Sampling(settings);
}

TEST(TrainWithCheckpointsTest, SavesWhereItIsStopped) {
  for (const std::int64_t step : {4, 12}) {
    RunConfiguration run = with_checkpoints(10);
    const Dataset data = run.data->load({});
    std::atomic<bool> stop{false};
    run.probes.push_back({&probe_catalogue().entries().front(),
                          std::make_shared<StoppingProbe>(stop, 2), at_step(step)});
    MemoryCheckpoints checkpoints;
    EXPECT_FALSE(train_with_checkpoints(run, data, stop, checkpoints));
    EXPECT_EQ(checkpoints.saved_at.back(), step + 1);
    const std::size_t saved = checkpoints.saved_at.size();
    EXPECT_FALSE(train_with_checkpoints(run, data, stop, checkpoints))
        << "stopped before it begins";
    EXPECT_EQ(checkpoints.saved_at.size(), saved);
    stop = false;
    EXPECT_EQ(train_with_checkpoints(run, data, stop, checkpoints)->digest,
              trained(with_checkpoints(0), data).digest);
    EXPECT_THAT(checkpoints.resumed_at, ElementsAre(step + 1, step + 1));
  }
}

TEST(TrainWithCheckpointsTest, SavesNothingOfAStepWhoseEvaluationWasStopped) {
  RunConfiguration run = with_checkpoints(10);
  const Dataset data = run.data->load({});
  std::atomic<bool> stop{false};
  run.probes.push_back({&probe_catalogue().entries().front(),
                        std::make_shared<StoppingProbe>(stop, 2), run.evaluation});
  MemoryCheckpoints checkpoints;
  EXPECT_FALSE(train_with_checkpoints(run, data, stop, checkpoints));
  EXPECT_THAT(checkpoints.saved_at, ElementsAre(10, 20, 30));
  stop = false;
  EXPECT_EQ(summary(*train_with_checkpoints(run, data, stop, checkpoints), "final_valid_loss"),
            summary(trained(with_checkpoints(0), data), "final_valid_loss"));
}

TEST(TrainWithCheckpointsTest, BeginsAnewWhereTheCheckpointIsOfNoUse) {
  const RunConfiguration run = with_checkpoints(7);
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  MemoryCheckpoints whole;
  const std::string digest = train_with_checkpoints(run, data, stop, whole)->digest;

  std::vector<std::byte> flipped = whole.bytes;
  flipped[flipped.size() / 2] ^= std::byte{1};
  std::vector<std::byte> truncated = whole.bytes;
  truncated.resize(truncated.size() / 2);
  std::vector<std::byte> of_another_build;  // of this run, but nothing that it knows
  double number = 0;
  write_checkpoint(run_id(run), [&](StateArchive& kept) { kept(number); }, of_another_build);
  MemoryCheckpoints other;
  const RunConfiguration longer = configured(
      with(small_run(), {{"train.steps", node(31)}, {"train.checkpoint_every", node(7)}}));
  train_with_checkpoints(longer, data, stop, other);

  for (const auto& wrong : {flipped, truncated, of_another_build, other.bytes}) {
    MemoryCheckpoints checkpoints;
    checkpoints.bytes = wrong;
    EXPECT_EQ(train_with_checkpoints(run, data, stop, checkpoints)->digest, digest);
    EXPECT_EQ(checkpoints.refusals.size(), 1U);
    EXPECT_THAT(checkpoints.resumed_at, IsEmpty());
    EXPECT_THAT(checkpoints.saved_at, ElementsAre(7, 14, 21, 28));
  }
}

TEST(TrainWithCheckpointsTest, RestoresNothingThatFitsOnlyInPart) {
  // Where an archive ends within the optimizer, the parameters are restored by then.
  const RunConfiguration run = with_checkpoints(28);
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  MemoryCheckpoints whole;
  const std::string digest = train_with_checkpoints(run, data, stop, whole)->digest;
  std::vector<std::byte> part = whole.bytes;
  part.resize(part.size() * 2 / 3);
  MemoryCheckpoints checkpoints;
  checkpoints.bytes = sealed(part);
  EXPECT_EQ(train_with_checkpoints(run, data, stop, checkpoints)->digest, digest);
  EXPECT_THAT(checkpoints.refusals, ElementsAre("ends within a value"));
}

TEST(CheckpointSettingTest, IsNoPartOfTheIdOfARun) {
  EXPECT_EQ(run_id(with_checkpoints(7)), run_id(configured(small_run())));
}

TEST(CheckpointSettingTest, CountsACheckpointAmongTheMemory) {
  // Adam's m and v, and the parameters, in float.
  const auto parameters = static_cast<double>(
      parameter_layout(with_checkpoints(7).model, with_checkpoints(7).input(), 10).size());
  EXPECT_EQ(with_checkpoints(7).memory() - with_checkpoints(0).memory(),
            3 * sizeof(float) * parameters);
}

}  // namespace
}  // namespace plumbline
