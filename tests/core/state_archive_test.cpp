// SPDX-License-Identifier: Apache-2.0
#include "engine/core/state_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Something with a state of every kind.
struct Thing {
  bool started = false;
  double number = 0;
  std::int64_t steps = 0;
  std::vector<float> block = std::vector<float>(3);
  std::string name = "    ";

  void archive(StateArchive& kept) { kept(started, number, steps, block, name); }
};

std::vector<std::byte> saved(Thing thing) {
  std::vector<std::byte> bytes;
  StateArchive kept = StateArchive::saving(bytes);
  thing.archive(kept);
  return bytes;
}

Thing restored(std::span<const std::byte> bytes) {
  Thing thing;
  StateArchive kept = StateArchive::restoring(bytes);
  thing.archive(kept);
  kept.finish();
  return thing;
}

const Thing kThing = {true, -0.0, 77, {1, std::numeric_limits<float>::quiet_NaN(), 3}, "name"};

TEST(StateArchiveTest, RestoresTheBitsThatWereSaved) {
  const Thing thing = restored(saved(kThing));
  EXPECT_TRUE(thing.started);
  EXPECT_TRUE(thing.number == 0 && std::signbit(thing.number));
  EXPECT_EQ(thing.steps, 77);
  EXPECT_EQ(thing.block[0], 1);
  EXPECT_TRUE(std::isnan(thing.block[1]));
  EXPECT_EQ(thing.block[2], 3);
  EXPECT_EQ(thing.name, "name");
}

TEST(StateArchiveTest, WritesEachValueBehindTheNumberOfItsBytesLittleEndian) {
  std::vector<std::byte> bytes;
  StateArchive kept = StateArchive::saving(bytes);
  std::uint16_t number = 0x0102;
  bool flag = true;
  kept(number, flag);
  std::vector<int> found;
  for (const std::byte byte : bytes) found.push_back(std::to_integer<int>(byte));
  EXPECT_THAT(found, ElementsAre(2, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1));
}

TEST(StateArchiveTest, RefusesToEndAnywhereElseThanAtTheEnd) {
  std::vector<std::byte> bytes = saved(kThing);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(restored(std::span(bytes).first(size)), StateError) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_THAT([&] { restored(bytes); }, ThrowsMessage<StateError>(HasSubstr("more bytes")));
}

TEST(StateArchiveTest, TrustsNoSize) {
  // The sizes of the first two values; the largest would wrap around.
  for (const std::size_t place :
       {std::size_t{0}, std::size_t{7}, std::size_t{9}, std::size_t{16}}) {
    for (const int value : {0, 2, 9, 127, 128, 255}) {
      std::vector<std::byte> bytes = saved(kThing);
      if (bytes[place] == std::byte(value)) continue;
      bytes[place] = std::byte(value);
      EXPECT_THAT([&] { restored(bytes); }, ThrowsMessage<StateError>(HasSubstr("expected")));
    }
  }
}

TEST(StateArchiveTest, RefusesAFlagThatIsNone) {
  std::vector<std::byte> bytes = saved(kThing);
  bytes[8] = std::byte{2};
  EXPECT_THAT([&] { restored(bytes); }, ThrowsMessage<StateError>(HasSubstr("flag")));
}

TEST(StateArchiveTest, BoundsALength) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{6}}) {
    std::vector<std::byte> bytes;
    std::size_t value = length;
    StateArchive kept = StateArchive::saving(bytes);
    kept.count(value, 6);
    StateArchive back = StateArchive::restoring(bytes);
    value = 99;
    if (length < 6) {
      back.count(value, 5);
      EXPECT_EQ(value, length);
    } else {
      EXPECT_THAT([&] { back.count(value, 5); },
                  ThrowsMessage<StateError>(HasSubstr("6, more than 5")));
    }
  }
}

}  // namespace
}  // namespace plumbline
