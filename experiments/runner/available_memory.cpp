// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/available_memory.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

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

// The number that a control file holds; "max", and a file that is not there, are no limit.
double number_in(const fs::path& file) {
  std::ifstream stream(file);
  double number = 0;
  return stream >> number ? number : kUnknown;
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

// The least that `group` and the groups above it leave; `mount` is where their hierarchy stands.
double left_by_groups(const fs::path& mount, fs::path group, const ControlFiles& files) {
  double least = kUnknown;
  while (true) {
    const fs::path folder = mount / group.relative_path();
    const double limit = number_in(folder / files.limit);
    const double usage = number_in(folder / files.usage);
    if (limit < kUnknown && usage < kUnknown) {
      least = std::min(least, std::max(0.0, limit - usage + caches_in(folder, files)));
    }
    if (!group.has_relative_path()) return least;
    group = group.parent_path();
  }
}

// A line of proc/self/cgroup is "id:controllers:group"; version 2 has no controllers.
double left_by_control_groups(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  double least = kUnknown;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, left_by_groups(mount, group, kVersion2));
    if (controllers == "memory") {
      least = std::min(least, left_by_groups(mount / "memory", group, kVersion1));
    }
  }
  return least;
}

}  // namespace

double available_memory(const fs::path& root) {
  return std::min(available_on_machine(root), left_by_control_groups(root));
}

}  // namespace plumbline
