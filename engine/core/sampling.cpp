// SPDX-License-Identifier: Apache-2.0
#include "engine/core/sampling.hpp"

#include <cmath>
#include <set>

namespace plumbline {

Sampling::Sampling(Settings& settings) {
  every_ = settings.integer("every", 0, kNonNegative, "record every k steps; 0: not by this rule");
  listed_ =
      settings.integers("steps", kNonNegative, Settings::Order::rising, "record at these steps");
  log_spaced_ =
      settings.integer("log_spaced", 0, between(0, 100000),
                       "record at about n steps evenly spaced in ln(step); 0: not by this rule");
  const int rules = (every_ > 0 ? 1 : 0) + (listed_.empty() ? 0 : 1) + (log_spaced_ > 0 ? 1 : 0);
  if (rules > 1) {
    const char* second = log_spaced_ > 0 ? "log_spaced" : "steps";
    settings.problem(second, "is a second rule; give one of every, steps and log_spaced");
  }
}

double Sampling::at_most(std::int64_t last) const {
  const double by_rule = every_ > 0 ? static_cast<double>(last) / static_cast<double>(every_)
                                    : static_cast<double>(log_spaced_);
  return 2 + by_rule + static_cast<double>(listed_.size());
}

std::vector<std::int64_t> Sampling::steps(std::int64_t last, std::int64_t end) const {
  std::set<std::int64_t> steps = {0, end};
  if (every_ > 0) {
    for (std::int64_t step = every_; step < end; step += every_) steps.insert(step);
  }
  for (const std::int64_t step : listed_) {
    if (step < end) steps.insert(step);
  }
  // n points from 1 to `last`, rounded; near 1 several fall on the same step.
  for (std::int64_t i = 0; i < log_spaced_; ++i) {
    const double share =
        log_spaced_ == 1 ? 1.0 : static_cast<double>(i) / static_cast<double>(log_spaced_ - 1);
    const auto step = std::llround(std::exp(share * std::log(static_cast<double>(last))));
    if (last > 0 && step < end) steps.insert(step);
  }
  return {steps.begin(), steps.end()};
}

}  // namespace plumbline
