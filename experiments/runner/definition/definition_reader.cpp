// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/definition_reader.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace plumbline {

namespace {

const std::vector<std::string> kTables{"data",     "model", "loss",   "optimizer",
                                       "schedule", "train", "engine", "probes"};
// What a definition says of itself.
const std::vector<std::string> kTextKeys{"schema", "name", "title", "about"};
const std::vector<std::string> kPluginTables{"data", "loss", "optimizer", "schedule"};
constexpr std::int64_t kMostSeeds = 1'000'000;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string_view first_part(std::string_view key) { return key.substr(0, key.find('.')); }

// "model.activation" and "model.activation.name" are two ways to write one axis.
std::string_view without_name(std::string_view key) {
  return key.ends_with(".name") ? key.substr(0, key.size() - 5) : key;
}

bool names_a_plugin_table(std::string_view key, const SettingNode& value) {
  return std::holds_alternative<std::string>(value.value) && contains(kPluginTables, key);
}

using Leaf = std::pair<std::string, const SettingNode*>;

void collect_leaves(const SettingsTable& table, const std::string& path,
                    std::vector<Leaf>& leaves) {
  for (const auto& [name, node] : table.entries()) {
    const std::string key = path.empty() ? name : path + '.' + name;
    const auto* inner = std::get_if<SettingsTable>(&node.value);
    if (inner != nullptr && !inner->entries().empty()) {
      collect_leaves(*inner, key, leaves);
    } else {
      leaves.emplace_back(key, &node);
    }
  }
}

// What stands at a dotted path; null for nothing.
const SettingNode* found_at(const SettingsTable& table, std::string_view path) {
  const std::size_t dot = path.find('.');
  const SettingNode* found = table.find(path.substr(0, dot));
  if (found == nullptr || dot == path.npos) return found;
  const auto* inner = std::get_if<SettingsTable>(&found->value);
  return inner == nullptr ? nullptr : found_at(*inner, path.substr(dot + 1));
}

}  // namespace

void apply_setting(SettingsTable& settings, std::string_view key, const SettingNode& value) {
  const bool is_name = names_a_plugin_table(key, value);
  settings.set_path(is_name ? std::string(key) + ".name" : std::string(key), value);
}

void DefinitionReader::read(const SettingsTable& root) {
  const Place start{definition_->path, 1, 1};
  if (root.find("schema") == nullptr) {
    problem(start, "'schema' is missing; this program reads schema = 1");
  }
  if (root.find("name") == nullptr) problem(start, "'name' is missing");
  for (const auto& [key, node] : root.entries()) {
    if (key == "schema") {
      read_schema(node);
    } else if (key == "name") {
      read_name(node);
    } else if (key == "title") {
      read_text(key, node, definition_->title);
    } else if (key == "about") {
      read_about(node);
    } else if (key == "sweep") {
      read_sweep(node);
    } else if (contains(kTables, key)) {
      set(key, node);
    } else {
      std::vector<std::string> known = kTextKeys;
      known.insert(known.end(), kTables.begin(), kTables.end());
      known.emplace_back("sweep");
      unknown(key, key, node.place, known);
    }
  }
  if (definition_->title.empty()) definition_->title = definition_->name;
}

void DefinitionReader::read_schema(const SettingNode& node) {
  const auto* version = std::get_if<std::int64_t>(&node.value);
  if (version == nullptr) {
    wrong_type("schema", node, "the integer 1");
  } else if (*version != 1) {
    problem(node.place,
            "'schema' is " + std::to_string(*version) + "; this program reads schema = 1");
  }
}

// Results files are named after the definition, so the name must do as one.
void DefinitionReader::read_name(const SettingNode& node) {
  read_text("name", node, definition_->name);
  const auto* name = std::get_if<std::string>(&node.value);
  if (name == nullptr) return;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const bool all_allowed = name->find_first_not_of(kAllowed) == std::string::npos;
  if (name->empty() || name->front() == '.' || !all_allowed) {
    problem(node.place, "'name' is " + to_string(node) +
                            "; allowed are letters, digits, '_', '-' and, inside, '.'");
  }
}

void DefinitionReader::read_text(std::string_view key, const SettingNode& node,
                                 std::string& field) {
  if (const auto* text = std::get_if<std::string>(&node.value)) {
    field = *text;
  } else {
    wrong_type(key, node, "a text");
  }
}

void DefinitionReader::read_about(const SettingNode& node) {
  const auto* about = std::get_if<SettingsTable>(&node.value);
  if (about == nullptr) return wrong_type("about", node, "a table");
  for (const auto& [key, value] : about->entries()) {
    if (key == "question") {
      read_text("about.question", value, definition_->question);
    } else if (key == "expectation") {
      read_text("about.expectation", value, definition_->expectation);
    } else if (key == "paper") {
      read_text("about.paper", value, definition_->paper);
    } else {
      unknown("about." + key, key, value.place, {"question", "expectation", "paper"});
    }
  }
}

