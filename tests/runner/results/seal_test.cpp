// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/seal.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "experiments/runner/results/readable_file.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

constexpr std::size_t kPiece = std::size_t{1} << 18;  // that a file is read in
constexpr std::size_t kSealBytes = 24;

class SealTest : public testing::Test {
 protected:
  // A file of its own for each test: they run side by side.
  SealTest()
      : path_(fs::path(testing::TempDir()) /
              (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
               ".seal")) {}
  ~SealTest() override { fs::remove(path_); }

  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path path_;
};

TEST_F(SealTest, IsTheDigestOfAllThatStandsBeforeIt) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{23}, std::size_t{24}, std::size_t{25},
        kPiece - kSealBytes, kPiece - 1, kPiece, kPiece + 1, kPiece + kSealBytes, 3 * kPiece + 7}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * i % 23);
    write(text);
    EXPECT_FALSE(has_whole_seal(path_)) << size;
    append_seal(path_);
    EXPECT_EQ(bytes(), text + "XXH3-64 " + digest(text)) << size;
    EXPECT_TRUE(has_whole_seal(path_)) << size;
  }
}

TEST_F(SealTest, IsBrokenByAByteThatChangesOrIsMissing) {
  const std::string text(kPiece + 100, 'x');
  write(text);
  append_seal(path_);
  const std::string sealed = bytes();
  for (const std::size_t at : {std::size_t{0}, kPiece - 1, kPiece, kPiece + 50, text.size() - 1,
                               text.size(), sealed.size() - 1}) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write(changed);
    EXPECT_FALSE(has_whole_seal(path_)) << at;
    write(sealed.substr(0, at));
    EXPECT_FALSE(has_whole_seal(path_)) << at;
  }
}

TEST_F(SealTest, ThatWasSeenWholeIsCheckedAgainWhereTheFileHasAnotherTime) {
  write("some text");
  append_seal(path_);
  FilesSeen seen;
  EXPECT_TRUE(seen.is_whole(path_));
  const auto time = fs::last_write_time(path_);
  std::string changed = bytes();
  changed[0] = 'S';
  write(changed);
  fs::last_write_time(path_, time);
  EXPECT_TRUE(seen.is_whole(path_)) << "it was read again";
  EXPECT_FALSE(FilesSeen().is_whole(path_));
  fs::last_write_time(path_, time + std::chrono::milliseconds(1));
  EXPECT_FALSE(seen.is_whole(path_));
  fs::remove(path_);
  EXPECT_FALSE(seen.is_whole(path_));
}

TEST_F(SealTest, IsNotThereWithoutAFile) { EXPECT_FALSE(has_whole_seal(path_)); }

// This process has no page at address 0, so that its first byte fails as one of a broken disk does.
TEST_F(SealTest, OfAFileThatFailsToBeReadIsAnError) {
  try {
    has_whole_seal("/proc/self/mem");
    ADD_FAILURE() << "no error";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/proc/self/mem: cannot read it: Input/output error"));
  }
}

}  // namespace
}  // namespace plumbline
