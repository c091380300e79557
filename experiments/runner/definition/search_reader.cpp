// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/search_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace plumbline {

namespace {

const std::string kGrid = "grid";
const std::vector<std::string> kMethods{kGrid, "random", "halton"};
const std::vector<std::string> kScales{"linear", "log"};
constexpr std::int64_t kMostTrials = 1'000'000;
constexpr std::int64_t kWholeNumbers = std::int64_t{1} << 53;  // that doubles hold
const std::string kSearch = "study.search";

std::vector<std::string> names_of(const std::vector<SettingInfo>& settings) {
  std::vector<std::string> names;
  for (const SettingInfo& setting : settings) names.push_back(setting.name);
  return names;
}

// Tables of a space lead on to further keys, or describe a dimension: by a range, by a list that is
// called `values`, or wrongly, by a value that stands in no list.
bool is_dimension(std::string_view key, const SettingsTable& table) {
  if (std::ranges::find(run_tables(), key) != run_tables().end()) return false;
  for (const char* name : {"values", "min", "max", "when"}) {
    if (table.find(name) != nullptr) return true;
  }
  return std::ranges::any_of(table.entries(), [](const auto& entry) {
    return !std::holds_alternative<SettingsTable>(entry.second.value) &&
           !std::holds_alternative<SettingList>(entry.second.value);
  });
}

std::optional<double> number_of(const SettingNode& node) {
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<double>(&node.value)) return *number;
  return std::nullopt;
}

