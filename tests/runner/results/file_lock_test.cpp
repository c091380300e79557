// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/file_lock.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(FileLock, RefusesTheSecondAndNamesTheFirst) {
  const TemporaryFolder folder;
  std::ostringstream err;
  auto first = std::make_unique<FileLock>(folder / "a.h5", folder / "a.h5.d", "run\nx", err);
  // Locks of one process do not share either: they belong to what open() returned.
  EXPECT_THAT(complaint([&] { FileLock(folder / "a.h5", folder / "a.h5.d", "run y", err); }),
              AllOf(HasSubstr("a.h5: is being written by process " + std::to_string(getpid())),
                    HasSubstr("(run x)")));
  const FileLock other(folder / "b.h5", folder / "b.h5.d", "run z", err);
  first.reset();
  EXPECT_EQ(folder.names(), std::vector<std::string>{"b.h5.d"}) << "the folder goes with the lock";
  const FileLock again(folder / "a.h5", folder / "a.h5.d", "run y", err);
  EXPECT_EQ(err.str(), "");
}

TEST(FileLock, TakesOverTheFileThatAKilledProcessLeftAndKeepsWhatIsBesideIt) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "a.h5.d/segments");
  std::ofstream(folder / "a.h5.d/lock") << "1 elsewhere plumbline run";
  std::ostringstream err;
  {
    const FileLock lock(folder / "a.h5", folder / "a.h5.d", "run", err);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a.h5.d/lock"));
  EXPECT_TRUE(std::filesystem::exists(folder / "a.h5.d/segments"));
}

TEST(FileLock, SaysThatTheFolderCannotBeMade) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a.h5.d") << "in the way";
  std::ostringstream err;
  EXPECT_THAT(complaint([&] { FileLock(folder / "a.h5", folder / "a.h5.d", "run", err); }),
              HasSubstr("a.h5.d: cannot make the folder"));
}

}  // namespace
}  // namespace plumbline
