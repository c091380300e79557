// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/expansion.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "experiments/runner/definition/setting_keys.hpp"
#include "experiments/runner/plan/stages.hpp"

namespace plumbline {

namespace {

bool is_of_seed(const Exclusion& exclusion) {
  return std::ranges::any_of(exclusion.conditions, [](const Condition& condition) {
    return condition.key == "train.seed";
  });
}

class StudyExpansion {
 public:
  StudyExpansion(const Definition& definition, std::size_t study, std::size_t first,
                 const std::function<void(const Combination&)>& visit,
                 const std::function<void(const DefinitionError&, const CombinationRange&)>& refuse,
                 Expansion& expansion)
      : definition_(definition),
        study_(study),
        axes_(definition.studies[study].axes),
        next_(first),
        points_(axes_.size()),
        below_(axes_.size(), 1),
        visit_(visit),
        refuse_(refuse),
        expansion_(expansion) {
    for (std::size_t a = axes_.size() - 1; a > 0; --a) {
      below_[a - 1] = below_[a] * axes_[a].points.size();
    }
  }

  // Visits the combinations of the points of axis `level` and the later ones.
  void expand(const SettingsTable& settings, std::size_t level) {
    const SweepAxis& axis = axes_[level];
    const bool is_last = level + 1 == axes_.size();
    if (is_last && is_excluded(settings, false)) return leave_out(axis.points.size());
    std::unordered_set<std::string> seen;
    // A seed leaves nothing behind that the next one does not replace: one copy serves all.
    SettingsTable table = settings;
    for (points_[level] = 0; points_[level] < axis.points.size(); ++points_[level]) {
      if (is_last && points_[level] == first_rerun_seed(definition_.studies[study_])) {
        return leave_out(axis.points.size() - points_[level]);
      }
      if (!is_last) table = settings;
      std::vector<const Assignment*> given;
      try {
        given = apply_point(table, axis, points_[level]);
      } catch (const DefinitionError& error) {
        refuse_(error, {next_, below_[level]});
        next_ += below_[level];
        continue;
      }
      if (!axis.when.empty() && !seen.insert(text_of(given)).second) {
        leave_out(below_[level]);
      } else if (!is_last) {
        expand(table, level + 1);
      } else if (is_excluded(table, true)) {
        leave_out(1);
      } else {
        visit_({next_, study_, points_, table});
        ++next_;
      }
    }
  }

  std::size_t next() const { return next_; }

 private:
  static std::string text_of(const std::vector<const Assignment*>& given) {
    std::string text;
    for (const Assignment* one : given) text += one->key + ' ' + to_string(one->value) + '\n';
    return text;
  }

  bool is_excluded(const SettingsTable& settings, bool has_seed) {
    for (std::size_t i = 0; i < definition_.exclusions.size(); ++i) {
      const Exclusion& exclusion = definition_.exclusions[i];
      if (is_of_seed(exclusion) != has_seed) continue;
      const auto is_met = [&](const Condition& condition) { return holds(condition, settings); };
      if (!std::ranges::all_of(exclusion.conditions, is_met)) continue;
      expansion_.excluded[i] += has_seed ? 1 : first_rerun_seed(definition_.studies[study_]);
      return true;
    }
    return false;
  }

  void leave_out(std::size_t count) {
    expansion_.left_out.push_back({next_, count});
    next_ += count;
  }

  const Definition& definition_;
  std::size_t study_;
  const std::vector<SweepAxis>& axes_;
  std::size_t next_;
  std::vector<std::size_t> points_;
  std::vector<std::size_t> below_;  // combinations of the later axes
  const std::function<void(const Combination&)>& visit_;
  const std::function<void(const DefinitionError&, const CombinationRange&)>& refuse_;
  Expansion& expansion_;
};

}  // namespace

Expansion expand(
    const Definition& definition, const std::function<void(const Combination&)>& visit,
    const std::function<void(const DefinitionError&, const CombinationRange&)>& refuse) {
  Expansion expansion;
  expansion.excluded.resize(definition.exclusions.size());
  std::size_t next = 0;
  for (std::size_t study = 0; study < definition.studies.size(); ++study) {
    StudyExpansion one(definition, study, next, visit, refuse, expansion);
    one.expand(definition.studies[study].base, 0);
    next = one.next();
  }
  return expansion;
}

double number_of_combinations(const Study& study) {
  double number = 1;
  for (const SweepAxis& axis : study.axes) number *= static_cast<double>(axis.points.size());
  return number;
}

std::vector<std::size_t> axis_positions(const std::vector<SweepAxis>& axes, std::size_t index) {
  std::vector<std::size_t> positions(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    positions[i] = index % axes[i].points.size();
    index /= axes[i].points.size();
  }
  return positions;
}

}  // namespace plumbline
