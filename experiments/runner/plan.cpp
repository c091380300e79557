// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace plumbline {

namespace {

// Every mistake once, though thousands of runs may have it.
class ProblemSet {
 public:
  explicit ProblemSet(const Definition& definition) : definition_(&definition) {}

  void add(Problem problem) {
    // A table that is absent has no place; what it lacks is missing in the file.
    if (problem.place == Place{}) problem.place.file = definition_->path;
    if (seen_.insert(to_string(problem.place) + '\n' + problem.message).second) {
      problems_.push_back(std::move(problem));
    }
  }

  bool empty() const { return problems_.empty(); }

  // A message that every value of an axis gets is about the axis: an unknown key, say.
  void gather_at_axes() {
    for (const SweepAxis& axis : definition_->axes) {
      if (problems_.size() < axis.values.size()) continue;
      std::map<std::string, std::size_t> values_with;
      for (const Problem& problem : problems_) {
        if (is_of_value(axis, problem)) ++values_with[problem.message];
      }
      for (const auto& [message, count] : values_with) {
        if (count < 2 || count != axis.values.size()) continue;
        std::erase_if(problems_, [&](const Problem& problem) {
          return problem.message == message && is_of_value(axis, problem);
        });
        problems_.push_back({axis.place, message});
      }
    }
  }

  // Those of the file in its order, then those of the overrides.
  std::vector<Problem> sorted() const {
    std::vector<Problem> problems = problems_;
    std::ranges::stable_sort(problems, {}, [this](const Problem& problem) {
      const Place& place = problem.place;
      return std::tuple(place.file != definition_->path, place.line, place.column);
    });
    return problems;
  }

 private:
  static bool is_of_value(const SweepAxis& axis, const Problem& problem) {
    return std::ranges::find(axis.values, problem.place, &SettingNode::place) != axis.values.end();
  }

  const Definition* definition_;
  std::vector<Problem> problems_;
  std::set<std::string> seen_;
};

class Planner {
 public:
  Planner(const Definition& definition, ProblemSet& problems)
      : axes_(definition.axes), problems_(problems) {}

  // Configures a run for each combination of the values of axis `level` and the later ones.
  void expand(const SettingsTable& settings, std::size_t level) {
    const SweepAxis& axis = axes_[level];
    if (level + 1 == axes_.size()) {
      // A seed leaves nothing behind that the next one does not replace: one copy serves all.
      SettingsTable table = settings;
      cost_is_known_ = false;
      for (const SettingNode& seed : axis.values) {
        if (applied(table, axis.key, seed)) configure_run(table);
      }
      return;
    }
    for (const SettingNode& value : axis.values) {
      SettingsTable table = settings;
      if (applied(table, axis.key, value)) expand(table, level + 1);
    }
  }

  std::vector<RunSpec> runs;

 private:
  bool applied(SettingsTable& settings, const std::string& key, const SettingNode& value) {
    try {
      apply_setting(settings, key, value);
      return true;
    } catch (const DefinitionError& error) {
      for (const Problem& problem : error.problems()) problems_.add(problem);
      return false;
    }
  }

  void configure_run(const SettingsTable& settings) {
    SettingsReport report;
    RunConfiguration configuration = configure(settings, report);
    for (Problem& problem : report.problems) problems_.add(std::move(problem));
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

Plan make_plan(Definition definition, std::vector<Problem> problems) {
  Plan plan{std::move(definition), {}};
  const std::vector<SweepAxis>& axes = plan.definition.axes;
  ProblemSet found(plan.definition);
  for (Problem& problem : problems) found.add(std::move(problem));

  const bool is_readable = !axes.empty();
  if (is_readable && number_of_runs(axes) > static_cast<double>(kMostRuns)) {
    found.add(too_many_runs(plan.definition));
  } else if (is_readable) {
    Planner planner(plan.definition, found);
    planner.expand(plan.definition.base, 0);
    plan.runs = std::move(planner.runs);
    if (found.empty()) find_same_runs(plan, found);
  }
  found.gather_at_axes();
  if (!found.empty()) throw DefinitionError(found.sorted());
  return plan;
}

}  // namespace plumbline
