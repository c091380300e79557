// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/output_path.hpp"

#include <unistd.h>

#include <fstream>
#include <regex>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/core/error.hpp"
#include "experiments/runner/results/force_to_disk.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

// Whether it begins as every HDF5 file does, as far as there is anything of it.
bool may_be_replaced(const fs::path& path) {
  constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  std::string start(kSignature.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return kSignature.starts_with(start.substr(0, static_cast<std::size_t>(file.gcount())));
}

}  // namespace

fs::path output_path(const std::string& output, const std::string& name) {
  return output.empty() ? fs::path("results") / (name + ".h5") : fs::path(output);
}

void make_folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  if (folder.empty()) return;
  std::error_code unknown;
  if (fs::is_directory(folder, unknown)) return;
  make_folder_of(folder);
  make_lasting_folder(folder);
}

void require_folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  std::error_code unknown;
  if (folder.empty() || fs::is_directory(folder, unknown)) return;
  throw EnvironmentError(path.string() + ": there is no folder " + folder.string());
}

void require_replaceable(const fs::path& path) {
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) {
    throw EnvironmentError(path.string() + ": is a folder; the results need a file");
  }
  if (fs::exists(path, unknown) && !may_be_replaced(path)) {
    throw EnvironmentError(path.string() + ": is no results file, and is not written over");
  }
}

fs::path temporary_name(fs::path file) { return file += '.' + std::to_string(::getpid()) + ".tmp"; }

bool is_temporary_name_of(const fs::path& file, const std::string& name) {
  static const std::regex kBehind(R"((\.previous(\.\d+)?)?\.\d+\.tmp)");
  const std::string start = file.filename().string();
  return name.starts_with(start) && std::regex_match(name.substr(start.size()), kBehind);
}

void remove_temporary_files(const fs::path& file) {
  const fs::path folder = file.parent_path();
  std::vector<fs::path> left;
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (is_temporary_name_of(file, entry->path().filename().string())) {
      left.push_back(entry->path());
    }
  }
  for (const fs::path& path : left) fs::remove(path, error);
}

}  // namespace plumbline