std::vector<SettingInfo> DefinitionReader::sweep_settings() {
  return {{"seeds",
           "integer",
           {std::int64_t{1}, {}},
           "in [1, " + std::to_string(kMostSeeds) + "], or a list",
           "runs that differ in the seed alone: so many from train.seed on, or those of the list"},
          {"grid",
           "table",
           {SettingsTable(), {}},
           "KEY = [values]",
           "an axis for each key, such as model.depth = [2, 8]; the first varies slowest"}};
}

void DefinitionReader::read_sweep(const SettingNode& node) {
  const auto* sweep = std::get_if<SettingsTable>(&node.value);
  if (sweep == nullptr) return wrong_type("sweep", node, "a table");
  for (const auto& [key, value] : sweep->entries()) {
    if (key == "seeds") {
      seeds_ = value;
    } else if (key == "grid") {
      read_grid(value);
    } else {
      std::vector<std::string> known;
      for (const SettingInfo& setting : sweep_settings()) known.push_back(setting.name);
      unknown("sweep." + key, key, value.place, known);
    }
  }
}

void DefinitionReader::read_grid(const SettingNode& node) {
  const auto* grid = std::get_if<SettingsTable>(&node.value);
  if (grid == nullptr) return wrong_type("sweep.grid", node, "a table");
  std::vector<Leaf> leaves;
  collect_leaves(*grid, "", leaves);
  // A dotted key may return to a table that an earlier line began, so the tree's order is not yet
  // the order of the lines.
  std::ranges::sort(leaves, {}, [](const Leaf& leaf) {
    return std::pair(leaf.second->place.line, leaf.second->place.column);
  });
  for (const auto& [key, leaf] : leaves) add_axis(key, *leaf);
}

void DefinitionReader::add_axis(const std::string& key, const SettingNode& node) {
  if (!contains(kTables, first_part(key))) {
    return unknown(key, first_part(key), node.place, kTables);
  }
  const auto* values = std::get_if<SettingList>(&node.value);
  if (values == nullptr) return wrong_type(key, node, "a list of values, which makes an axis");
  if (const auto same = find_axis(key); same != definition_->axes.end()) {
    return problem(node.place, "'" + key + "' is an axis already, at " + to_string(same->place));
  }
  SettingList usable = axis_values(key, *values, node.place);
  if (!usable.empty()) definition_->axes.push_back({key, std::move(usable), node.place});
}

void DefinitionReader::apply(const std::string& key, SettingList values, const Place& place) {
  std::vector<SweepAxis>& axes = definition_->axes;
  if (first_part(key) == "sweep") return apply_sweep(key, std::move(values), place);
  if (contains(kTextKeys, first_part(key))) {
    return problem(place, "'" + key +
                              "' is the definition's own and stands in its text; what can be "
                              "given here is a setting of " +
                              listed(kTables) + ", or sweep.seeds");
  }
  if (!contains(kTables, first_part(key))) {
    std::vector<std::string> known = kTables;
    known.emplace_back("sweep");
    return unknown(key, first_part(key), place, known);
  }
  if (key == "train.seed" && !seeds_overridden_) seeds_.reset();

  const auto old = find_axis(key);
  if (values.size() == 1) {
    if (old != axes.end()) axes.erase(old);
    set(key, values.front());
  } else if (SettingList usable = axis_values(key, values, place); !usable.empty()) {
    SweepAxis axis{key, std::move(usable), place};
    if (old != axes.end()) {
      *old = std::move(axis);
    } else {
      axes.push_back(std::move(axis));
    }
  }
}

void DefinitionReader::apply_sweep(const std::string& key, SettingList values, const Place& place) {
  constexpr std::string_view kGrid = "sweep.grid.";
  if (key.starts_with(kGrid)) {
    const std::string setting = key.substr(kGrid.size());
    return problem(place, "'" + key + "' cannot be given here; " + setting +
                              "=VALUE sets it, and " + setting + "=VALUE,VALUE makes it an axis");
  }
  if (key != "sweep.seeds") {
    constexpr std::size_t kPrefix = std::string_view("sweep.").size();
    return unknown(key, key.substr(std::min(key.size(), kPrefix)), place, {"seeds"});
  }
  seeds_ = values.size() == 1 ? std::move(values.front()) : SettingNode{std::move(values), place};
  seeds_overridden_ = true;
  // Seeds from the command line stand in the place of the text's, in whichever way those are given.
  std::erase_if(definition_->axes, [](const SweepAxis& axis) {
    return axis.key == "train.seed" && axis.place.line != 0;
  });
}

// A value of an axis that is a table stands in the place of the whole table of its key.
void DefinitionReader::refuse_what_no_run_reads() {
  for (const SweepAxis& axis : definition_->axes) {
    const SettingNode* base = found_at(definition_->base, axis.key);
    const auto is_table = [](const SettingNode& value) {
      return std::holds_alternative<SettingsTable>(value.value);
    };
    if (base == nullptr || !is_table(*base) || !std::ranges::all_of(axis.values, is_table))
      continue;
    for (const auto& [name, node] : std::get<SettingsTable>(base->value).entries()) {
      if (name == "name") continue;
      problem(node.place, "'" + axis.key + '.' + name +
                              "' reaches no run: each value of the axis '" + axis.key +
                              "' is a whole table");
    }
  }
}