std::string choices(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::vector<SettingInfo> SearchReader::settings() {
  // A table for a default is none: what must be given.
  return {{"search.method",
           "text",
           {SettingsTable(), {}},
           "one of " + choices(kMethods),
           "grid: every value of each dimension with every one of the others; random, halton: "
           "trials",
           kAny,
           kMethods},
          {"search.trials",
           "integer",
           {SettingsTable(), {}},
           "in [1, " + std::to_string(kMostTrials) + "]",
           "points that random and halton draw, the same for every other axis; required there",
           between(1, static_cast<double>(kMostTrials))},
          {"search.seed",
           "integer",
           {std::int64_t{0}, {}},
           "in [0, " + std::to_string(kWholeNumbers - 1) + "]",
           "what random and halton draw from",
           between(0, static_cast<double>(kWholeNumbers - 1))},
          {"search.space",
           "table",
           {SettingsTable(), {}},
           "KEY = [values] or a range",
           "the dimensions, such as optimizer.lr = { min = 1e-4, max = 1.0, scale = \"log\" }"}};
}

std::vector<SettingInfo> SearchReader::dimension_settings() {
  return {{"values",
           "list",
           {SettingsTable(), {}},
           "any",
           "the values, in the place of a range; KEY = [values] is short for it"},
          {"min",
           "number",
           {SettingsTable(), {}},
           "any",
           "the lower end of a range, which can be taken; integers alone where both ends are"},
          {"max", "number", {SettingsTable(), {}}, "any", "the upper end, which can be taken"},
          {"scale",
           "text",
           {std::string("linear"), {}},
           "one of " + choices(kScales),
           "what is uniform: the number, or its logarithm",
           kAny,
           kScales},
          {"points",
           "integer",
           {SettingsTable(), {}},
           ">= 2",
           "so many numbers of the range, both ends among them; of method grid, and required there",
           at_least(2)},
          {"when",
           "table",
           {SettingsTable(), {}},
           "KEY = value or [values]",
           "the dimension is given to runs alone where each of these settings has the value, or "
           "one of them"}};
}

std::vector<SweepAxis> SearchReader::read(const SettingNode& node) {
  const auto* search = std::get_if<SettingsTable>(&node.value);
  if (search == nullptr) {
    mistakes_.wrong_type(kSearch, node, "a table");
    return {};
  }
  // Halving is read by who reads the study.
  const std::vector<std::string> known{"method", "trials", "seed", "space", "halving"};
  for (const auto& [key, value] : search->entries()) {
    if (std::ranges::find(known, key) == known.end()) {
      mistakes_.unknown(kSearch + '.' + key, key, value.place, known);
    }
  }
  const std::string method = read_method(*search, node.place);
  const Trials trials = read_trials(*search, node.place, method);
  if (const SettingNode* space = search->find("space")) {
    read_space(*space, method == kGrid);
  } else {
    mistakes_.add(node.place, "'study.search.space' is missing");
  }
  if (!is_right_ || dimensions_.empty()) return {};
  return method == kGrid ? grid_axes() : trial_axis(method, trials, node.place);
}

std::string SearchReader::read_method(const SettingsTable& search, const Place& place) {
  const SettingNode* method = search.find("method");
  const auto* name = method == nullptr ? nullptr : std::get_if<std::string>(&method->value);
  if (name != nullptr && std::ranges::find(kMethods, *name) != kMethods.end()) return *name;
  is_right_ = false;
  if (method == nullptr) {
    mistakes_.add(place, "'study.search.method' is missing; it is one of " + choices(kMethods));
  } else if (name == nullptr) {
    mistakes_.wrong_type("study.search.method", *method, "one of " + choices(kMethods));
  } else {
    mistakes_.add(method->place, "'study.search.method' is '" + *name + "', which is unknown" +
                                     suggestion(*name, kMethods));
  }
  return "";
}

SearchReader::Trials SearchReader::read_trials(const SettingsTable& search, const Place& place,
                                               const std::string& method) {
  Trials trials;
  for (const char* name : {"trials", "seed"}) {
    const SettingNode* given = search.find(name);
    if (given == nullptr || method != kGrid) continue;
    is_right_ = false;
    mistakes_.add(given->place, "'" + kSearch + '.' + name +
                                    "' is of random and halton; the method is "
                                    "grid");
  }
  if (method == kGrid) return trials;
  if (const SettingNode* given = search.find("trials")) {
    trials.place = given->place;
    trials.count = static_cast<std::size_t>(integer("study.search.trials", *given, 1, kMostTrials));
  } else if (!method.empty()) {
    is_right_ = false;
    mistakes_.add(place, "'study.search.trials' is missing; " + method + " needs it");
  }
  if (const SettingNode* given = search.find("seed")) {
    trials.seed = integer("study.search.seed", *given, 0, kWholeNumbers - 1);
  }
  return trials;
}

std::vector<SweepAxis> SearchReader::grid_axes() const {
  std::vector<SweepAxis> axes;
  for (const Dimension& dimension : dimensions_) {
    axes.push_back(grid_axis(dimension.key, grid_values(dimension), dimension.place));
    axes.back().is_of_search = true;
    if (!dimension.when.empty()) axes.back().when = {dimension.when};
  }
  return axes;
}

std::vector<SweepAxis> SearchReader::trial_axis(const std::string& method, const Trials& trials,
                                                const Place& place) {
  const DrawnBy drawn_by = method == "halton" ? DrawnBy::halton : DrawnBy::random;
  SweepAxis axis{{}, {}, place, true, {}, method + ", seed " + std::to_string(trials.seed)};
  axis.points = draw_trials(drawn_by, trials.seed, trials.count, dimensions_);
  if (axis.points.size() < trials.count) {
    mistakes_.add(trials.place, "'study.search.trials' is " + std::to_string(trials.count) +
                                    "; no more than " + std::to_string(axis.points.size()) +
                                    " different trials were found in the space");
  }
  bool has_conditions = false;
  for (const Dimension& dimension : dimensions_) {
    axis.keys.push_back(dimension.key);
    axis.when.push_back(dimension.when);
    has_conditions = has_conditions || !dimension.when.empty();
  }
  if (!has_conditions) axis.when.clear();
  return {std::move(axis)};
}

void SearchReader::read_space(const SettingNode& node, bool is_grid) {
  const auto* space = std::get_if<SettingsTable>(&node.value);
  if (space == nullptr) return mistakes_.wrong_type("study.search.space", node, "a table");
  if (space->entries().empty()) {
    return mistakes_.add(node.place, "'study.search.space' has no dimensions");
  }
  for (const WrittenSetting& setting : written_settings(*space, is_dimension)) {
    read_dimension(setting, is_grid);
  }
}

void SearchReader::read_dimension(const WrittenSetting& setting, bool is_grid) {
  const SettingNode& node = *setting.node;
  if (!values_.is_of_runs(setting.key, node.place)) {
    is_right_ = false;
    return;
  }
  if (setting.key == "train.seed") {
    return refuse(node.place,
                  "'train.seed' is no dimension of a search; 'sweep.seeds' gives the seeds");
  }
  std::vector<SweepAxis> axes = study_.axes;
  for (const Dimension& other : dimensions_) axes.push_back({{other.key}, {}, other.place});
  if (const auto same = find_axis(axes, setting.key); same != axes.end()) {
    return refuse(node.place,
                  "'" + setting.key + "' is an axis already, at " + to_string(same->place));
  }

  Dimension dimension{setting.key, node.place, {}, {}, {}};
  if (const auto* list = std::get_if<SettingList>(&node.value)) {
    read_values(*list, node.place, dimension);
  } else if (const auto* table = std::get_if<SettingsTable>(&node.value)) {
    read_table(*table, node, is_grid, dimension);
  } else {
    is_right_ = false;
    mistakes_.wrong_type(setting.key, node,
                         "a list of values or a range, { min = ..., max = ... }");
  }
  dimensions_.push_back(std::move(dimension));
}

void SearchReader::refuse(const Place& place, std::string message) {
  is_right_ = false;
  mistakes_.add(place, std::move(message));
}

void SearchReader::read_table(const SettingsTable& table, const SettingNode& node, bool is_grid,
                              Dimension& dimension) {
  const std::vector<std::string> known = names_of(dimension_settings());
  for (const auto& [key, value] : table.entries()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    refuse(value.place, "'" + key + "' is no part of the dimension '" + dimension.key + "'" +
                            suggestion(key, known));
  }
  if (const SettingNode* when = table.find("when")) {
    is_right_ = read_when(*when, dimension) && is_right_;
  }
  const SettingNode* values = table.find("values");
  if (values == nullptr) return read_range(table, node, is_grid, dimension);
  for (const char* name : {"min", "max", "scale", "points"}) {
    const SettingNode* other = table.find(name);
    if (other == nullptr) continue;
    refuse(other->place, "'" + dimension.key + "' has 'values' and '" + name +
                             "'; a dimension is a list or a range");
  }
  if (const auto* list = std::get_if<SettingList>(&values->value)) {
    read_values(*list, values->place, dimension);
  } else {
    is_right_ = false;
    mistakes_.wrong_type(dimension.key + ".values", *values, "a list");
  }
}

void SearchReader::read_values(const SettingList& list, const Place& place, Dimension& dimension) {
  dimension.values = values_.usable_values(dimension.key, list, place);
  is_right_ = is_right_ && dimension.values.size() == list.size() && !list.empty();
}

// The end called `name` of a range; nothing, with a mistake, where it is none.
std::optional<double> SearchReader::read_end(const char* name, const SettingsTable& table,
                                             const SettingNode& node, Dimension& dimension) {
  const std::string key = dimension.key + '.' + name;
  const SettingNode* given = table.find(name);
  const std::optional<double> number = given == nullptr ? std::nullopt : number_of(*given);
  if (given == nullptr) {
    refuse(node.place, "'" + key +
                           "' is missing; a dimension is a list of values or a range, { min = "
                           "..., max = ... }");
  } else if (!number) {
    is_right_ = false;
    mistakes_.wrong_type(key, *given, "a number");
  } else if (!std::isfinite(*number)) {
    refuse(given->place, "'" + key + "' is " + to_string(*given) + "; expected a finite number");
    return std::nullopt;
  } else {
    dimension.range.is_integer =
        dimension.range.is_integer && std::holds_alternative<std::int64_t>(given->value);
  }
  return number;
}

void SearchReader::read_scale(const SettingNode& scale, Dimension& dimension) {
  const auto* text = std::get_if<std::string>(&scale.value);
  if (text == nullptr) {
    is_right_ = false;
    mistakes_.wrong_type(dimension.key + ".scale", scale, "one of " + choices(kScales));
  } else if (std::ranges::find(kScales, *text) == kScales.end()) {
    refuse(scale.place, "'" + dimension.key + ".scale' is '" + *text + "', which is unknown" +
                            suggestion(*text, kScales));
  }
  dimension.range.is_log = text != nullptr && *text == "log";
}

void SearchReader::read_range(const SettingsTable& table, const SettingNode& node, bool is_grid,
                              Dimension& dimension) {
  SearchRange& range = dimension.range;
  range.is_integer = true;
  const std::optional<double> low = read_end("min", table, node, dimension);
  const std::optional<double> high = read_end("max", table, node, dimension);
  if (const SettingNode* scale = table.find("scale")) read_scale(*scale, dimension);
  is_right_ = read_points(table, node, is_grid, dimension) && is_right_;
  if (!low || !high) return;
  range.min = *low;
  range.max = *high;
  const SettingNode& min = *table.find("min");
  constexpr auto kMost = static_cast<double>(kWholeNumbers);
  if (range.min >= range.max) {
    refuse(min.place, "'" + dimension.key + ".min' is " + to_string(min) + "; 'max' is " +
                          to_string(*table.find("max")) + ", and has to be greater");
  } else if (range.is_log && range.min <= 0) {
    refuse(min.place,
           "'" + dimension.key + ".min' is " + to_string(min) + "; a range of scale log is > 0");
  } else if (range.is_integer && (range.min <= -kMost || range.max >= kMost)) {
    refuse(node.place, "'" + dimension.key + "' is a range of integers of 2^53 or more");
  } else if (!std::isfinite(range.max - range.min)) {
    refuse(node.place, "'" + dimension.key + "' is a range of more than 1.8e308");
  }
}

bool SearchReader::read_points(const SettingsTable& table, const SettingNode& node, bool is_grid,
                               Dimension& dimension) {
  const SettingNode* points = table.find("points");
  const std::string key = dimension.key + ".points";
  if (points == nullptr) {
    if (is_grid) {
      mistakes_.add(node.place, "'" + key + "' is missing; a range of a grid is so many numbers");
    }
    return !is_grid;
  }
  if (!is_grid) {
    mistakes_.add(points->place, "'" + key +
                                     "' is of method grid; 'study.search.trials' says how "
                                     "many points are drawn");
    return false;
  }
  const bool was_right = std::exchange(is_right_, true);
  dimension.range.points = static_cast<std::size_t>(integer(key, *points, 2, kMostTrials));
  return std::exchange(is_right_, was_right);
}

bool SearchReader::read_when(const SettingNode& node, Dimension& dimension) {
  const auto* when = std::get_if<SettingsTable>(&node.value);
  if (when == nullptr) {
    mistakes_.wrong_type(dimension.key + ".when", node, "a table");
    return false;
  }
  bool is_right = true;
  for (const WrittenSetting& setting : written_settings(*when)) {
    const auto* list = std::get_if<SettingList>(&setting.node->value);
    std::vector<SweepAxis> axes = study_.axes;
    for (const Dimension& other : dimensions_) axes.push_back({{other.key}, {}, other.place});
    const bool is_given = find_axis(axes, setting.key) != axes.end() ||
                          value_given(study_.base, setting.key) != nullptr;
    if (is_same_setting(setting.key, dimension.key)) {
      mistakes_.add(setting.node->place,
                    "'" + setting.key + "' is the dimension itself, which cannot depend on itself");
      is_right = false;
    } else if (!is_given) {
      mistakes_.add(setting.node->place,
                    "'" + setting.key +
                        "' is given nowhere before; 'when' names an earlier dimension, an axis of "
                        "the sweep or a setting that the definition sets");
      is_right = false;
    } else if (list != nullptr && list->empty()) {
      mistakes_.add(setting.node->place, "'" + setting.key + "' has none of these values");
      is_right = false;
    }
    dimension.when.push_back({setting.key, list == nullptr ? SettingList{*setting.node} : *list});
  }
  return is_right;
}

std::int64_t SearchReader::integer(std::string_view key, const SettingNode& node, std::int64_t low,
                                   std::int64_t high) {
  const auto* value = std::get_if<std::int64_t>(&node.value);
  const std::string allowed = "in [" + std::to_string(low) + ", " + std::to_string(high) + "]";
  if (value == nullptr) {
    mistakes_.not_an_integer(key, node, "an integer " + allowed);
  } else if (*value < low || *value > high) {
    mistakes_.add(node.place, "'" + std::string(key) + "' is " + std::to_string(*value) +
                                  "; allowed is " + allowed);
  } else {
    return *value;
  }
  is_right_ = false;
  return low;
}

}  // namespace plumbline
