// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/definition_reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "experiments/runner/definition/setting_keys.hpp"
#include "experiments/runner/definition/study_reader.hpp"

namespace plumbline {

namespace {

// What a definition says of itself.
const std::vector<std::string> kTextKeys{"schema", "name", "title", "about"};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void DefinitionReader::read(const SettingsTable& root) {
  const Place start{definition_->path, 1, 1};
  if (root.find("schema") == nullptr) {
    mistakes_.add(start, "'schema' is missing; this program reads schema = 1");
  }
  if (root.find("name") == nullptr) mistakes_.add(start, "'name' is missing");
  // Studies begin with all else that the text has, wherever that stands.
  SettingsTable base;
  Sweep sweep;
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
      sweep = sweep_reader_.read(node);
    } else if (contains(run_tables(), key)) {
      if (sweep_reader_.fits(key, node)) apply_setting(base, key, node);
    } else if (key != "study") {
      std::vector<std::string> known = kTextKeys;
      known.insert(known.end(), run_tables().begin(), run_tables().end());
      known.insert(known.end(), {"sweep", "study"});
      mistakes_.unknown(key, key, node.place, known);
    }
  }
  if (definition_->title.empty()) definition_->title = definition_->name;
  seeds_ = std::move(sweep.seeds);
  definition_->exclusions = std::move(sweep.exclusions);
  const SettingNode* studies = root.find("study");
  if (studies != nullptr) {
    definition_->studies = StudyReader(*problems_).read(*studies, base, sweep.axes);
  } else {
    definition_->studies = {{"", {}, std::move(base), std::move(sweep.axes)}};
  }
}

