// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// What runs of a plan need, and how many of them the memory holds at once.
struct MemoryFit {
  double data = 0;           ///< bytes of the datasets, which the runs share
  std::vector<double> runs;  ///< bytes of each run, the largest first
  std::size_t largest = 0;   ///< the index in the plan of the run that needs most
  std::size_t at_once = 0;   ///< so many of the largest runs fit; 0 where one alone does not
  double available = 0;      ///< bytes

  /// Bytes that the datasets and the `count` largest runs need together.
  double needed(std::size_t count) const;
};

/// For the runs `pending` of a plan, `threads` of them at once, and so many bytes available.
MemoryFit memory_fit(const Plan& plan, const std::vector<std::size_t>& pending, int threads,
                     double available);

/// In a line: that fewer than the `threads` runs fit at once, or that one alone does not. Empty where
/// all is well.
std::string memory_message(const Plan& plan, const MemoryFit& fit, int threads);

/// How many of the runs `pending` of a plan `threads` threads may compute side by side in the memory
/// that is available here; says so on `err`, unless that is null, where they are fewer than they could
/// be. Throws EnvironmentError where one run alone does not fit.
std::size_t runs_that_fit(const Plan& plan, const std::vector<std::size_t>& pending, int threads,
                          std::ostream* err);

}  // namespace plumbline
