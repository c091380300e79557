// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

namespace plumbline {

/// The mean of function(h) over h ~ N(0, q), by quadrature with an error of about 1e-13 relative for
/// functions that vary on the scale of 1 and are smooth but for the kinks given, and q up to 10^4.
/// NaN for infinite q.
double normal_mean(double q, const std::function<double(double)>& function,
                   const std::vector<double>& kinks = {});

}  // namespace plumbline
