// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <system_error>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

// Where definitions may stand; the program is build/release/plumbline in a checkout and
// bin/plumbline in an installation.
std::vector<fs::path> experiment_folders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path folder = program.parent_path();
    folders.push_back((folder / "../../experiments").lexically_normal());
    folders.push_back((folder / "../share/plumbline/experiments").lexically_normal());
  }
  folders.emplace_back("experiments");
  return folders;
}

// Pipes count as files: `plumbline check /dev/stdin`.
bool is_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_directory(status);
}

}  // namespace

std::vector<fs::path> shipped_definitions() {
  // Of definitions with one name the first folder's is meant.
  std::map<std::string, fs::path> by_name;
  for (const fs::path& folder : experiment_folders()) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const fs::path& path = entry->path();
      if (path.extension() == ".toml" && is_file(path)) by_name.emplace(path.stem().string(), path);
    }
  }
  std::vector<fs::path> paths;
  for (const auto& [name, path] : by_name) paths.push_back(path);
  return paths;
}

fs::path find_definition(const std::string& name_or_path) {
  if (is_file(name_or_path)) return name_or_path;

  const std::vector<fs::path> shipped = shipped_definitions();
  std::vector<std::string> names;
  for (const fs::path& path : shipped) {
    if (path.stem() == name_or_path) return path;
    names.push_back(path.stem().string());
  }
  const bool is_path =
      fs::path(name_or_path).has_parent_path() || fs::path(name_or_path).extension() == ".toml";
  if (is_path) {
    std::error_code error;
    const bool exists = fs::exists(name_or_path, error);
    throw EnvironmentError(name_or_path + (exists ? ": is a folder" : ": there is no such file"));
  }
  throw EnvironmentError("'" + name_or_path + "' is neither a file nor a definition that ships" +
                         suggestion(name_or_path, names));
}

}  // namespace plumbline
