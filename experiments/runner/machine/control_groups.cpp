// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/control_groups.hpp"

#include <cstddef>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace plumbline {

namespace {

namespace fs = std::filesystem;

// Whether a list as "cpu,cpuacct" has the name.
bool has(const std::string& list, std::string_view name) {
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');) {
    if (one == name) return true;
  }
  return false;
}

}  // namespace

// A line of proc/self/cgroup is "id:controllers:group"; version 2 has no controllers.
std::vector<ControlGroup> control_groups(std::string_view controller, const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  std::vector<ControlGroup> groups;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !has(controllers, controller)) continue;
    const fs::path hierarchy = controllers.empty() ? mount : mount / controller;
    fs::path group = line.substr(second + 1);
    while (true) {
      groups.push_back({hierarchy / group.relative_path(), controllers.empty() ? 2 : 1});
      if (!group.has_relative_path()) break;
      group = group.parent_path();
    }
  }
  return groups;
}

double control_number(const fs::path& file) {
  std::ifstream stream(file);
  double number = 0;
  return stream >> number ? number : std::numeric_limits<double>::infinity();
}

}  // namespace plumbline
