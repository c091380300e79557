// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/problem_set.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace plumbline {

namespace {

bool holds_place(const SettingNode& node, const Place& place) {
  if (node.place == place) return true;
  if (const auto* list = std::get_if<SettingList>(&node.value)) {
    return std::ranges::any_of(*list,
                               [&](const SettingNode& one) { return holds_place(one, place); });
  }
  const auto* table = std::get_if<SettingsTable>(&node.value);
  return table != nullptr && std::ranges::any_of(table->entries(), [&](const auto& entry) {
           return holds_place(entry.second, place);
         });
}

bool holds_place(const SweepAxis& axis, const Place& place) {
  return std::ranges::any_of(axis.points, [&](const AxisPoint& point) {
    return std::ranges::any_of(
        point, [&](const Assignment& one) { return holds_place(one.value, place); });
  });
}

void keep_different(std::vector<std::size_t>& numbers) {
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
}

// The place of one of the values of a list that is an axis of its own.
bool is_of_value(const SweepAxis& axis, const Problem& problem) {
  return std::ranges::any_of(axis.points, [&](const AxisPoint& point) {
    return point.front().value.place == problem.place;
  });
}

}  // namespace

ProblemSet::ProblemSet(const Definition& definition) : definition_(&definition), first_{0} {
  for (const Study& study : definition.studies) {
    std::size_t combinations = 1;
    for (const SweepAxis& axis : study.axes) {
      combinations *= axis.points.size();
      if (axis.drawn.empty() || axis.points.empty()) continue;
      for (const Assignment& one : axis.points.front()) {
        drawn_.insert(to_string(one.value.place));
      }
    }
    first_.push_back(first_.back() + combinations);
  }
}

void ProblemSet::add(Problem problem) { find_or_add(std::move(problem)); }

void ProblemSet::add(Problem problem, const CombinationRange& range) {
  const std::size_t known = found_.size();
  Found& found = find_or_add(std::move(problem));
  const bool of_definition = found_.size() == known && found.combinations.empty();
  const bool is_repeated = !found.combinations.empty() && found.combinations.back() >= range.first;
  if (of_definition || is_repeated) return;
  for (std::size_t i = 0; i < range.count; ++i) found.combinations.push_back(range.first + i);
}

bool ProblemSet::is_of_file(const Found& found) const {
  const Place& place = found.problem.place;
  return place.file == definition_->path && found.override_text.empty();
}

bool ProblemSet::has_mistake_of_file() const {
  return std::ranges::any_of(found_, [this](const Found& found) { return is_of_file(found); });
}

void ProblemSet::lay_on_override(const std::string& override_text, const ProblemSet& without) {
  const auto is_among = [](const auto& some, const auto& all) {
    return std::ranges::all_of(some, [&](const auto& one) { return all.contains(one.first); });
  };
  if (!is_among(without.seen_, seen_)) return;
  for (const auto& [mistake, at] : seen_) {
    Found& found = found_[at];
    if (is_of_file(found) && !without.seen_.contains(mistake)) {
      found.override_text = override_text;
    }
  }
}

void ProblemSet::gather_at_axes() {
  std::set<std::string> done;
  for (const Study& study : definition_->studies) {
    for (const SweepAxis& axis : study.axes) {
      const std::size_t size = axis.points.size();
      if (axis.keys.size() > 1 || found_.size() < size) continue;
      if (!done.insert(to_string(axis.place)).second) continue;
      std::map<std::string, Numbers> combinations_with;
      std::map<std::string, std::size_t> values_with;
      std::map<std::string, std::string> override_of;
      for (const Found& found : found_) {
        if (!is_of_value(axis, found.problem)) continue;
        ++values_with[found.problem.message];
        override_of[found.problem.message] = found.override_text;
        Numbers& numbers = combinations_with[found.problem.message];
        numbers.insert(numbers.end(), found.combinations.begin(), found.combinations.end());
      }
      for (const auto& [message, count] : values_with) {
        if (count < 2 || count != size) continue;
        std::erase_if(found_, [&](const Found& found) {
          return found.problem.message == message && is_of_value(axis, found.problem);
        });
        Numbers& numbers = combinations_with[message];
        std::ranges::sort(numbers);
        found_.push_back({{axis.place, message}, std::move(numbers), override_of[message]});
      }
    }
  }
}

std::vector<Problem> ProblemSet::sorted(const std::vector<CombinationRange>& left_out) const {
  Numbers missing;
  if (!found_.empty()) {
    for (const CombinationRange& range : left_out) {
      for (std::size_t i = 0; i < range.count; ++i) missing.push_back(range.first + i);
    }
  }
  std::vector<Problem> problems;
  for (const Found& found : found_) {
    problems.push_back(found.problem);
    Problem& problem = problems.back();
    problem.message += combination(found, missing);
    if (found.override_text.empty()) continue;
    if (problem.place.line > 0) problem.message += " (" + to_string(problem.place) + ')';
    problem.place = {found.override_text, 0, 0};
  }
  std::ranges::stable_sort(problems, {}, [this](const Problem& problem) {
    const Place& place = problem.place;
    return std::tuple(place.file != definition_->path, place.line, place.column);
  });
  return problems;
}

