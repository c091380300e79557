// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/available_processors.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

/// A root folder with proc and sys as the test writes them.
class AvailableProcessors : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  int available() const { return available_processors(root_); }

  const int machine_ = allowed_processors();
  // Of each test its own: they run side by side.
  const std::filesystem::path root_ = testing::TempDir() + "available_processors_" +
                                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(AvailableProcessors, AreTheMachinesWhereNoGroupHasAQuota) {
  EXPECT_EQ(available(), machine_);
  write("proc/self/cgroup", "1:cpu,cpuacct:/box\n0::/job\n");
  EXPECT_EQ(available(), machine_);
  write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(available(), machine_);
}

TEST_F(AvailableProcessors, AreWhatAQuotaLeavesRoundedUp) {
  write("proc/self/cgroup", "0::/job/step\n");
  write("sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/job/cpu.max", "100000 100000\n");
  EXPECT_EQ(available(), 1) << "a group above sets the limit";
  write("sys/fs/cgroup/job/cpu.max", "20000 100000\n");
  EXPECT_EQ(available(), 1) << "a fifth of a processor";
  write("sys/fs/cgroup/job/cpu.max", "100001 100000\n");
  EXPECT_EQ(available(), std::min(machine_, 2));
  write("sys/fs/cgroup/job/cpu.max", "99900000000 100000\n");
  EXPECT_EQ(available(), machine_) << "more than there are";
}

TEST_F(AvailableProcessors, KnowTheFirstVersionOfControlGroups) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/box\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "25000\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(available(), 1);
}

TEST_F(AvailableProcessors, TakeTheMountForTheGroupThatAContainerSees) {
  write("proc/self/cgroup", "0::/elsewhere/box\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(available(), 1);
}

TEST(AvailableProcessorsHere, AreSome) {
  EXPECT_GE(available_processors(), 1);
  EXPECT_LE(available_processors(), allowed_processors());
}

}  // namespace
}  // namespace plumbline
