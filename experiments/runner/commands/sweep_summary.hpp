// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/training/run_record.hpp"

namespace plumbline {

/// Median and quartiles of the values that are numbers. Quartiles interpolate linearly between
/// neighbours (type 7 of Hyndman and Fan, The American Statistician 50 (1996)); NaN where n is 0.
struct Spread {
  std::size_t n = 0;
  double median = 0;
  double low = 0;   ///< first quartile
  double high = 0;  ///< third quartile
  /// Of steps_to_target: how many of the n reached the target. The others count as infinity.
  std::optional<std::size_t> reached = {};
  /// The first and the last of the steps at which the values stand; none of numbers of whole runs.
  std::optional<std::pair<std::int64_t, std::int64_t>> steps = {};
  std::size_t undefined = 0;  ///< runs of which the quantity says nothing
};

Spread spread_of(std::vector<double> values);

/// Of a quantity that runs need not reach: NaN is one that did not, and counts as infinity.
Spread spread_of_reached(std::vector<double> values);

/// Whether a quantity is of that kind.
bool need_not_be_reached(std::string_view quantity);

/// How one per-layer quantity of one run changes over the layers; see layer_profile.hpp.
struct LayerDecay {
  double first_to_last = 0;
  double factor = 0;
  double theory_factor = 0;   ///< NaN where there is no theory of the quantity
  bool is_undefined = false;  ///< whether the quantity says nothing of the run
};

/// The value of a setting that runs are grouped by; empty text where a run does not have the
/// setting. Never NaN.
using GroupValue = std::variant<double, std::string>;

/// A number of a run.
struct RunValue {
  double value = 0;
  std::optional<std::int64_t> step = {};  ///< where it stands; none of a number of the whole run
  bool is_undefined = false;              ///< whether the quantity says nothing of the run
};

/// What a summary needs of one run. `values` and `decays` belong to the names of the summary.
struct RunValues {
  std::vector<GroupValue> key;
  RunStatus status = RunStatus::pending;
  std::vector<RunValue> values;
  std::vector<LayerDecay> decays;
  std::string finding = {};  ///< the chief one of its diagnosis; empty where it has none
  bool has_target = true;    ///< whether there is one that it might have reached
};

struct LayerDecaySpread {
  Spread first_to_last;
  Spread factor;
  Spread theory_factor;
  std::size_t undefined = 0;  ///< runs of which the quantity says nothing
};

using StatusCounts = std::array<std::size_t, 4>;  ///< indexed by RunStatus

/// The runs that have one key. `values` are over the complete runs. `decays`, measured before
/// training, are over the diverged ones too, and so is steps_to_target: without the runs that did not come
/// there, it would be better the fewer do.
struct Group {
  std::vector<GroupValue> key;
  StatusCounts counts{};
  std::vector<Spread> values;
  std::vector<LayerDecaySpread> decays;
  /// The chief findings of its runs with how many have each, the most frequent first.
  std::vector<std::pair<std::string, std::size_t>> findings;
};

/// A shown quantity that says nothing of some complete runs.
struct UndefinedQuantity {
  std::string quantity;
  std::size_t runs = 0;
  std::string reason;
};

/// A results file in a table's worth of numbers.
struct SweepSummary {
  std::string path;
  std::string title;
  std::vector<std::string> by;      ///< the settings that make a group
  std::vector<std::string> values;  ///< names of quantities with one number a run
  std::vector<std::string> decays;  ///< names of per-layer quantities, taken at step 0
  std::vector<UndefinedQuantity> undefined = {};
  bool has_findings = false;  ///< whether tables tell them
  StatusCounts counts{};
  std::vector<Group> groups;
};

std::size_t count(const StatusCounts& counts, RunStatus status);
std::size_t total(const StatusCounts& counts);

/// Fills counts and groups. Groups stand in the order in which the runs first show them.
void add_groups(SweepSummary& summary, const std::vector<RunValues>& runs);

}  // namespace plumbline
