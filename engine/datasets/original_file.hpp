// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace plumbline {

/// Throws EnvironmentError with the path unless the bytes, the unpacked content of that file, have this
/// SHA-256 digest. A run's id has the name of a published data set and no digest of its files: the name
/// stands for these bytes and no others.
void require_original(std::span<const std::uint8_t> bytes, std::string_view sha256,
                      const std::filesystem::path& path, const std::string& data_set);

}  // namespace plumbline
