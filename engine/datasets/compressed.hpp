// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The whole content of a file, unpacked where it is gzipped. Throws EnvironmentError with the path.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

/// Unpacks gzipped bytes; `name` is what an error calls them.
std::vector<std::uint8_t> unpack(std::span<const std::uint8_t> packed, const std::string& name);

/// The first that exists, folder by folder, of `folder/subfolder/name`, the same with ".gz",
/// `folder/name` and the same with ".gz"; an empty path where there is none.
std::filesystem::path find_file(const DataFolders& folders, const std::string& subfolder,
                                const std::string& name);

/// As find_file(), but throws EnvironmentError that names every folder searched and how to get the
/// file: `scripts/fetch_data <subfolder>`.
std::filesystem::path require_file(const DataFolders& folders, const std::string& subfolder,
                                   const std::string& name);

}  // namespace plumbline
