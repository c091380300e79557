// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <ostream>
#include <string>

namespace plumbline {

/// The right to write the results file `file`, which one process at a time has: a lock of the system on
/// `folder`/lock, which ends with the process however that ends. The folder is made where there is none.
/// The file says who holds it: "PID HOST COMMAND". Throws EnvironmentError where another process has the
/// right, and says which one. Where the file system knows no locks, says so on `err` and goes on.
class FileLock {
 public:
  FileLock(const std::filesystem::path& file, std::filesystem::path folder,
           const std::string& command, std::ostream& err);
  /// Removes the lock, and the folder where nothing else is in it.
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace plumbline
