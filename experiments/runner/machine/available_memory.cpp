// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/available_memory.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include "experiments/runner/machine/control_groups.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr double kUnknown = std::numeric_limits<double>::infinity();

// MemAvailable, which is in kB: what can be taken without swapping, caches given up.
double available_on_machine(const fs::path& root) {
  std::ifstream file(root / "proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    double kilobytes = 0;
    if (words >> name >> kilobytes && name == "MemAvailable:") return 1024 * kilobytes;
  }
  return kUnknown;
}

// The files of the two versions of control groups: the limit, what is taken, and of that the parts which
// are caches of files, recently used or not, that the kernel gives up first.
struct ControlFiles {
  const char* limit;
  const char* usage;
  std::array<std::string_view, 2> caches;
};
constexpr ControlFiles kVersion1{
    "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_active_file", "total_inactive_file"}};
constexpr ControlFiles kVersion2{"memory.max", "memory.current", {"active_file", "inactive_file"}};

double caches_in(const fs::path& folder, const ControlFiles& files) {
  std::ifstream file(folder / "memory.stat");
  double sum = 0;
  std::string word;
  for (double bytes = 0; file >> word >> bytes;) {
    if (std::ranges::find(files.caches, word) != files.caches.end()) sum += bytes;
  }
  return sum;
}

// The least that the groups leave.
double left_by_control_groups(const fs::path& root) {
  double least = kUnknown;
  for (const auto& [folder, version] : control_groups("memory", root)) {
    const ControlFiles& files = version == 1 ? kVersion1 : kVersion2;
    const double limit = control_number(folder / files.limit);
    const double usage = control_number(folder / files.usage);
    if (limit < kUnknown && usage < kUnknown) {
      least = std::min(least, std::max(0.0, limit - usage + caches_in(folder, files)));
    }
  }
  return least;
}

}  // namespace

double available_memory(const fs::path& root) {
  return std::min(available_on_machine(root), left_by_control_groups(root));
}

}  // namespace plumbline
