// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// What a plan is expected to take on this machine.
struct Estimate {
  double seconds = 0;
  double bytes = 0;
};

/// seconds = max(total cost / threads, cost of the dearest run) / rate, where the rate of each
/// precision in the plan is that of the largest matrix product of its dearest run, measured here
/// for some 50 ms. What runs do beside products comes on top. bytes = the datasets, shared by all
/// runs, and the `threads` largest runs at once, as `fit` has them.
Estimate estimate(const Plan& plan, int threads, const MemoryFit& fit);

}  // namespace plumbline
