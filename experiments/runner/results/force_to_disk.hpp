// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <system_error>

namespace plumbline {

/// Forces what the kernel holds of a file or a folder to disk: of a folder, the names in it.
std::error_code force_to_disk(const std::filesystem::path& path);

/// The same for the folder that a file or a folder stands in.
std::error_code force_name_to_disk(const std::filesystem::path& path);

/// Makes a folder where there is none, and forces its name to disk. Throws EnvironmentError.
void make_lasting_folder(const std::filesystem::path& folder);

}  // namespace plumbline