void DefinitionReader::read_schema(const SettingNode& node) {
  const auto* version = std::get_if<std::int64_t>(&node.value);
  if (version == nullptr) {
    mistakes_.wrong_type("schema", node, "the integer 1");
  } else if (*version != 1) {
    mistakes_.add(node.place,
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
    mistakes_.add(node.place, "'name' is " + to_string(node) +
                                  "; allowed are letters, digits, '_', '-' and, inside, '.'");
  }
}

void DefinitionReader::read_text(std::string_view key, const SettingNode& node,
                                 std::string& field) {
  if (const auto* text = std::get_if<std::string>(&node.value)) {
    field = *text;
  } else {
    mistakes_.wrong_type(key, node, "a text");
  }
}

void DefinitionReader::read_about(const SettingNode& node) {
  const auto* about = std::get_if<SettingsTable>(&node.value);
  if (about == nullptr) return mistakes_.wrong_type("about", node, "a table");
  for (const auto& [key, value] : about->entries()) {
    if (key == "question") {
      read_text("about.question", value, definition_->question);
    } else if (key == "expectation") {
      read_text("about.expectation", value, definition_->expectation);
    } else if (key == "paper") {
      read_text("about.paper", value, definition_->paper);
    } else {
      mistakes_.unknown("about." + key, key, value.place, {"question", "expectation", "paper"});
    }
  }
}

void DefinitionReader::apply(const std::string& key, SettingList values, const Place& place) {
  if (first_part(key) == "sweep") return apply_sweep(key, std::move(values), place);
  if (contains(kTextKeys, first_part(key)) || first_part(key) == "study") {
    return mistakes_.add(place, "'" + key +
                                    "' is the definition's own and stands in its text; what can be "
                                    "given here is a setting of " +
                                    listed(run_tables()) + ", or sweep.seeds");
  }
  if (!contains(run_tables(), first_part(key))) {
    std::vector<std::string> known = run_tables();
    known.emplace_back("sweep");
    return mistakes_.unknown(key, first_part(key), place, known);
  }
  if (key == "train.seed" && !seeds_overridden_) seeds_.reset();
  if (values.size() > 1) return apply_axis(key, values, place);
  for (Study& study : definition_->studies) end_axis_of(study.axes, key);
  set(key, values.front());
}

// Stands where an axis of the one key was, or after those of the sweep.
void DefinitionReader::apply_axis(const std::string& key, const SettingList& values,
                                  const Place& place) {
  const SettingList usable = sweep_reader_.usable_values(key, values, place);
  if (usable.empty()) return;
  const SweepAxis axis = grid_axis(key, usable, place);
  for (Study& study : definition_->studies) {
    const auto old = find_axis(study.axes, key);
    if (old != study.axes.end() && old->keys.size() == 1) {
      *old = axis;
      continue;
    }
    end_axis_of(study.axes, key);
    const auto search = std::ranges::find_if(study.axes, &SweepAxis::is_of_search);
    study.axes.insert(search, axis);
  }
}

void DefinitionReader::apply_sweep(const std::string& key, SettingList values, const Place& place) {
  constexpr std::string_view kGrid = "sweep.grid.";
  if (key.starts_with(kGrid)) {
    const std::string setting = key.substr(kGrid.size());
    return mistakes_.add(place, "'" + key + "' cannot be given here; " + setting +
                                    "=VALUE sets it, and " + setting +
                                    "=VALUE,VALUE makes it an axis");
  }
  if (key != "sweep.seeds") {
    constexpr std::size_t kPrefix = std::string_view("sweep.").size();
    return mistakes_.unknown(key, key.substr(std::min(key.size(), kPrefix)), place, {"seeds"});
  }
  seeds_ = values.size() == 1 ? std::move(values.front()) : SettingNode{std::move(values), place};
  seeds_overridden_ = true;
  // Seeds from the command line stand in the place of the text's, in whichever way those are given.
  for (Study& study : definition_->studies) {
    std::erase_if(study.axes, [](const SweepAxis& axis) {
      return axis.keys.front() == "train.seed" && axis.place.line != 0;
    });
  }
}

// A value of an axis that is a table stands in the place of the whole table of its key.
void DefinitionReader::refuse_what_no_run_reads(const Study& study, Mistakes& mistakes) {
  for (const SweepAxis& axis : study.axes) {
    for (std::size_t k = 0; k < axis.keys.size(); ++k) {
      const SettingNode* base = found_at(study.base, axis.keys[k]);
      const auto* table = base == nullptr ? nullptr : std::get_if<SettingsTable>(&base->value);
      const auto is_whole = [k](const AxisPoint& point) {
        return std::holds_alternative<SettingsTable>(point[k].value.value);
      };
      if (table == nullptr || !axis.when.empty() || !std::ranges::all_of(axis.points, is_whole)) {
        continue;
      }
      for (const auto& [name, node] : table->entries()) {
        if (name == "name") continue;
        mistakes.add(node.place, "'" + axis.keys[k] + '.' + name +
                                     "' reaches no run: each value of the axis '" + axis.keys[k] +
                                     "' is a whole table");
      }
    }
  }
}

void DefinitionReader::refuse_exclusions_of_what_is_not_set() {
  for (const Exclusion& exclusion : definition_->exclusions) {
    for (const Condition& condition : exclusion.conditions) {
      const bool is_set = std::ranges::any_of(definition_->studies, [&](Study& study) {
        return find_axis(study.axes, condition.key) != study.axes.end() ||
               value_given(study.base, condition.key) != nullptr;
      });
      if (is_set) continue;
      mistakes_.add(condition.values.front().place,
                    "'" + condition.key +
                        "' is neither an axis nor set in this definition, so no run has the value "
                        "that 'sweep.exclude' leaves out");
    }
  }
}

void DefinitionReader::finish() {
  for (Study& study : definition_->studies) {
    // Studies have much in common, and mistakes in that are one.
    std::vector<Problem> problems;
    Mistakes mistakes(problems);
    refuse_what_no_run_reads(study, mistakes);
    end_with_seeds(study, problems);
    add_new(problems);
  }
  refuse_exclusions_of_what_is_not_set();
}

void DefinitionReader::add_new(const std::vector<Problem>& problems) {
  if (definition_->studies.size() == 1) {
    problems_->insert(problems_->end(), problems.begin(), problems.end());
    return;
  }
  for (const Problem& problem : problems) {
    if (std::ranges::find(*problems_, problem) == problems_->end()) problems_->push_back(problem);
  }
}

void DefinitionReader::end_with_seeds(Study& study, std::vector<Problem>& problems) {
  Mistakes mistakes(problems);
  const auto found = find_axis(study.axes, "train.seed");
  const auto refuse = [&](const Place& place, const std::string& which) {
    mistakes.add(place, which + " is given beside 'study.protocol', which has seeds of its own");
  };
  // Seeds of the sweep are those of the studies that have none of their own.
  const bool none_takes_seeds = std::ranges::all_of(
      definition_->studies, [](const Study& one) { return one.protocol.has_value(); });
  if (seeds_ && none_takes_seeds) {
    refuse(seeds_->place, "'sweep.seeds'");
  } else if (study.protocol && found != study.axes.end()) {
    refuse(found->place, "an axis of 'train.seed'");
  }
  if (found == study.axes.end()) {
    study.axes.push_back(seed_axis(study, mistakes));
    return;
  }
  if (seeds_ && !study.protocol) {
    mistakes.add(found->place, "'train.seed' is an axis, and 'sweep.seeds' gives the seeds too");
  }
  std::rotate(found, found + 1, study.axes.end());
}

SettingNode DefinitionReader::first_seed(const Study& study, Mistakes& mistakes) {
  const SettingNode* given = found_at(study.base, "train.seed");
  if (given != nullptr && std::holds_alternative<std::int64_t>(given->value)) return *given;
  if (given != nullptr) mistakes.not_an_integer("train.seed", *given, "an integer");
  return {std::int64_t{0}, seeds_ ? seeds_->place : Place{definition_->path, 0, 0}};
}

SweepAxis DefinitionReader::seed_axis(const Study& study, Mistakes& mistakes) {
  const SettingNode first = first_seed(study, mistakes);
  const auto axis_of = [&](const SettingList& seeds) {
    return grid_axis("train.seed", seeds, seeds_ ? seeds_->place : first.place);
  };
  if (study.protocol) {
    const std::int64_t count = study.protocol->select_seeds + study.protocol->rerun_seeds;
    return axis_of(seeds_from(first, count, mistakes));
  }
  if (!seeds_) return axis_of({first});

  if (const auto* list = std::get_if<SettingList>(&seeds_->value)) {
    std::vector<Problem> problems;
    SettingList seeds = SweepReader(problems).usable_values("sweep.seeds", *list, seeds_->place);
    for (Problem& problem : problems) mistakes.add(problem.place, std::move(problem.message));
    std::erase_if(seeds, [&](const SettingNode& seed) {
      if (std::holds_alternative<std::int64_t>(seed.value)) return false;
      mistakes.add(seed.place, "'sweep.seeds' holds " + type_name(seed) + "; expected integers");
      return true;
    });
    return axis_of(seeds.empty() ? SettingList{first} : seeds);
  }
  const auto* count = std::get_if<std::int64_t>(&seeds_->value);
  if (count == nullptr) {
    mistakes.not_an_integer("sweep.seeds", *seeds_, "an integer or a list of integers");
    return axis_of({first});
  }
  if (*count < 1 || *count > kMostSeeds) {
    mistakes.add(seeds_->place, "'sweep.seeds' is " + std::to_string(*count) +
                                    "; allowed is in [1, " + std::to_string(kMostSeeds) + "]");
    return axis_of({first});
  }
  return axis_of(seeds_from(first, *count, mistakes));
}

SettingList DefinitionReader::seeds_from(const SettingNode& first, std::int64_t count,
                                         Mistakes& mistakes) {
  const std::int64_t base = std::get<std::int64_t>(first.value);
  SettingList seeds{first};
  if (base > std::numeric_limits<std::int64_t>::max() - count) {
    mistakes.add(first.place, "'train.seed' is " + std::to_string(base) + "; no " +
                                  std::to_string(count) + " seeds follow from it");
  } else {
    for (std::int64_t i = 1; i < count; ++i) seeds.push_back({base + i, first.place});
  }
  return seeds;
}

// A mistake that the value makes in several studies is one.
void DefinitionReader::set(std::string_view key, const SettingNode& value) {
  if (!sweep_reader_.fits(key, value)) return;
  bool is_told = false;
  for (Study& study : definition_->studies) {
    try {
      apply_setting(study.base, key, value);
    } catch (const DefinitionError& error) {
      if (!std::exchange(is_told, true)) mistakes_.add(error);
    }
  }
}

}  // namespace plumbline
