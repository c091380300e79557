// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/seal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"

namespace plumbline {

namespace {

constexpr std::string_view kMark = "XXH3-64 ";
constexpr std::size_t kDigits = 16;
constexpr std::size_t kSealBytes = kMark.size() + kDigits;

/// A file's bytes, mapped. None where there is no file or it is empty. Throws EnvironmentError where it
/// cannot be read.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      if (errno == ENOENT) return;
      refuse(path);
    }
    struct stat status{};
    bool is_read = ::fstat(descriptor, &status) == 0;
    if (is_read && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      start_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      is_read = start_ != MAP_FAILED;
    }
    const int error = errno;
    ::close(descriptor);
    errno = error;
    if (!is_read) refuse(path);
  }
  ~MappedFile() {
    if (start_ != MAP_FAILED) ::munmap(start_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const {
    if (start_ == MAP_FAILED) return {};
    return {static_cast<const char*>(start_), size_};
  }

 private:
  [[noreturn]] static void refuse(const std::filesystem::path& path) {
    throw EnvironmentError(path.string() +
                           ": cannot read it: " + std::generic_category().message(errno));
  }

  std::size_t size_ = 0;
  void* start_ = MAP_FAILED;
};

std::string seal_of(std::string_view bytes) { return std::string(kMark) + digest(bytes); }

}  // namespace

void append_seal(const std::filesystem::path& path) {
  const std::string seal = seal_of(MappedFile(path).bytes());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const bool written = descriptor >= 0 && ::write(descriptor, seal.data(), seal.size()) ==
                                              static_cast<ssize_t>(seal.size());
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!written) {
    throw EnvironmentError(path.string() +
                           ": cannot seal it: " + std::generic_category().message(error));
  }
}

bool has_whole_seal(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view bytes = file.bytes();
  if (bytes.size() < kSealBytes) return false;
  const std::size_t end = bytes.size() - kSealBytes;
  return bytes.substr(end) == seal_of(bytes.substr(0, end));
}

}  // namespace plumbline
