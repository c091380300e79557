// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/cache_sizes.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace plumbline {

namespace {

namespace fs = std::filesystem;

std::string word_in(const fs::path& file) {
  std::ifstream stream(file);
  std::string word;
  stream >> word;
  return word;
}

// "512K"; 0 for anything else.
double bytes_of(const std::string& size) {
  const std::size_t digits = std::min(size.find_first_not_of("0123456789"), size.size());
  if (digits == 0) return 0;
  const std::string unit = size.substr(digits);
  const double number = std::stod(size.substr(0, digits));
  return unit == "K"    ? number * 1024
         : unit == "M"  ? number * 1024 * 1024
         : unit.empty() ? number
                        : 0;
}

double told(int name) {
  const long size = sysconf(name);
  return size > 0 ? static_cast<double>(size) : 0;
}

}  // namespace

CacheSizes cache_sizes(const fs::path& root) {
  CacheSizes sizes;
  for (int index = 0;; ++index) {
    const fs::path folder =
        root / "sys/devices/system/cpu/cpu0/cache" / ("index" + std::to_string(index));
    const std::string level = word_in(folder / "level");
    if (level.empty()) break;
    if (word_in(folder / "type") == "Instruction") continue;
    const double bytes = bytes_of(word_in(folder / "size"));
    if (level == "1") sizes.l1 = bytes;
    if (level == "2") sizes.l2 = bytes;
    if (level == "3") sizes.l3 = bytes;
  }
  if (sizes == CacheSizes()) {
    sizes = {told(_SC_LEVEL1_DCACHE_SIZE), told(_SC_LEVEL2_CACHE_SIZE),
             told(_SC_LEVEL3_CACHE_SIZE)};
  }
  return sizes;
}

}  // namespace plumbline
