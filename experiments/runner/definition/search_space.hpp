// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

/// The numbers from min to max, of which both can be taken; integers alone where `is_integer`.
struct SearchRange {
  double min = 0;
  double max = 1;
  bool is_integer = false;
  bool is_log = false;
  std::size_t points = 0;  ///< of a grid
};

/// One dimension of a search: a setting with the values that it may take, or their range.
struct Dimension {
  std::string key;
  Place place;
  SettingList values;  ///< of equal weight; empty for a range
  SearchRange range;
  std::vector<Condition> when;  ///< what must hold for a trial to give the setting
};

/// The value at the share `u`, in [0, 1), of the dimension: value floor(n u) of a list of n;
/// min + (max - min) u or min (max / min)^u of numbers, rounded to six digits of the range; of
/// integers floor(min + (max + 1 - min) u) or floor(min ((max + 1) / min)^u), which has k with
/// probability log(1 + 1/k) / log((max + 1) / min).
SettingNode value_at(const Dimension& dimension, double u);

/// All values of a dimension of a grid: those of its list, or `points` numbers from min to max at equal
/// steps, of the logarithm where the scale is one. Integers are rounded, and those that are then equal
/// are one.
SettingList grid_values(const Dimension& dimension);

/// The digits of `index` in the base, mirrored at the point: 6 = 110 in base 2 is 0.011 = 3/8.
double radical_inverse(std::uint64_t index, std::uint64_t base);

enum class DrawnBy { random, halton };

/// Trial i of `trials` that all differ. Each draws one u in [0, 1) for each dimension, and what repeats
/// an earlier trial is passed over, so that a larger number of trials begins with those of a smaller one:
///
///   random   Philox keyed by the seed, with the dimension's key and the number of the draw
///   halton   frac(radical inverse of draw + 1 in the dimension's prime + shift), the primes in the order
///            of the keys' names, the shift drawn as above. Halton, Numerische Mathematik 2 (1960);
///            Cranley and Patterson, SIAM Journal on Numerical Analysis 13 (1976)
///
/// No order of the dimensions changes a trial. Fewer trials where no more different ones are found.
/// Conditions on dimensions decide what differs; any other condition is taken to hold.
std::vector<AxisPoint> draw_trials(DrawnBy method, std::int64_t seed, std::size_t trials,
                                   const std::vector<Dimension>& dimensions);

}  // namespace plumbline
