// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_handle.hpp"

#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "engine/core/error.hpp"

namespace plumbline::hdf5 {

namespace {

/// The library's account of its last failure: what was asked for, and the innermost cause.
struct ErrorText {
  std::string asked;
  std::string cause;
};

/// Of a failed call of the system the library tells time, file, numbers and addresses: what the system said is
/// enough.
std::string system_reason(const std::string& description) {
  constexpr std::string_view kBegin = "error message = '";
  const std::size_t begin = description.find(kBegin);
  if (begin == description.npos) return description;
  const std::size_t first = begin + kBegin.size();
  return description.substr(first, description.find('\'', first) - first);
}

herr_t collect(unsigned depth, const H5E_error2_t* entry, void* collected) {
  auto& text = *static_cast<ErrorText*>(collected);
  const std::string description = system_reason(entry->desc == nullptr ? "" : entry->desc);
  if (depth == 0) text.asked = description;
  if (!description.empty()) text.cause = description;
  return 0;
}

std::string last_error() {
  ErrorText text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, collect, &text);
  if (text.cause.empty()) return "the HDF5 library gives no reason";
  return text.asked == text.cause ? text.cause : text.asked + ": " + text.cause;
}

// Never destroyed: what is destroyed at the end of the program may still give a handle back.
std::recursive_mutex& turns() {
  static std::recursive_mutex& one = *new std::recursive_mutex;
  return one;
}

}  // namespace

void Turn::begin_in_copy() { std::construct_at(&turns()); }

Turn::Turn() {
  lock_ = std::unique_lock(turns());
  // A file that could not be written to its end cannot be closed either: H5Fclose fails, and the
  // library's own clean-up at exit then uses what it has freed (seen in 1.10.8: a crash). Nothing
  // is lost without that clean-up, since every file is closed by its owner.
  static const herr_t once = H5dont_atexit();
  static_cast<void>(once);
  // Errors become exceptions. The setting belongs to a thread where the library is thread-safe.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string library_version() {
  const Turn turn;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  if (H5get_libversion(&major, &minor, &release) < 0) return "unknown";
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(release);
}

void Check::fail(std::string_view task) const {
  refuse("cannot " + std::string(task) + ": " + last_error());
}

void Check::refuse(std::string_view message) const {
  throw EnvironmentError(path_ + ": " + std::string(message));
}

Handle open_to_read(const Check& check) {
  const Turn turn;
  std::error_code error;
  if (!std::filesystem::exists(check.path(), error)) check.refuse("no such file");
  const Handle access(check(H5Pcreate(H5P_FILE_ACCESS), "prepare to open it"));
  check(H5Pset_file_locking(access.id(), 0, 1), "set its locking");
  return Handle(
      check(H5Fopen(check.path().c_str(), H5F_ACC_RDONLY, access.id()), "open it as HDF5"));
}

}  // namespace plumbline::hdf5
