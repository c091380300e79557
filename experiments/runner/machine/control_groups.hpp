// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace plumbline {

/// The control files of a group that this process is in: of its own or of one above, all of which limit it.
struct ControlGroup {
  std::filesystem::path folder;
  int version = 2;  ///< of the kernel's interface: 1 or 2, whose files have other names
};

/// Those that a controller ("memory", "cpu") may have its files in, as proc/self/cgroup under `root` says.
/// A container may see other groups than its own there; its own files then stand at the hierarchy's root,
/// which is among these.
std::vector<ControlGroup> control_groups(std::string_view controller,
                                         const std::filesystem::path& root);

/// The number that a control file begins with. Infinite where it has none, as "max", and where there is no
/// such file.
double control_number(const std::filesystem::path& file);

}  // namespace plumbline
