// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/study_reader.hpp"

#include <algorithm>
#include <utility>

#include "experiments/runner/definition/search_reader.hpp"
#include "experiments/runner/definition/setting_keys.hpp"

namespace plumbline {

namespace {

constexpr const char* kExpected = "a list of tables, [[study]]";

// A name in the text of labels and in the file must do without quotes.
bool is_plain(const std::string& name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string::npos;
}

}  // namespace

std::vector<SettingInfo> StudyReader::settings() {
  std::vector<SettingInfo> settings{
      {"name",
       "text",
       {SettingsTable(), {}},
       "letters, digits, '_', '-', '.'",
       "what tells its runs from those of other studies; its number where it has none"},
      {"set",
       "table",
       {SettingsTable(), {}},
       "KEY = value",
       "settings of all its runs, in the place of those that the definition has"}};
  const std::vector<SettingInfo> search = SearchReader::settings();
  settings.insert(settings.end(), search.begin(), search.end());
  for (SettingInfo setting : SearchReader::dimension_settings()) {
    setting.name = "search.space.KEY." + setting.name;
    settings.push_back(std::move(setting));
  }
  const auto add = [&](const std::string& table, const std::vector<SettingInfo>& of_table) {
    for (SettingInfo setting : of_table) {
      setting.name.insert(0, table);
      settings.push_back(std::move(setting));
    }
  };
  add("search.halving.", halving_settings());
  add("protocol.select.", select_settings());
  add("protocol.rerun.", rerun_settings());
  return settings;
}

std::vector<Study> StudyReader::read(const SettingNode& node, const SettingsTable& base,
                                     const std::vector<SweepAxis>& sweep) {
  std::vector<Study> studies;
  const auto* list = std::get_if<SettingList>(&node.value);
  if (list == nullptr) {
    mistakes_.wrong_type("study", node, kExpected);
  } else if (list->empty()) {
    mistakes_.add(node.place, "'study' is an empty list");
  } else {
    for (const SettingNode& study : *list) studies.push_back(read_study(study, base, sweep));
  }
  if (studies.empty()) return {{"", {}, base, sweep}};
  if (studies.size() > 1) name_those_without(studies);
  return studies;
}

Study StudyReader::read_study(const SettingNode& node, const SettingsTable& base,
                              const std::vector<SweepAxis>& sweep) {
  Study study{"", node.place, base, sweep};
  const auto* table = std::get_if<SettingsTable>(&node.value);
  if (table == nullptr) {
    mistakes_.wrong_type("study", node, "a table");
    return study;
  }
  const SettingNode* search = nullptr;
  const SettingNode* protocol = nullptr;
  for (const auto& [key, value] : table->entries()) {
    if (key == "name") {
      read_name(value, study);
    } else if (key == "set") {
      read_set(value, study);
    } else if (key == "search") {
      search = &value;
    } else if (key == "protocol") {
      protocol = &value;
      study.protocol = read_protocol(value, "study.protocol", *problems_);
    } else {
      mistakes_.unknown("study." + key, key, value.place, {"name", "set", "search", "protocol"});
    }
  }
  if (protocol != nullptr && search == nullptr) {
    mistakes_.add(protocol->place,
                  "'study.protocol' chooses among the trials of 'study.search', and there is none");
    study.protocol.reset();
  }
  // What the study sets may decide on a dimension, wherever it stands.
  if (search == nullptr) return study;
  const auto* keys = std::get_if<SettingsTable>(&search->value);
  const SettingNode* halving = keys == nullptr ? nullptr : keys->find("halving");
  if (halving != nullptr) {
    study.halving = read_halving(*halving, "study.search.halving", *problems_);
  }
  for (SweepAxis& axis : SearchReader(study, *problems_).read(*search)) {
    for (const std::string& key : axis.keys) {
      const auto* set = std::get_if<SettingsTable>(&node.value);
      const SettingNode* values = set->find("set");
      const auto* given = values == nullptr ? nullptr : std::get_if<SettingsTable>(&values->value);
      const SettingNode* same = given == nullptr ? nullptr : value_given(*given, key);
      if (same == nullptr) continue;
      mistakes_.add(same->place, "'" + key +
                                     "' reaches no run: it is a dimension of the search, at " +
                                     to_string(axis.place));
    }
    study.axes.push_back(std::move(axis));
  }
  return study;
}

void StudyReader::read_name(const SettingNode& node, Study& study) {
  const auto* name = std::get_if<std::string>(&node.value);
  if (name == nullptr) return mistakes_.wrong_type("study.name", node, "a text");
  if (!is_plain(*name)) {
    return mistakes_.add(node.place, "'study.name' is " + to_string(node) +
                                         "; allowed are letters, digits, '_', '-' and '.'");
  }
  study.name = *name;
}

void StudyReader::read_set(const SettingNode& node, Study& study) {
  const auto* set = std::get_if<SettingsTable>(&node.value);
  if (set == nullptr) return mistakes_.wrong_type("study.set", node, "a table");
  for (const WrittenSetting& setting : written_settings(*set)) {
    const SettingNode& value = *setting.node;
    if (!values_.is_of_runs(setting.key, value.place) || !values_.fits(setting.key, value))
      continue;
    if (const auto axis = find_axis(study.axes, setting.key); axis != study.axes.end()) {
      mistakes_.add(value.place, "'" + setting.key +
                                     "' reaches no run: it is an axis of the sweep, at " +
                                     to_string(axis->place));
      continue;
    }
    try {
      apply_setting(study.base, setting.key, value);
    } catch (const DefinitionError& error) {
      mistakes_.add(error);
    }
  }
}

void StudyReader::name_those_without(std::vector<Study>& studies) {
  for (std::size_t i = 0; i < studies.size(); ++i) {
    if (studies[i].name.empty()) studies[i].name = std::to_string(i + 1);
  }
  for (std::size_t i = 1; i < studies.size(); ++i) {
    const auto end = studies.begin() + static_cast<std::ptrdiff_t>(i);
    const auto same = std::find_if(
        studies.begin(), end, [&](const Study& study) { return study.name == studies[i].name; });
    if (same == end) continue;
    mistakes_.add(studies[i].place, "the study '" + studies[i].name +
                                        "' has the name of the one at " + to_string(same->place));
  }
}

}  // namespace plumbline
