// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/user_file.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace plumbline {

UserFile::UserFile(Settings& settings, std::string_view meaning, std::string name)
    : name_(std::move(name)),
      path_(settings.file(name_, meaning).string()),
      expected_(settings.text("content", "",
                              "the digest that the file's content must have; if not given, any")) {
  settings.restates(name_);
}

std::string UserFile::identity(const std::string& path) {
  std::error_code unknown;
  const auto time = std::filesystem::last_write_time(path, unknown).time_since_epoch().count();
  return path + '\n' + std::to_string(std::filesystem::file_size(path, unknown)) + '\n' +
         std::to_string(time);
}

void UserFile::settle(Settings& settings, const std::string& digest) const {
  if (!expected_.empty() && expected_ != digest) {
    settings.problem("content", "is '" + expected_ + "'; " + path_ + " has '" + digest + "'");
  }
  settings.settle("content", {digest, {}});
}

void UserFile::require_same(const std::string& before, const std::string& now) const {
  if (before != now) throw EnvironmentError(path_ + ": has changed since it was checked");
}

}  // namespace plumbline