void DefinitionReader::finish() {
  refuse_what_no_run_reads();
  std::vector<SweepAxis>& axes = definition_->axes;
  const auto found = find_axis("train.seed");
  if (found == axes.end()) {
    axes.push_back(seed_axis());
    return;
  }
  if (seeds_) {
    problem(found->place, "'train.seed' is an axis, and 'sweep.seeds' gives the seeds too");
  }
  std::rotate(found, found + 1, axes.end());
}

SettingNode DefinitionReader::first_seed() {
  const SettingNode* train = definition_->base.find("train");
  const SettingNode* given =
      train == nullptr ? nullptr : std::get<SettingsTable>(train->value).find("seed");
  if (given != nullptr && std::holds_alternative<std::int64_t>(given->value)) return *given;
  if (given != nullptr) not_an_integer("train.seed", *given, "an integer");
  return {std::int64_t{0}, seeds_ ? seeds_->place : Place{definition_->path, 0, 0}};
}

SweepAxis DefinitionReader::seed_axis() {
  const SettingNode first = first_seed();
  SweepAxis axis{"train.seed", {first}, seeds_ ? seeds_->place : first.place};
  if (!seeds_) return axis;

  if (const auto* list = std::get_if<SettingList>(&seeds_->value)) {
    SettingList seeds = axis_values("sweep.seeds", *list, seeds_->place);
    std::erase_if(seeds, [this](const SettingNode& seed) {
      if (std::holds_alternative<std::int64_t>(seed.value)) return false;
      problem(seed.place, "'sweep.seeds' holds " + type_name(seed) + "; expected integers");
      return true;
    });
    if (!seeds.empty()) axis.values = std::move(seeds);
  } else if (const auto* count = std::get_if<std::int64_t>(&seeds_->value)) {
    const std::int64_t base = std::get<std::int64_t>(first.value);
    if (*count < 1 || *count > kMostSeeds) {
      problem(seeds_->place, "'sweep.seeds' is " + std::to_string(*count) + "; allowed is in [1, " +
                                 std::to_string(kMostSeeds) + "]");
    } else if (base > std::numeric_limits<std::int64_t>::max() - *count) {
      problem(first.place, "'train.seed' is " + std::to_string(base) + "; no " +
                               std::to_string(*count) + " seeds follow from it");
    } else {
      for (std::int64_t i = 1; i < *count; ++i) axis.values.push_back({base + i, first.place});
    }
  } else {
    not_an_integer("sweep.seeds", *seeds_, "an integer or a list of integers");
  }
  return axis;
}

void DefinitionReader::set(std::string_view key, const SettingNode& value) {
  if (!fits(key, value)) return;
  try {
    apply_setting(definition_->base, key, value);
  } catch (const DefinitionError& error) {
    problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
  }
}

// The values that can be tried, so that one that cannot does not hide what is wrong in the others.
SettingList DefinitionReader::axis_values(std::string_view key, const SettingList& values,
                                          const Place& place) {
  if (values.empty()) problem(place, "'" + std::string(key) + "' is an axis without values");
  SettingList usable;
  std::set<std::string> seen;
  for (const SettingNode& value : values) {
    const std::string text = to_string(value);
    if (!seen.insert(text).second) {
      problem(value.place, "'" + std::string(key) + "' has the value " + text + " twice");
    } else if (fits(key, value)) {
      usable.push_back(value);
    }
  }
  return usable;
}

// A whole table can be given as a table, or as the name of the plug-in that it stands for.
bool DefinitionReader::fits(std::string_view key, const SettingNode& value) {
  const bool is_table = std::holds_alternative<SettingsTable>(value.value);
  if (!contains(kTables, key) || is_table || names_a_plugin_table(key, value)) return true;
  wrong_type(key, value, "a table");
  return false;
}

std::vector<SweepAxis>::iterator DefinitionReader::find_axis(std::string_view key) {
  return std::ranges::find(definition_->axes, without_name(key),
                           [](const SweepAxis& axis) { return without_name(axis.key); });
}

void DefinitionReader::problem(const Place& place, std::string message) {
  problems_->push_back({place, std::move(message)});
}

void DefinitionReader::unknown(std::string_view key, std::string_view name, const Place& place,
                               const std::vector<std::string>& known) {
  problem(place, "'" + std::string(key) + "' is not a setting" + suggestion(name, known));
}

void DefinitionReader::not_an_integer(std::string_view key, const SettingNode& node,
                                      std::string_view expected) {
  const auto* text = std::get_if<std::string>(&node.value);
  const std::string wrong = text == nullptr ? "" : range_problem(*text);
  if (wrong.empty()) return wrong_type(key, node, expected);
  problem(node.place, "'" + std::string(key) + "': " + wrong);
}

void DefinitionReader::wrong_type(std::string_view key, const SettingNode& node,
                                  std::string_view expected) {
  problem(node.place, "'" + std::string(key) + "' is " + type_name(node) + "; expected " +
                          std::string(expected));
}

}  // namespace plumbline
