// SPDX-License-Identifier: Apache-2.0
#include "engine/optimizers/line_search.hpp"

#include <algorithm>
#include <cmath>

namespace plumbline {

namespace {

class Search {
 public:
  Search(const std::function<LinePoint(double)>& phi, const LinePoint& start,
         const WolfeLimits& limits)
      : phi_(phi), start_(start), limits_(limits) {}

  // Algorithm 3.5.
  LinePoint bracket(double first) {
    LinePoint last = start_;
    for (double step = first; evaluations_ < limits_.max_evaluations; step *= 2) {
      const LinePoint point = evaluate(step);
      if (too_high(point) || (evaluations_ > 1 && point.value >= last.value)) {
        return zoom(last, point);
      }
      if (flat(point)) return point;
      if (point.slope >= 0) return zoom(point, last);
      last = point;
    }
    return last;
  }

 private:
  // Algorithm 3.6: `low` has sufficient decrease and the least value so far, and its slope points to
  // `high`.
  LinePoint zoom(LinePoint low, LinePoint high) {
    while (evaluations_ < limits_.max_evaluations) {
      const LinePoint point = evaluate(between(low, high));
      if (too_high(point) || point.value >= low.value) {
        high = point;
        continue;
      }
      if (flat(point)) return point;
      if (point.slope * (high.step - low.step) >= 0) high = low;
      low = point;
    }
    return low;
  }

  static double between(const LinePoint& low, const LinePoint& high) {
    const double length = high.step - low.step;
    const double d1 =
        low.slope + high.slope - 3 * (low.value - high.value) / (low.step - high.step);
    const double d2 = std::copysign(std::sqrt(d1 * d1 - low.slope * high.slope), length);
    const double cubic =
        high.step - length * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
    if (!std::isfinite(cubic)) return low.step + 0.5 * length;
    const auto [left, right] = std::minmax({low.step + 0.1 * length, high.step - 0.1 * length});
    return std::clamp(cubic, left, right);
  }

  LinePoint evaluate(double step) {
    ++evaluations_;
    return phi_(step);
  }
  // True for NaN.
  bool too_high(const LinePoint& point) const {
    return !(point.value <= start_.value + limits_.c1 * point.step * start_.slope) ||
           !std::isfinite(point.slope);
  }
  bool flat(const LinePoint& point) const {
    return std::abs(point.slope) <= -limits_.c2 * start_.slope;
  }

  const std::function<LinePoint(double)>& phi_;
  LinePoint start_;
  WolfeLimits limits_;
  int evaluations_ = 0;
};

}  // namespace

LinePoint strong_wolfe(const std::function<LinePoint(double)>& phi, const LinePoint& start,
                       double first, const WolfeLimits& limits) {
  return Search(phi, start, limits).bracket(first);
}

}  // namespace plumbline
