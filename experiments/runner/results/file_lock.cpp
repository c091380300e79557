// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/force_to_disk.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

std::string error_text(int error) { return std::generic_category().message(error); }

/// "4711 HOST COMMAND" of this process. A line break in the command would end the line.
std::string holder_text(std::string command) {
  for (char& letter : command) {
    if (letter == '\n') letter = ' ';
  }
  utsname system{};
  const bool has_name = uname(&system) == 0;
  return std::to_string(::getpid()) + ' ' + (has_name ? system.nodename : "?") + ' ' + command +
         '\n';
}

/// "process 4711 on HOST: COMMAND", as far as the lock tells.
std::string holder_of(int descriptor) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  text.resize(std::min(text.find('\n'), text.size()));
  const std::size_t first = text.find(' ');
  const std::size_t second = first == text.npos ? text.npos : text.find(' ', first + 1);
  if (second == text.npos) return "another process";
  return "process " + text.substr(0, first) + " on " + text.substr(first + 1, second - first - 1) +
         " (" + text.substr(second + 1) + ')';
}

/// The holder of a lock removes its file at the end: whoever has opened it before has a lock on nothing.
bool is_at(int descriptor, const fs::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

FileLock::FileLock(const fs::path& file, fs::path folder, const std::string& command,
                   std::ostream& err)
    : folder_(std::move(folder)), path_(folder_ / "lock") {
  for (;;) {
    make_lasting_folder(folder_);
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    // Another process has just ended and taken its folder along.
    if (descriptor_ < 0 && errno == ENOENT) continue;
    if (descriptor_ < 0)
      throw EnvironmentError(path_.string() + ": cannot write it: " + error_text(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) {
        err << path_.string() << ": cannot be locked (" << error_text(errno)
            << "): see to it that no other process writes " << file.string() << '\n';
        break;
      }
      const std::string holder = holder_of(descriptor_);
      ::close(descriptor_);
      throw EnvironmentError(file.string() + ": is being written by " + holder);
    }
    if (is_at(descriptor_, path_)) break;
    ::close(descriptor_);
  }
  const std::string text = holder_text(command);
  // A full disk: the lock holds all the same, and only cannot say whose it is.
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    errno = 0;
  }
}

FileLock::~FileLock() {
  ::unlink(path_.c_str());
  ::rmdir(folder_.c_str());
  ::close(descriptor_);
}

}  // namespace plumbline
