// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

namespace plumbline {

namespace {

using Runs = std::vector<std::size_t>;

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

std::size_t number_of_different(Runs runs) {
  std::ranges::sort(runs);
  return static_cast<std::size_t>(std::ranges::unique(runs).begin() - runs.begin());
}

// Every mistake once, though thousands of runs may have it, with the runs that do. A run's index is
// its place in the product of the axes.
class ProblemSet {
 public:
  explicit ProblemSet(const Definition& definition) : definition_(&definition) {}

  // A mistake of the definition, whatever the runs.
  void add(Problem problem) { find_or_add(std::move(problem)); }

  // A mistake of the runs `first` to `first + count - 1`. Runs come in rising order.
  void add(Problem problem, std::size_t first, std::size_t count) {
    const std::size_t known = found_.size();
    Found& found = find_or_add(std::move(problem));
    const bool of_definition = found_.size() == known && found.runs.empty();
    if (of_definition || (!found.runs.empty() && found.runs.back() >= first)) return;
    for (std::size_t run = first; run < first + count; ++run) found.runs.push_back(run);
  }

  bool empty() const { return found_.empty(); }

  // A message that every value of an axis gets is about the axis: an unknown key, say.
  void gather_at_axes() {
    for (const SweepAxis& axis : definition_->axes) {
      if (found_.size() < axis.values.size()) continue;
      std::map<std::string, Runs> runs_with;
      std::map<std::string, std::size_t> values_with;
      for (const Found& found : found_) {
        if (!is_of_value(axis, found.problem)) continue;
        ++values_with[found.problem.message];
        Runs& runs = runs_with[found.problem.message];
        runs.insert(runs.end(), found.runs.begin(), found.runs.end());
      }
      for (const auto& [message, count] : values_with) {
        if (count < 2 || count != axis.values.size()) continue;
        std::erase_if(found_, [&](const Found& found) {
          return found.problem.message == message && is_of_value(axis, found.problem);
        });
        found_.push_back({{axis.place, message}, std::move(runs_with[message])});
      }
    }
  }

  // Those of the file in its order, then those of the overrides.
  std::vector<Problem> sorted() const {
    std::vector<Problem> problems;
    for (const Found& found : found_) {
      problems.push_back(found.problem);
      problems.back().message += combination(found);
    }
    std::ranges::stable_sort(problems, {}, [this](const Problem& problem) {
      const Place& place = problem.place;
      return std::tuple(place.file != definition_->path, place.line, place.column);
    });
    return problems;
  }

 private:
  struct Found {
    Problem problem;
    Runs runs;  // empty where it is the definition's
  };

  static bool is_of_value(const SweepAxis& axis, const Problem& problem) {
    return std::ranges::find(axis.values, problem.place, &SettingNode::place) != axis.values.end();
  }

  Found& find_or_add(Problem&& problem) {
    // A table that is absent has no place; what it lacks is missing in the file.
    if (problem.place == Place{}) problem.place.file = definition_->path;
    const std::string& mistake = problem.mistake.empty() ? problem.message : problem.mistake;
    const auto [known, is_new] =
        seen_.emplace(to_string(problem.place) + '\n' + mistake, found_.size());
    if (is_new) found_.push_back({std::move(problem), {}});
    return found_[known->second];
  }

  // " (with model.depth = 64, optimizer.name = "adam")": the first of the combinations of values that
  // make the mistake. An axis is left out where its value makes no difference, or where the mistake's
  // place tells the value.
  std::string combination(const Found& found) const {
    if (found.runs.empty()) return {};
    const std::vector<SweepAxis>& axes = definition_->axes;
    const std::vector<std::size_t> first = axis_positions(axes, found.runs.front());
    std::string text;
    Runs named(found.runs.size(), 0);  // each run's position on the axes in `text`
    std::size_t stride = 1;
    for (std::size_t a = axes.size(); a-- > 0;) {
      const std::size_t size = axes[a].values.size();
      const auto position = [&](std::size_t run) { return run / stride % size; };
      Runs others = found.runs;
      for (std::size_t& run : others) run -= position(run) * stride;
      const bool matters = number_of_different(std::move(others)) * size != found.runs.size();
      const bool is_told = std::ranges::any_of(axes[a].values, [&](const SettingNode& value) {
        return holds_place(value, found.problem.place);
      });
      if (matters && !is_told) {
        text = axes[a].key + " = " + to_string(axes[a].values[first[a]]) +
               (text.empty() ? "" : ", ") + text;
        for (std::size_t i = 0; i < named.size(); ++i) {
          named[i] += position(found.runs[i]) * stride;
        }
      }
      stride *= size;
    }
    if (text.empty()) return {};
    const std::size_t more = number_of_different(std::move(named)) - 1;
    if (more > 0) text += "; and " + std::to_string(more) + " more";
    return " (with " + text + ')';
  }

  const Definition* definition_;
  std::vector<Found> found_;
  std::unordered_map<std::string, std::size_t> seen_;
};

class Planner {
 public:
  Planner(const Definition& definition, const DataFolders& data_folders, ProblemSet& problems,
          ProblemSet& warnings)
      : axes_(definition.axes), problems_(problems), warnings_(warnings) {
    folders_ = {std::filesystem::path(definition.path).parent_path()};
    folders_.insert(folders_.end(), data_folders.begin(), data_folders.end());
    if (!folders_.front().empty()) folders_.emplace_back();
  }

