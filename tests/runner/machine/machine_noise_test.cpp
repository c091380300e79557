// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/machine_noise.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/machine/cache_sizes.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder in the place of the root, with files of the kernel's.
class FakeRoot {
 public:
  FakeRoot()
      : path_(fs::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(path_);
  }
  ~FakeRoot() { fs::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(NoiseWatchTest, ReadsWhatWasStolenMeanwhile) {
  const FakeRoot root;
  root.write("proc/stat", "cpu  100 0 50 1000 0 0 0 7 0 0\ncpu0 1 2 3\n");
  const NoiseWatch watch(root.path());
  root.write("proc/stat", "cpu  150 0 60 1030 0 0 0 17 50 0\n");
  // Of 50 + 10 + 30 + 10 ticks; those of guests are in the first number already.
  EXPECT_DOUBLE_EQ(watch.finish().steal_share, 0.1);
}

TEST(NoiseWatchTest, ReadsTheFrequenciesOfAllProcessors) {
  const FakeRoot root;
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3000000\n");
  root.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2500000\n");
  const NoiseWatch watch(root.path());
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3500000\n");
  const MachineNoise noise = watch.finish();
  EXPECT_EQ(noise.lowest_frequency, 2.5e9);
  EXPECT_EQ(noise.highest_frequency, 3.5e9);
}

TEST(NoiseWatchTest, DoesNotKnowWhatTheSystemDoesNotTell) {
  const FakeRoot root;
  const MachineNoise noise = NoiseWatch(root.path()).finish();
  EXPECT_TRUE(std::isnan(noise.steal_share));
  EXPECT_TRUE(std::isnan(noise.lowest_frequency));
  EXPECT_TRUE(std::isnan(noise.highest_frequency));
  EXPECT_GE(noise.involuntary_switches, 0);
}

MachineNoise quiet() {
  return {.seconds = 2,
          .involuntary_switches = 3,
          .steal_share = 0.001,
          .lowest_frequency = 0.8e9,  // of a processor that is idle
          .highest_frequency = 3e9,
          .multiply_adds_before = 100e9,
          .multiply_adds_after = 97e9};
}

TEST(MachineNoiseTest, SaysNothingOfAQuietMachineOrOneThatTellsNothing) {
  EXPECT_THAT(quiet().warnings(), IsEmpty());
  EXPECT_THAT(MachineNoise{.seconds = 1}.warnings(), IsEmpty());
}

TEST(MachineNoiseTest, WarnsOfEachThingThatMakesNumbersDoubtful) {
  MachineNoise noise = quiet();
  noise.involuntary_switches = 300;
  EXPECT_THAT(noise.warnings(), ElementsAre(HasSubstr("150 times a second")));
  noise = quiet();
  noise.steal_share = 0.12;
  EXPECT_THAT(noise.warnings(), ElementsAre(HasSubstr("12.0 %")));
  noise = quiet();
  noise.multiply_adds_after = 50e9;
  EXPECT_THAT(noise.warnings(), ElementsAre(HasSubstr("100.0 GFLOP/s before and 50.0 after")));
}

TEST(CacheSizesTest, AreThoseOfTheFirstProcessorsDataCaches) {
  const FakeRoot root;
  const auto cache = [&](int index, const char* level, const char* type, const char* size) {
    const std::string folder =
        "sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + '/';
    root.write(folder + "level", level);
    root.write(folder + "type", type);
    root.write(folder + "size", size);
  };
  cache(0, "1\n", "Data\n", "48K\n");
  cache(1, "1\n", "Instruction\n", "32K\n");
  cache(2, "2\n", "Unified\n", "2048K\n");
  cache(3, "3\n", "Unified\n", "30M\n");
  CacheSizes expected{48 * 1024.0, 2048 * 1024.0, 30 * 1024.0 * 1024.0, 1};
  EXPECT_EQ(cache_sizes(root.path()), expected);
  root.write("sys/devices/system/cpu/online", "0-23\n");
  root.write("sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list", "0-3,12-14,23\n");
  expected.l3_caches = 3;
  EXPECT_EQ(cache_sizes(root.path()), expected);
}

}  // namespace
}  // namespace plumbline
