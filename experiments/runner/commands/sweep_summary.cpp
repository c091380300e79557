// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/sweep_summary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The value at the share `share` of the way through sorted values that are not none.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = place - static_cast<double>(below);
  // Without this, infinity next to a number would give NaN.
  if (weight == 0) return sorted[below];
  return (1 - weight) * sorted[below] + weight * sorted[above];
}

/// What `pick` returns for each run that `counts_in` accepts.
template <class CountsIn, class Pick>
std::vector<double> values_of(const std::vector<const RunValues*>& runs, const CountsIn& counts_in,
                              const Pick& pick) {
  std::vector<double> values;
  for (const RunValues* run : runs) {
    if (counts_in(run->status)) values.push_back(pick(*run));
  }
  return values;
}

/// Of findings that are equally frequent, the one that a run shows first stands first.
std::vector<std::pair<std::string, std::size_t>> findings_of(
    const std::vector<const RunValues*>& runs) {
  using Count = std::pair<std::string, std::size_t>;
  std::vector<Count> findings;
  for (const RunValues* run : runs) {
    if (run->finding.empty()) continue;
    auto found = std::ranges::find(findings, run->finding, &Count::first);
    if (found == findings.end()) found = findings.insert(found, {run->finding, 0});
    ++found->second;
  }
  std::ranges::stable_sort(findings, std::ranges::greater(), &Count::second);
  return findings;
}

std::pair<std::int64_t, std::int64_t> widened(
    const std::optional<std::pair<std::int64_t, std::int64_t>>& range, std::int64_t step) {
  if (!range) return {step, step};
  return {std::min(range->first, step), std::max(range->second, step)};
}

Group summarized(const SweepSummary& summary, const std::vector<const RunValues*>& runs) {
  Group group;
  group.key = runs.front()->key;
  for (const RunValues* run : runs) ++group.counts[static_cast<std::size_t>(run->status)];

  const auto is_complete = [](RunStatus status) { return status == RunStatus::complete; };
  const auto was_started = [](RunStatus status) {
    return status == RunStatus::complete || status == RunStatus::diverged;
  };
  std::vector<const RunValues*> with_target;
  std::ranges::copy_if(runs, std::back_inserter(with_target), &RunValues::has_target);
  for (std::size_t i = 0; i < summary.values.size(); ++i) {
    const auto value = [i](const RunValues& run) { return run.values[i].value; };
    group.values.push_back(need_not_be_reached(summary.values[i])
                               ? spread_of_reached(values_of(with_target, was_started, value))
                               : spread_of(values_of(runs, is_complete, value)));
    Spread& spread = group.values.back();
    for (const RunValues* run : runs) {
      if (run->status != RunStatus::complete) continue;
      const RunValue& one = run->values[i];
      if (one.step) spread.steps = widened(spread.steps, *one.step);
      if (one.is_undefined) ++spread.undefined;
    }
  }

  for (std::size_t i = 0; i < summary.decays.size(); ++i) {
    const auto spread = [&](double LayerDecay::* member) {
      return spread_of(values_of(
          runs, was_started, [i, member](const RunValues& run) { return run.decays[i].*member; }));
    };
    group.decays.push_back({spread(&LayerDecay::first_to_last), spread(&LayerDecay::factor),
                            spread(&LayerDecay::theory_factor)});
    group.decays.back().undefined = static_cast<std::size_t>(std::ranges::count_if(
        runs, [&](const RunValues* run) { return run->decays[i].is_undefined; }));
  }
  group.findings = findings_of(runs);
  return group;
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return {0, kNaN, kNaN, kNaN};
  std::ranges::sort(values);
  return {values.size(), quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)};
}

Spread spread_of_reached(std::vector<double> values) {
  std::size_t reached = 0;
  for (double& value : values) {
    if (std::isnan(value)) {
      value = std::numeric_limits<double>::infinity();
    } else {
      ++reached;
    }
  }
  Spread spread = spread_of(std::move(values));
  spread.reached = reached;
  return spread;
}

bool need_not_be_reached(std::string_view quantity) { return quantity == "steps_to_target"; }

std::size_t count(const StatusCounts& counts, RunStatus status) {
  return counts[static_cast<std::size_t>(status)];
}

std::size_t total(const StatusCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

void add_groups(SweepSummary& summary, const std::vector<RunValues>& runs) {
  std::map<std::vector<GroupValue>, std::size_t> places;
  std::vector<std::vector<const RunValues*>> members;
  for (const RunValues& run : runs) {
    ++summary.counts[static_cast<std::size_t>(run.status)];
    const auto [place, is_new] = places.emplace(run.key, members.size());
    if (is_new) members.emplace_back();
    members[place->second].push_back(&run);
  }
  for (const auto& group : members) summary.groups.push_back(summarized(summary, group));
}

}  // namespace plumbline
