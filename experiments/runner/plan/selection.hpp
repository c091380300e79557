// SPDX-License-Identifier: Apache-2.0
// Which trials go on. Pure functions of numbers that finished runs have, so the same in any order of
// computation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "experiments/runner/definition/protocol.hpp"

namespace plumbline {

/// A trial's value of the criterion for each of its seeds. NaN is worse than every number: a run that
/// diverged, failed, or has not reached its target.
using TrialValues = std::vector<double>;

/// The middle one of the values in order, or the mean of the middle two; NaN where one of these is.
double median_for(Goal goal, const TrialValues& values);

/// How many of so many trials go on: ceil(trials / factor), at least one of any.
std::size_t survivors(std::size_t trials, std::int64_t factor);

/// The `count` trials with the best medians, by their number in rising order; of equal ones the earlier.
std::vector<std::size_t> best_trials(const std::vector<TrialValues>& trials, Goal goal,
                                     std::size_t count);

}  // namespace plumbline
