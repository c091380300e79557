// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/cache_sizes.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
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

// The processors of a list as "0-3,8,10-11".
int processors_in(const std::string& list) {
  std::istringstream ranges(list);
  int count = 0;
  for (std::string range; std::getline(ranges, range, ',');) {
    int first = 0;
    int last = 0;
    const int numbers = std::sscanf(range.c_str(), "%d-%d", &first, &last);
    if (numbers >= 1) count += numbers == 2 ? last - first + 1 : 1;
  }
  return count;
}

double told(int name) {
  const long size = sysconf(name);
  return size > 0 ? static_cast<double>(size) : 0;
}

}  // namespace

CacheSizes cache_sizes(const fs::path& root) {
  CacheSizes sizes;
  const fs::path processors = root / "sys/devices/system/cpu";
  for (int index = 0;; ++index) {
    const fs::path folder = processors / "cpu0/cache" / ("index" + std::to_string(index));
    const std::string level = word_in(folder / "level");
    if (level.empty()) break;
    if (word_in(folder / "type") == "Instruction") continue;
    const double bytes = bytes_of(word_in(folder / "size"));
    if (level == "1") sizes.l1 = bytes;
    if (level == "2") sizes.l2 = bytes;
    if (level == "3") {
      sizes.l3 = bytes;
      const int sharing = std::max(1, processors_in(word_in(folder / "shared_cpu_list")));
      const int online = processors_in(word_in(processors / "online"));
      sizes.l3_caches = std::max(1, (online + sharing - 1) / sharing);
    }
  }
  if (sizes == CacheSizes()) {
    sizes = {told(_SC_LEVEL1_DCACHE_SIZE), told(_SC_LEVEL2_CACHE_SIZE),
             told(_SC_LEVEL3_CACHE_SIZE)};
  }
  return sizes;
}

}  // namespace plumbline
