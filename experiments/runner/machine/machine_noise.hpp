// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace plumbline {

/// What else the machine did during a measurement. NaN where the system does not tell.
struct MachineNoise {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  double seconds = 0;  ///< of the measurement
  double involuntary_switches =
      kUnknown;                         ///< times a thread of this process had to wait for others
  double steal_share = kUnknown;        ///< of all processors' time, what a hypervisor took away
  double lowest_frequency = kUnknown;   ///< Hz, of all processors at its begin and its end
  double highest_frequency = kUnknown;  ///< Hz
  double multiply_adds_before = kUnknown;  ///< flop/s of one thread
  double multiply_adds_after = kUnknown;   ///< flop/s of one thread

  /// A sentence for each thing that makes the numbers doubtful. Frequencies do not: idle processors are
  /// slow on a quiet machine too, and the multiply-adds tell how fast this one was.
  std::vector<std::string> warnings() const;
};

/// Looks at the system where it is made and again at finish(). `root` is where proc and sys stand.
class NoiseWatch {
 public:
  explicit NoiseWatch(std::filesystem::path root = "/");

  /// Without the multiply-adds, which are the caller's to measure.
  MachineNoise finish() const;

 private:
  struct Reading {
    double time = 0;
    double switches = 0;
    double steal = MachineNoise::kUnknown;  ///< in ticks, like all
    double all = MachineNoise::kUnknown;
    double lowest_frequency = MachineNoise::kUnknown;  ///< Hz
    double highest_frequency = MachineNoise::kUnknown;
  };
  Reading read() const;

  std::filesystem::path root_;
  Reading start_;
};

}  // namespace plumbline
