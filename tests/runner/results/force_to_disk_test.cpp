// SPDX-License-Identifier: Apache-2.0
// What is forced to disk, as the system is told: no test can take the power away.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/results/sweep_store.hpp"
#include "tests/runner/example_results.hpp"

namespace {

/// The paths that this thread has forced to disk, and whether it is refused second names.
thread_local std::vector<std::string> forced;
thread_local bool has_no_second_names = false;

}  // namespace

// They stand before those of the C library in the whole test program.
extern "C" int fsync(int descriptor) {
  std::error_code error;
  const auto path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
  forced.push_back(path.string());
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

extern "C" int link(const char* from, const char* to) noexcept {
  if (has_no_second_names) return errno = EPERM, -1;
  return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

class ForceToDisk : public testing::Test {
 protected:
  ForceToDisk() { forced.clear(); }
  ~ForceToDisk() override { has_no_second_names = false; }
  std::unique_ptr<SweepStore> open(bool fresh = false) {
    return std::make_unique<SweepStore>(file_, plan_.definition, provenance_, fresh, err_);
  }
  std::string name(const std::string& inside) const {
    return fs::canonical(folder_ / ".") / inside;
  }

  const TemporaryFolder folder_;
  const fs::path file_ = folder_ / "a.h5";
  const Plan plan_ = ragged_plan();
  const Provenance provenance_ = example_provenance();
  std::ostringstream err_;
};

TEST_F(ForceToDisk, HasTheNameOfTheFolderOfAStore) {
  const auto store = open();
  EXPECT_THAT(forced, ElementsAre(fs::canonical(folder_ / ".").string()));
}

TEST_F(ForceToDisk, HasTheNameOfTheFolderOfSegments) {
  fs::create_directory(folder_ / "a.h5.d");
  SegmentFolder segments(folder_ / "a.h5.d/segments", plan_.definition, provenance_, err_);
  segments.add(std::vector<FinishedRun>{{"x", example_record(plan_, 0), {}}});
  EXPECT_THAT(forced, Contains(name("a.h5.d")));
  forced.clear();
  segments.add(std::vector<FinishedRun>{{"y", example_record(plan_, 1), {}}});
  EXPECT_THAT(forced, Not(Contains(name("a.h5.d")))) << "once is enough";
}

TEST_F(ForceToDisk, HasTheMarkOfAFreshSweep) {
  write_all(file_, plan_);
  const auto store = open(true);
  EXPECT_THAT(forced, IsSupersetOf({name("a.h5.d/fresh"), name("a.h5.d")}));
}

// As on a file system without hard links.
TEST_F(ForceToDisk, HasACopyOfTheEarlierFileBeforeItsNameIsThere) {
  write_all(file_, plan_);
  Plan smaller = ragged_plan();
  smaller.runs.resize(4);
  has_no_second_names = true;
  EXPECT_THAT(open()->publish(smaller), ElementsAre(folder_ / "a.h5.previous"));
  EXPECT_THAT(forced, Contains(name("a.h5.previous." + std::to_string(getpid()) + ".tmp")));
  EXPECT_THAT(folder_.names(), UnorderedElementsAre("a.h5", "a.h5.previous"));
  EXPECT_EQ(StoredRuns(folder_ / "a.h5.previous").finished(), plan_.runs.size());
}

}  // namespace
}  // namespace plumbline
