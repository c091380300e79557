// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/writing_process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <fstream>

#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr double kSilentSeconds = 600;

/// When a file or folder was changed last; 0 where there is none.
double changed(const fs::path& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<double>(found.st_mtim.tv_sec) : 0;
}

/// Whether a process has ended, and its parent has not asked how.
bool is_zombie(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  // "4711 (any name) Z ...": a name may hold brackets.
  const std::size_t state = text.rfind(") ");
  return state != text.npos && text.compare(state + 2, 1, "Z") == 0;
}

bool runs_here(const std::string& pid) {
  pid_t number = 0;
  const char* end = pid.data() + pid.size();
  const auto [rest, error] = std::from_chars(pid.data(), end, number);
  if (error != std::errc() || rest != end || number <= 0) return false;
  return (::kill(number, 0) == 0 || errno == EPERM) && !is_zombie(number);
}

}  // namespace

std::optional<WritingProcess> writing_process(const fs::path& file) {
  const StorePaths paths(file);
  const fs::path lock = paths.folder / "lock";
  std::ifstream text(lock);
  WritingProcess process;
  if (!(text >> process.pid >> process.host)) return std::nullopt;
  process.since = changed(lock);
  utsname system{};
  if (uname(&system) == 0 && process.host == system.nodename) {
    process.is_alive = runs_here(process.pid);
  } else {
    const double last = std::max(process.since, changed(paths.folder));
    process.is_alive = static_cast<double>(std::time(nullptr)) - last < kSilentSeconds;
  }
  return process;
}

void show_life(const fs::path& folder) {
  // Where it fails, as on a disk that has become read-only, the writing says so.
  [[maybe_unused]] const int failed = ::utimensat(AT_FDCWD, folder.c_str(), nullptr, 0);
}

}  // namespace plumbline
