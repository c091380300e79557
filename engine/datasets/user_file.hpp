// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/settings.hpp"

namespace plumbline {

/// The settings of a source whose examples are in a file of the user's own. The file is looked at when
/// the definition is read, so that what is wrong with it is a mistake with a place; the digest of its
/// content, and not its name, is part of what a run is.
class UserFile {
 public:
  /// Reads the file's setting, with this meaning, and `content`.
  UserFile(Settings& settings, std::string_view meaning, std::string name = "file");

  /// Empty where there is no file, which the report then says.
  const std::string& path() const { return path_; }

  /// What `look` returns, a shared pointer to what is found in the file, of which `digest` is a member;
  /// or what it returned before for the same file and key, while somebody holds that: the runs of a sweep
  /// read a file once. A file is the same while its size and time are. Null where there is no file, or
  /// `look` returns null or throws EnvironmentError; the latter is reported. Then `content` is that of
  /// the file, or reported to be another.
  template <class Content, class Look>
  std::shared_ptr<const Content> find(Settings& settings, std::vector<std::string> key,
                                      const Look& look) const {
    if (path_.empty()) return nullptr;
    static std::mutex mutex;
    static std::map<std::vector<std::string>, std::weak_ptr<const Content>> known;
    key.push_back(identity());
    std::shared_ptr<const Content> content;
    try {
      const std::scoped_lock lock(mutex);
      std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
      if (const auto found = known.find(key); found != known.end()) content = found->second.lock();
      if (content == nullptr) known[key] = content = look();
    } catch (const EnvironmentError& error) {
      settings.problem(name_, std::string("cannot be used: ") + error.what());
    }
    if (content != nullptr) settle(settings, content->digest);
    return content;
  }

  /// Another where a file's size or time is.
  static std::string identity(const std::string& path);
  std::string identity() const { return identity(path_); }
  /// Throws EnvironmentError where a later look at the file gave another digest or identity.
  void require_same(const std::string& before, const std::string& now) const;

 private:
  void settle(Settings& settings, const std::string& digest) const;

  std::string name_;  // of the setting
  std::string path_;
  std::string expected_;
};

}  // namespace plumbline
