// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/machine_noise.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace plumbline {

namespace {

namespace fs = std::filesystem;

// More of any of these, and steps that nobody disturbed are not the rule any more.
constexpr double kSwitchesPerSecond = 10;
constexpr double kStealShare = 0.01;
constexpr double kMultiplyAddShare = 0.9;

// The first line of proc/stat: user nice system idle iowait irq softirq steal guest guest_nice, in ticks
// of all processors; guests are in user and nice already.
std::pair<double, double> steal_and_all_ticks(const fs::path& root) {
  constexpr std::size_t kFields = 8;
  std::ifstream file(root / "proc/stat");
  std::string name;
  file >> name;
  std::vector<double> ticks;
  for (double one = 0; ticks.size() < kFields && file >> one;) ticks.push_back(one);
  if (name != "cpu" || ticks.size() < kFields) {
    return {MachineNoise::kUnknown, MachineNoise::kUnknown};
  }
  return {ticks.back(), std::accumulate(ticks.begin(), ticks.end(), 0.0)};
}

// The lowest and the highest of all processors that tell, in Hz; the files are in kHz.
std::pair<double, double> frequencies(const fs::path& root) {
  std::pair<double, double> extremes{MachineNoise::kUnknown, MachineNoise::kUnknown};
  std::error_code unknown;
  for (int cpu = 0;; ++cpu) {
    const fs::path folder = root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu));
    if (!fs::is_directory(folder, unknown)) return extremes;
    std::ifstream file(folder / "cpufreq/scaling_cur_freq");
    double kilohertz = 0;
    if (!(file >> kilohertz)) continue;
    extremes.first = std::fmin(extremes.first, 1000 * kilohertz);
    extremes.second = std::fmax(extremes.second, 1000 * kilohertz);
  }
}

}  // namespace

std::vector<std::string> MachineNoise::warnings() const {
  std::vector<std::string> found;
  const double switches = involuntary_switches / seconds;
  if (switches > kSwitchesPerSecond) {
    found.push_back(
        fmt::format("the process had to wait for others {:.0f} times a second", switches));
  }
  if (steal_share > kStealShare) {
    found.push_back(fmt::format("the hypervisor took {:.1f} % of the processors' time away",
                                100 * steal_share));
  }
  const auto [less, more] = std::minmax(multiply_adds_before, multiply_adds_after);
  if (less < kMultiplyAddShare * more) {
    found.push_back(fmt::format("multiply-adds ran at {:.1f} GFLOP/s before and {:.1f} after",
                                1e-9 * multiply_adds_before, 1e-9 * multiply_adds_after));
  }
  return found;
}

NoiseWatch::NoiseWatch(fs::path root) : root_(std::move(root)), start_(read()) {}

NoiseWatch::Reading NoiseWatch::read() const {
  Reading reading;
  using std::chrono::steady_clock;
  reading.time = std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
  rusage usage{};
  reading.switches = getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<double>(usage.ru_nivcsw)
                                                         : MachineNoise::kUnknown;
  std::tie(reading.steal, reading.all) = steal_and_all_ticks(root_);
  std::tie(reading.lowest_frequency, reading.highest_frequency) = frequencies(root_);
  return reading;
}

MachineNoise NoiseWatch::finish() const {
  const Reading end = read();
  MachineNoise noise;
  noise.seconds = end.time - start_.time;
  noise.involuntary_switches = end.switches - start_.switches;
  // No tick may have passed.
  if (end.all > start_.all) noise.steal_share = (end.steal - start_.steal) / (end.all - start_.all);
  // Of a number and NaN these take the number.
  noise.lowest_frequency = std::fmin(start_.lowest_frequency, end.lowest_frequency);
  noise.highest_frequency = std::fmax(start_.highest_frequency, end.highest_frequency);
  return noise;
}

}  // namespace plumbline
