// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

/// A new HDF5 file that has its name only once it is whole and on disk. Until publish() it stands
/// beside `path` under a temporary name, and is removed where publish() is not reached. Throws
/// EnvironmentError with the path.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  hid_t id() const { return file_.id(); }
  const Check& check() const { return check_; }

  /// Has the system begin to write to disk what it holds of the file, and does not wait for it.
  void start_writing_back() noexcept;
  /// Closes the file, forces it to disk and renames it. Every object of the file must be closed.
  void publish() { publish(false); }
  /// The same, with a seal (seal.hpp).
  void publish_sealed() { publish(true); }

 private:
  void publish(bool sealed);
  void remove_temporary() noexcept;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Check check_;
  Handle file_;
};

}  // namespace plumbline::hdf5
