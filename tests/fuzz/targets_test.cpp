// SPDX-License-Identifier: Apache-2.0
// What the fuzzers do, without clang: every seed, every input that was once a finding, and each seed cut at
// every place and with every byte changed goes through the reader that it is for. A reader may refuse it, and
// may not crash or throw anything but its two errors.
#include "tests/fuzz/targets.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace plumbline::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = PLUMBLINE_SOURCE_DIR;

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<std::uint8_t> bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FuzzTargetTest : public testing::TestWithParam<Target> {
 protected:
  std::vector<fs::path> seeds() const {
    return files_in(kSource / "tests/fuzz/seeds" / GetParam().name);
  }
  // From each place that is tried to the next.
  std::size_t stride(std::size_t size) const {
    return std::max<std::size_t>(1, size / GetParam().places);
  }
  bool read(const std::vector<std::uint8_t>& bytes) const { return GetParam().read(bytes); }
};

TEST_P(FuzzTargetTest, TakesItsSeeds) {
  EXPECT_FALSE(seeds().empty());
  for (const fs::path& seed : seeds()) EXPECT_TRUE(read(bytes_of(seed))) << seed;
}

TEST_P(FuzzTargetTest, RefusesNothingAndWhatWasOnceAFindingCleanly) {
  EXPECT_FALSE(read({}) && GetParam().name != "gzip");
  for (const fs::path& input : files_in(kSource / "tests/fuzz/findings" / GetParam().name)) {
    EXPECT_NO_THROW(read(bytes_of(input))) << input;
  }
}

TEST_P(FuzzTargetTest, RefusesCutSeedsCleanly) {
  for (const fs::path& seed : seeds()) {
    const std::vector<std::uint8_t> bytes = bytes_of(seed);
    for (std::size_t size = 0; size < bytes.size(); size += stride(bytes.size())) {
      EXPECT_NO_THROW(read({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}))
          << seed << " cut behind byte " << size;
    }
  }
}

TEST_P(FuzzTargetTest, RefusesSeedsWithAChangedByteCleanly) {
  std::size_t refused = 0;
  for (const fs::path& seed : seeds()) {
    std::vector<std::uint8_t> bytes = bytes_of(seed);
    for (std::size_t at = 0; at < bytes.size(); at += stride(bytes.size())) {
      const std::uint8_t before = bytes[at];
      for (const unsigned change : {0xFFU, 0x01U}) {
        bytes[at] = static_cast<std::uint8_t>(before ^ change);
        EXPECT_NO_THROW(refused += read(bytes) ? 0 : 1)
            << seed << ", byte " << at << " changed by " << change;
      }
      bytes[at] = before;
    }
  }
  EXPECT_GT(refused, 0U);
}

INSTANTIATE_TEST_SUITE_P(Readers, FuzzTargetTest, testing::ValuesIn(targets()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace plumbline::fuzz