  // Configures a run for each combination of the values of axis `level` and the later ones.
  void expand(const SettingsTable& settings, std::size_t level) {
    const SweepAxis& axis = axes_[level];
    if (level + 1 == axes_.size()) {
      // A seed leaves nothing behind that the next one does not replace: one copy serves all.
      SettingsTable table = settings;
      cost_is_known_ = false;
      for (const SettingNode& seed : axis.values) {
        if (applied(table, level, seed)) configure_run(table);
      }
      return;
    }
    for (const SettingNode& value : axis.values) {
      SettingsTable table = settings;
      if (applied(table, level, value)) expand(table, level + 1);
    }
  }

  std::vector<RunSpec> runs;

 private:
  bool applied(SettingsTable& settings, std::size_t level, const SettingNode& value) {
    try {
      apply_setting(settings, axes_[level].key, value);
      return true;
    } catch (const DefinitionError& error) {
      std::size_t runs_below = 1;
      for (std::size_t a = level + 1; a < axes_.size(); ++a) runs_below *= axes_[a].values.size();
      for (const Problem& problem : error.problems()) problems_.add(problem, next_, runs_below);
      next_ += runs_below;
      return false;
    }
  }

  void configure_run(const SettingsTable& settings) {
    SettingsReport report;
    report.folders = folders_;
    RunConfiguration configuration = configure(settings, report);
    for (Problem& problem : report.problems) problems_.add(std::move(problem), next_, 1);
    for (Problem& warning : report.warnings) warnings_.add(std::move(warning), next_, 1);
    ++next_;
    if (!problems_.empty()) return;
    // The runs of one combination differ in the seed alone, and that costs nothing.
    if (!cost_is_known_) cost_ = configuration.cost();
    cost_is_known_ = true;
    RunSpec run{run_id(configuration), configuration.seed, cost_, {}};
    run.configuration = std::move(configuration);
    runs.push_back(std::move(run));
  }

  const std::vector<SweepAxis>& axes_;
  ProblemSet& problems_;
  ProblemSet& warnings_;
  std::vector<std::filesystem::path> folders_;
  std::size_t next_ = 0;  // the index of the next run
  double cost_ = 0;
  bool cost_is_known_ = false;
};

// In double, which no number of axes overflows.
double number_of_runs(const std::vector<SweepAxis>& axes) {
  double runs = 1;
  for (const SweepAxis& axis : axes) runs *= static_cast<double>(axis.values.size());
  return runs;
}

Problem too_many_runs(const Definition& definition) {
  std::string product;
  for (const SweepAxis& axis : definition.axes) {
    product += (product.empty() ? "" : " x ") + std::to_string(axis.values.size());
  }
  // The longest axis is the one to shorten.
  const auto longest = std::ranges::max_element(
      definition.axes, {}, [](const SweepAxis& axis) { return axis.values.size(); });
  return {longest->place,
          "the sweep has " + product + " runs; allowed are at most " + std::to_string(kMostRuns)};
}

// What two runs that are one computation differ in, in the definition's words.
Problem same_run(const std::vector<SweepAxis>& axes, std::size_t first, std::size_t second) {
  const std::vector<std::size_t> at = axis_positions(axes, first);
  const std::vector<std::size_t> again = axis_positions(axes, second);
  std::string one;
  std::string other;
  Place place;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (at[i] == again[i]) continue;
    const std::string separator = one.empty() ? "'" : ", '";
    one += separator + axes[i].key + "' = " + to_string(axes[i].values[at[i]]);
    other += separator + axes[i].key + "' = " + to_string(axes[i].values[again[i]]);
    place = axes[i].values[again[i]].place;
  }
  return {place, other + " makes the same run as " + one};
}

void find_same_runs(const Plan& plan, ProblemSet& problems) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const auto [found, is_new] = first.emplace(plan.runs[i].run_id, i);
    if (!is_new) problems.add(same_run(plan.definition.axes, found->second, i));
  }
}

}  // namespace

std::vector<std::size_t> axis_positions(const std::vector<SweepAxis>& axes, std::size_t index) {
  std::vector<std::size_t> positions(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    positions[i] = index % axes[i].values.size();
    index /= axes[i].values.size();
  }
  return positions;
}

Plan make_plan(Definition definition, std::vector<Problem> problems,
               const DataFolders& data_folders) {
  Plan plan{std::move(definition), {}};
  const std::vector<SweepAxis>& axes = plan.definition.axes;
  ProblemSet found(plan.definition);
  ProblemSet warnings(plan.definition);
  for (Problem& problem : problems) found.add(std::move(problem));

  const bool is_readable = !axes.empty();
  if (is_readable && number_of_runs(axes) > static_cast<double>(kMostRuns)) {
    found.add(too_many_runs(plan.definition));
  } else if (is_readable) {
    Planner planner(plan.definition, data_folders, found, warnings);
    planner.expand(plan.definition.base, 0);
    plan.runs = std::move(planner.runs);
    if (found.empty()) find_same_runs(plan, found);
  }
  found.gather_at_axes();
  if (!found.empty()) throw DefinitionError(found.sorted());
  plan.warnings = warnings.sorted();
  return plan;
}

void print_warnings(const Plan& plan, std::ostream& err) {
  for (const Problem& warning : plan.warnings) {
    err << to_string(warning.place) << ": warning: " << warning.message << '\n';
  }
}

std::string run_label(const Plan& plan, std::size_t index) {
  const std::vector<SweepAxis>& axes = plan.definition.axes;
  const std::vector<std::size_t> positions = axis_positions(axes, index);
  std::string label;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const SettingNode& value = axes[a].values[positions[a]];
    const auto* text = std::get_if<std::string>(&value.value);
    if (!label.empty()) label += ' ';
    label += axes[a].key + '=' + (text != nullptr ? *text : to_string(value));
  }
  return label;
}

}  // namespace plumbline
