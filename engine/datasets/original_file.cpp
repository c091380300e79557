// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/original_file.hpp"

#include "engine/core/error.hpp"
#include "engine/core/sha256.hpp"

namespace plumbline {

void require_original(std::span<const std::uint8_t> bytes, std::string_view sha256,
                      const std::filesystem::path& path, const std::string& data_set) {
  const std::string found = sha256_hex(std::as_bytes(bytes));
  if (found == sha256) return;
  throw EnvironmentError(path.string() + ": is not the original file of " + data_set +
                         " (its unpacked SHA-256 is " + found + ", not " + std::string(sha256) +
                         "); data of your own have the sources idx, hdf5 and csv");
}

}  // namespace plumbline
