// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace plumbline {

/// Bytes of the data caches that a core of this machine reaches; 0 where it tells of none.
struct CacheSizes {
  double l1 = 0;
  double l2 = 0;
  double l3 = 0;
  int l3_caches = 1;  ///< of the machine, each for some of its cores

  bool operator==(const CacheSizes&) const = default;
};

/// As sys/devices/system/cpu under `root` says of cpu0's caches, else as the C library does, which takes
/// all L3 caches of some machines for one.
CacheSizes cache_sizes(const std::filesystem::path& root = "/");

}  // namespace plumbline
