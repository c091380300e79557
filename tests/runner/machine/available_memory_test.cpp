// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/available_memory.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

/// A root folder with proc and sys as the test writes them.
class AvailableMemory : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double available() const { return available_memory(root_); }

  // Of each test its own: they run side by side.
  const std::filesystem::path root_ = testing::TempDir() + "available_memory_" +
                                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

constexpr const char* kMachine = "MemTotal: 900 kB\nMemFree: 100 kB\nMemAvailable:   500 kB\n";

TEST_F(AvailableMemory, IsUnlimitedWhereNothingIsKnown) { EXPECT_TRUE(std::isinf(available())); }

TEST_F(AvailableMemory, IsWhatTheMachineHasAvailable) {
  write("proc/meminfo", kMachine);
  EXPECT_EQ(available(), 500 * 1024);
}

TEST_F(AvailableMemory, IsWhatAControlGroupLeavesWhereThatIsLess) {
  write("proc/meminfo", kMachine);
  write("proc/self/cgroup", "0::/job/step\n");
  write("sys/fs/cgroup/job/step/memory.max", "max\n");
  write("sys/fs/cgroup/job/step/memory.current", "100000\n");
  EXPECT_EQ(available(), 500 * 1024);
  write("sys/fs/cgroup/job/memory.max", "300000\n");
  write("sys/fs/cgroup/job/memory.current", "120000\n");
  write("sys/fs/cgroup/job/memory.stat", "anon 90000\ninactive_file 20000\nactive_file 7000\n");
  EXPECT_EQ(available(), 300000 - 120000 + 20000 + 7000) << "a group above sets the limit";
  write("sys/fs/cgroup/job/memory.max", "100000\n");
  write("sys/fs/cgroup/job/memory.stat", "");
  EXPECT_EQ(available(), 0) << "more is taken than is allowed";
}

TEST_F(AvailableMemory, KnowsTheFirstVersionOfControlGroups) {
  write("proc/meminfo", kMachine);
  write("proc/self/cgroup", "9:name=systemd:/\n4:memory:/box\n0::/\n");
  write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "200000\n");
  write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "50000\n");
  EXPECT_EQ(available(), 150000);
  write("sys/fs/cgroup/memory/box/memory.stat",
        "inactive_file 1\nactive_file 1\ntotal_inactive_file 3000\ntotal_active_file 400\n");
  EXPECT_EQ(available(), 150000 + 3400) << "with the groups below";
}

TEST_F(AvailableMemory, TakesTheMountForTheGroupThatAContainerSees) {
  write("proc/self/cgroup", "0::/elsewhere/box\n");
  write("sys/fs/cgroup/memory.max", "200000\n");
  write("sys/fs/cgroup/memory.current", "50000\n");
  EXPECT_EQ(available(), 150000);
}

TEST(AvailableMemoryHere, IsSomething) {
  EXPECT_GT(available_memory(), 1e6);
  EXPECT_TRUE(std::isfinite(available_memory()));
}

}  // namespace
}  // namespace plumbline
