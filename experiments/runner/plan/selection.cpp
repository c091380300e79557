// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace plumbline {

namespace {

// Whether `one` is strictly better.
bool is_better(Goal goal, double one, double other) {
  if (std::isnan(one) || std::isnan(other)) return std::isnan(other) && !std::isnan(one);
  return goal == Goal::min ? one < other : one > other;
}

}  // namespace

double median_for(Goal goal, const TrialValues& values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  TrialValues sorted = values;
  std::ranges::sort(sorted,
                    [goal](double one, double other) { return is_better(goal, one, other); });
  const std::size_t middle = sorted.size() / 2;
  if (sorted.size() % 2 == 1) return sorted[middle];
  const double better = sorted[middle - 1];
  const double worse = sorted[middle];
  return better == worse ? better : better / 2 + worse / 2;  // a sum may be infinite
}

std::size_t survivors(std::size_t trials, std::int64_t factor) {
  const auto by = static_cast<std::size_t>(factor);
  return trials / by + (trials % by == 0 ? 0 : 1);
}

std::vector<std::size_t> best_trials(const std::vector<TrialValues>& trials, Goal goal,
                                     std::size_t count) {
  std::vector<double> medians;
  for (const TrialValues& values : trials) medians.push_back(median_for(goal, values));
  std::vector<std::size_t> order(trials.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t one, std::size_t other) {
    return is_better(goal, medians[one], medians[other]);
  });
  order.resize(std::min(count, order.size()));
  std::ranges::sort(order);
  return order;
}

}  // namespace plumbline
