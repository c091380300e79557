// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace plumbline {

/// The middle value, or the mean of the two middle ones; NaN where there is no value.
double median(std::vector<double> values);

}  // namespace plumbline
