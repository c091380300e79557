// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/median.hpp"

#include <algorithm>
#include <limits>

namespace plumbline {

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto upper = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, upper);
  if (values.size() % 2 == 1) return *upper;
  return (*std::max_element(values.begin(), upper) + *upper) / 2;
}

}  // namespace plumbline
