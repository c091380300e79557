// SPDX-License-Identifier: Apache-2.0
#include "engine/core/sha256.hpp"

#include <array>

#include <openssl/evp.h>

#include "engine/core/error.hpp"

namespace plumbline {

std::string sha256_hex(std::span<const std::byte> content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_Digest(content.data(), content.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw EnvironmentError("libcrypto gives no SHA-256 digest");
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4U];
    hex += "0123456789abcdef"[bytes[i] & 15U];
  }
  return hex;
}

}  // namespace plumbline