ProblemSet::Found& ProblemSet::find_or_add(Problem&& problem) {
  // A table that is absent has no place; what it lacks is missing in the file.
  if (problem.place == Place{}) problem.place.file = definition_->path;
  const std::string& mistake = problem.mistake.empty() ? problem.message : problem.mistake;
  // What a search draws has the place of its dimension; the first of the wrong values tells it.
  const bool is_drawn = drawn_.contains(to_string(problem.place));
  const auto [known, is_new] =
      seen_.emplace(to_string(problem.place) + '\n' + (is_drawn ? "" : mistake), found_.size());
  if (is_new) found_.push_back({std::move(problem), {}});
  return found_[known->second];
}

// " (with study = "adam", model.depth = 64)": the first of the combinations of values that make the
// mistake. A study or an axis is left out where its value makes no difference, or where the mistake's
// place tells it.
std::string ProblemSet::combination(const Found& found, const Numbers& left_out) const {
  if (found.combinations.empty()) return {};
  std::vector<Difference> differences;
  for (std::size_t study = 0; study + 1 < first_.size(); ++study) {
    const auto of_study = [&](const Numbers& all) {
      Numbers numbers;
      const auto end = std::ranges::lower_bound(all, first_[study + 1]);
      for (auto at = std::ranges::lower_bound(all, first_[study]); at != end; ++at) {
        numbers.push_back(*at - first_[study]);
      }
      return numbers;
    };
    Numbers combinations = of_study(found.combinations);
    if (combinations.empty()) continue;
    differences.push_back(difference(found, study, std::move(combinations), of_study(left_out)));
  }

  const bool all_have_it =
      differences.size() == definition_->studies.size() &&
      std::ranges::all_of(differences, [](const Difference& one) { return one.text.empty(); });
  std::string text = differences.front().text;
  if (definition_->studies.size() > 1 && !all_have_it &&
      !tells_the_study(found.problem.place, differences)) {
    text = "study = \"" + definition_->studies[differences.front().study].name + '"' +
           (text.empty() ? "" : ", ") + text;
  }
  if (text.empty()) return {};
  std::size_t more = 0;
  for (const Difference& one : differences) more += one.count;
  if (--more > 0) text += "; and " + std::to_string(more) + " more";
  return " (with " + text + ')';
}

ProblemSet::Difference ProblemSet::difference(const Found& found, std::size_t study,
                                              Numbers combinations, const Numbers& left_out) const {
  const std::vector<SweepAxis>& axes = definition_->studies[study].axes;
  const std::vector<std::size_t> first = axis_positions(axes, combinations.front());
  Difference result{study, {}, 1};
  Numbers named(combinations.size(), 0);  // each one's position on the axes in the text
  std::size_t stride = 1;
  for (std::size_t a = axes.size(); a-- > 0;) {
    const std::size_t size = axes[a].points.size();
    const auto position = [&](std::size_t number) { return number / stride % size; };
    const auto at_start = [&](std::size_t number) { return number - position(number) * stride; };
    Numbers others;
    for (const std::size_t number : combinations) others.push_back(at_start(number));
    keep_different(others);
    std::size_t expected = others.size() * size;
    for (const std::size_t number : left_out) {
      if (std::ranges::binary_search(others, at_start(number))) --expected;
    }
    const bool matters = combinations.size() < expected;
    if (matters && !holds_place(axes[a], found.problem.place)) {
      for (std::size_t k = axes[a].keys.size(); k-- > 0;) {
        const Assignment& one = axes[a].points[first[a]][k];
        result.text = one.key + " = " + to_string(one.value) + (result.text.empty() ? "" : ", ") +
                      result.text;
      }
      for (std::size_t i = 0; i < named.size(); ++i) {
        named[i] += position(combinations[i]) * stride;
      }
    }
    stride *= size;
  }
  keep_different(named);
  result.count = named.size();
  return result;
}

// Whether the place stands in what these studies have and no other.
bool ProblemSet::tells_the_study(const Place& place,
                                 const std::vector<Difference>& differences) const {
  const std::vector<Study>& studies = definition_->studies;
  if (differences.size() == studies.size()) return false;
  for (std::size_t study = 0; study < studies.size(); ++study) {
    const bool has_it =
        std::ranges::any_of(differences, [&](const Difference& one) { return one.study == study; });
    const bool holds =
        std::ranges::any_of(studies[study].base.entries(),
                            [&](const auto& entry) { return holds_place(entry.second, place); }) ||
        std::ranges::any_of(studies[study].axes,
                            [&](const SweepAxis& axis) { return holds_place(axis, place); });
    if (holds != has_it) return false;
  }
  return true;
}

}  // namespace plumbline
