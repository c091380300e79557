// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/force_to_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "engine/core/error.hpp"

namespace plumbline {

std::error_code force_to_disk(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {errno, std::generic_category()};
  // EINVAL: a file system that has nothing to force for a folder.
  const int error = ::fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  ::close(descriptor);
  return {error, std::generic_category()};
}

std::error_code force_name_to_disk(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return force_to_disk(folder.empty() ? "." : folder);
}

void make_lasting_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool is_new = std::filesystem::create_directory(folder, error);
  if (error) {
    throw EnvironmentError(folder.string() + ": cannot make the folder: " + error.message());
  }
  if (is_new) error = force_name_to_disk(folder);
  if (error) {
    throw EnvironmentError(folder.string() + ": cannot force its name to disk: " + error.message());
  }
}

}  // namespace plumbline
