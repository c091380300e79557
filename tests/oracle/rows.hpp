// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace plumbline::oracle {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

}  // namespace plumbline::oracle
