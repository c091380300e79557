// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/curvature/symmetric_operator.hpp"

namespace plumbline {

struct TraceEstimate {
  double value = 0;
  double standard_error = 0;  ///< of the value; NaN for one sample
};

/// The trace of A, which is n x n, as the mean of v . A v over `samples` vectors of random signs, whose
/// expectation it is; one sample varies by 2 sum over i != j of A_ij^2. Hutchinson, Communications in
/// Statistics 19, 1990.
TraceEstimate hutchinson_trace(const SymmetricOperator& a, std::size_t n, std::size_t samples,
                               std::int64_t seed);

}  // namespace plumbline
