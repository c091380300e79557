// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/seal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"

namespace plumbline {

namespace {

constexpr std::string_view kMark = "XXH3-64 ";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kSealBytes = kMark.size() + kDigits;

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view what, int error) {
  throw EnvironmentError(path.string() + ": cannot " + std::string(what) +
                         " it: " + std::generic_category().message(error));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

std::string seal_of(const StreamedDigest& bytes) { return std::string(kMark) + bytes.text(); }

struct SealedFile {
  std::string seal_of_rest;  ///< of all but the last bytes
  std::string end;           ///< so many last bytes
};

// Reads a file up to its end, in pieces: a file that is mapped kills the program where the disk fails.
SealedFile read_file(const std::filesystem::path& path, int descriptor, std::size_t end) {
  constexpr std::size_t kPiece = std::size_t{1} << 18;
  std::vector<std::byte> bytes(end + kPiece);
  std::size_t held = 0;
  StreamedDigest rest;
  while (true) {
    const ssize_t size = ::read(descriptor, bytes.data() + held, kPiece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) refuse(path, "read", errno);
    if (size == 0) break;
    held += static_cast<std::size_t>(size);
    if (held <= end) continue;
    rest.add(std::span(bytes).first(held - end));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(held - end), end, bytes.begin());
    held = end;
  }
  return {seal_of(rest), {reinterpret_cast<const char*>(bytes.data()), held}};
}

}  // namespace

void append_seal(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDWR | O_APPEND);
  if (file.number() < 0) refuse(path, "seal", errno);
  const std::string seal = read_file(path, file.number(), 0).seal_of_rest;
  const ssize_t written = ::write(file.number(), seal.data(), seal.size());
  if (written < 0) refuse(path, "seal", errno);
  if (written != static_cast<ssize_t>(seal.size())) refuse(path, "seal", ENOSPC);
}

bool has_whole_seal(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.number() < 0) {
    if (errno == ENOENT) return false;
    refuse(path, "read", errno);
  }
  const SealedFile read = read_file(path, file.number(), kSealBytes);
  return read.end == read.seal_of_rest;
}

}  // namespace plumbline
