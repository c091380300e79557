// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace plumbline {

/// A point on the way along a descent direction: phi(a) = L(w + a d) and its derivative in a.
struct LinePoint {
  double step = 0;
  double value = 0;
  double slope = 0;
};

struct WolfeLimits {
  double c1 = 1e-4;  ///< sufficient decrease: phi(a) <= phi(0) + c1 a phi'(0)
  double c2 = 0.9;   ///< curvature: |phi'(a)| <= c2 |phi'(0)|
  int max_evaluations = 25;
};

/// A step that fulfils the strong Wolfe conditions, by Nocedal & Wright, Numerical Optimization, 2nd
/// edition 2006, Algorithms 3.5 and 3.6: trial steps are doubled until they bracket one, and the
/// bracket shrinks by cubic interpolation (equation 3.59), by halves where that is no number, and by
/// a tenth of its length at least. `start` is phi at 0 with a negative slope, `first` the first trial
/// step, > 0. Where the evaluations do not suffice, the best point with sufficient decrease, or
/// `start`. A value of NaN or infinity counts as too far.
LinePoint strong_wolfe(const std::function<LinePoint(double)>& phi, const LinePoint& start,
                       double first, const WolfeLimits& limits);

}  // namespace plumbline
