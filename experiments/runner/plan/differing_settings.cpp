// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/differing_settings.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace plumbline {

namespace {

/// The different values of one setting, in the order in which the runs first have them.
struct Values {
  std::vector<std::string> texts;
  std::unordered_set<std::string> known;
  std::size_t runs = 0;  ///< that have the setting

  void add(std::string text) {
    ++runs;
    if (known.insert(text).second) texts.push_back(std::move(text));
  }

  bool shares_a_value(const Values& other) const {
    return std::ranges::any_of(texts, [&](const auto& text) { return other.known.contains(text); });
  }

  /// More than a few are cut: a line must be readable.
  std::string text() const {
    constexpr std::size_t kMost = 8;
    std::string joined;
    for (std::size_t i = 0; i < std::min(texts.size(), kMost); ++i) {
      joined += (i == 0 ? "" : ", ") + texts[i];
    }
    if (texts.size() > kMost) joined += fmt::format(", ... ({} values)", texts.size());
    return joined;
  }
};

struct ValuesByKey {
  std::vector<std::string> keys;  ///< in the order of the settings
  std::unordered_map<std::string, Values> values;
};

ValuesByKey values_of(const Plan& plan) {
  ValuesByKey found;
  for (const RunSpec& run : plan.runs) {
    for (const ResolvedSetting& setting : run.configuration.resolved) {
      if (setting.restates) continue;
      const auto [entry, is_new] = found.values.try_emplace(setting.key);
      if (is_new) found.keys.push_back(setting.key);
      entry->second.add(to_string(setting.value));
    }
  }
  return found;
}

}  // namespace

bool are_same_runs(const Plan& first, const Plan& second) {
  return std::ranges::equal(first.runs, second.runs, {}, &RunSpec::run_id, &RunSpec::run_id);
}

std::vector<DifferingSetting> differing_settings(const Plan& first, const Plan& second) {
  const ValuesByKey ours = values_of(first);
  const ValuesByKey theirs = values_of(second);
  std::vector<std::string> keys = ours.keys;
  std::ranges::copy_if(theirs.keys, std::back_inserter(keys),
                       [&](const auto& key) { return !ours.values.contains(key); });
  static const Values kNone;
  const auto of = [](const ValuesByKey& all, const std::string& key) -> const Values& {
    const auto found = all.values.find(key);
    return found == all.values.end() ? kNone : found->second;
  };
  std::vector<DifferingSetting> differing;
  for (const std::string& key : keys) {
    const Values& one = of(ours, key);
    const Values& other = of(theirs, key);
    if (one.texts == other.texts) continue;
    const bool both_lack_it = one.runs < first.runs.size() && other.runs < second.runs.size();
    differing.push_back({key, one.text(), other.text(), both_lack_it || one.shares_a_value(other)});
  }
  return differing;
}

std::vector<DifferingSetting> keeping_apart(std::vector<DifferingSetting> differing) {
  const auto is_shared = [](const DifferingSetting& setting) { return setting.is_shared; };
  if (!std::ranges::all_of(differing, is_shared)) std::erase_if(differing, is_shared);
  return differing;
}

std::string differences_text(const std::vector<DifferingSetting>& differing,
                             const std::string& there, const std::string& here, std::size_t most,
                             const std::string& between) {
  if (differing.empty()) return "the same values are combined otherwise";
  const auto value = [](const std::string& text) { return text.empty() ? "not set" : text; };
  std::string text;
  for (std::size_t i = 0; i < std::min(differing.size(), most); ++i) {
    text += fmt::format("{}{} is {} {} and {} {}", i == 0 ? "" : between, differing[i].key,
                        value(differing[i].first), there, value(differing[i].second), here);
  }
  if (differing.size() > most) {
    text += fmt::format("{}and {} more", between, differing.size() - most);
  }
  return text;
}

}  // namespace plumbline
