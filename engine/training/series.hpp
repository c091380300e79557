// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "engine/training/run_record.hpp"

namespace plumbline {

/// One metric with the steps at which it is due.
class Series {
 public:
  /// `width`: values at each step.
  Series(Quantity quantity, std::size_t width, const std::vector<std::int64_t>& recorded,
         const std::vector<std::int64_t>& due)
      : recorded_(recorded), due_(due), row_size_(width) {
    metric_ = {
        std::move(quantity.name), std::move(quantity.summary), std::move(quantity.units),
        quantity.axis,
        std::vector<double>(recorded.size() * row_size_, std::numeric_limits<double>::quiet_NaN())};
  }

  bool due(std::int64_t step) const { return std::ranges::binary_search(due_, step); }
  /// The values of a recorded step.
  std::span<double> row(std::int64_t step) {
    return std::span(metric_.values).subspan(rows_before(step) * row_size_, row_size_);
  }
  /// The values of all recorded steps before this one.
  std::span<double> before(std::int64_t step) {
    return std::span(metric_.values).first(rows_before(step) * row_size_);
  }
  const Metric& metric() const { return metric_; }
  /// Leaves the values of the first steps alone.
  void truncate(std::size_t steps) { metric_.values.resize(steps * row_size_); }

 private:
  std::size_t rows_before(std::int64_t step) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(recorded_, step) - recorded_.begin());
  }

  std::vector<std::int64_t> recorded_;
  std::vector<std::int64_t> due_;
  std::size_t row_size_;
  Metric metric_;
};

}  // namespace plumbline
