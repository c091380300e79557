// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/plan/expansion.hpp"

namespace plumbline {

/// Every mistake once, though thousands of runs may have it, with the combinations that do. The
/// definition must outlive the set.
class ProblemSet {
 public:
  explicit ProblemSet(const Definition& definition);

  /// A mistake of the definition, whatever the runs.
  void add(Problem problem);
  /// A mistake of these combinations, which come in rising order.
  void add(Problem problem, const CombinationRange& range);

  bool empty() const { return found_.empty(); }

  /// Mistakes of the file that are not among those `without` an override are the override's: sorted()
  /// has them there, with the line behind the message. Nothing is said where others come up without it, as
  /// these may hide what is still there.
  void lay_on_override(const std::string& override_text, const ProblemSet& without);
  /// Whether a mistake of the file is laid on no override.
  bool has_mistake_of_file() const;

  /// A message that every value of an axis gets is about the axis: an unknown key, say.
  void gather_at_axes();

  /// Those of the file in its order, then those of the overrides; each that not all runs have with the
  /// first combination that has it. Combinations that are `left_out` are not missed.
  std::vector<Problem> sorted(const std::vector<CombinationRange>& left_out) const;

 private:
  using Numbers = std::vector<std::size_t>;  // of combinations, rising

  struct Found {
    Problem problem;
    Numbers combinations;            // empty where it is the definition's
    std::string override_text = {};  // that it is laid on
  };

  /// What tells the combinations that have a mistake from others of their study.
  struct Difference {
    std::size_t study = 0;
    std::string text;       // of the first; empty where all of the study have it
    std::size_t count = 1;  // of different ones
  };

  Found& find_or_add(Problem&& problem);
  bool is_of_file(const Found& found) const;
  std::string combination(const Found& found, const Numbers& left_out) const;
  Difference difference(const Found& found, std::size_t study, Numbers combinations,
                        const Numbers& left_out) const;
  bool tells_the_study(const Place& place, const std::vector<Difference>& differences) const;

  const Definition* definition_;
  std::vector<std::size_t> first_;  // combination of each study, and the end of the last
  std::vector<Found> found_;
  std::unordered_map<std::string, std::size_t> seen_;
  std::unordered_set<std::string> drawn_;  // places of dimensions
};

}  // namespace plumbline
