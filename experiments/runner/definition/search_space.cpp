// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/search_space.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "engine/core/random.hpp"
#include "experiments/runner/definition/setting_keys.hpp"

namespace plumbline {

namespace {

/// The streams of runs are 1 to 4.
constexpr RandomStream kSearchStream{5};

// The number with six digits of what the range tells apart, so that libraries whose exp and log differ
// in a last bit draw the same trials.
double rounded(double value, const SearchRange& range) {
  constexpr double kDigits = 6;
  const double largest = std::max(std::abs(range.min), std::abs(range.max));
  const double lost = std::max(0.0, std::floor(std::log10(largest / (range.max - range.min))));
  const int digits = static_cast<int>(std::min(kDigits + lost, 17.0));
  const double near = std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr);
  return std::clamp(near, range.min, range.max);
}

// The place at the share u between low and high on the range's scale.
double between(double low, double high, double u, bool is_log) {
  if (!is_log) return low + (high - low) * u;
  // low (high / low)^u, of which the ratio could overflow.
  return std::exp(std::log(low) + u * (std::log(high) - std::log(low)));
}

SettingNode integer(double value, const SearchRange& range, const Place& place) {
  return {static_cast<std::int64_t>(std::clamp(value, range.min, range.max)), place};
}

// FNV-1a, which is the same everywhere.
std::uint32_t part_of(std::string_view key) {
  std::uint32_t hash = 2166136261U;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

std::vector<std::uint64_t> first_primes(std::size_t count) {
  std::vector<std::uint64_t> primes;
  for (std::uint64_t candidate = 2; primes.size() < count; ++candidate) {
    const auto divides = [&](std::uint64_t prime) { return candidate % prime == 0; };
    if (std::ranges::none_of(primes, divides)) primes.push_back(candidate);
  }
  return primes;
}

// What a dimension draws, draw by draw.
class DimensionDraws {
 public:
  DimensionDraws(DrawnBy method, std::int64_t seed, const std::string& key, std::uint64_t prime)
      : method_(method), seed_(seed), part_(part_of(key)), prime_(prime), shift_(random(0)) {}

  double at(std::uint64_t draw) const {
    if (method_ == DrawnBy::random) return random(draw);
    const double shifted = radical_inverse(draw + 1, prime_) + shift_;
    return shifted - std::floor(shifted);
  }

 private:
  double random(std::uint64_t draw) const {
    return Random(seed_, kSearchStream, part_, draw).uniform();
  }

  DrawnBy method_;
  std::int64_t seed_;
  std::uint32_t part_;
  std::uint64_t prime_;
  double shift_;
};

// In the order of the dimensions.
std::vector<DimensionDraws> draws_of(DrawnBy method, std::int64_t seed,
                                     const std::vector<Dimension>& dimensions) {
  const std::vector<std::uint64_t> primes = first_primes(dimensions.size());
  std::vector<DimensionDraws> draws;
  for (const Dimension& dimension : dimensions) {
    const auto rank = std::ranges::count_if(
        dimensions, [&](const Dimension& other) { return other.key < dimension.key; });
    draws.emplace_back(method, seed, dimension.key, primes[static_cast<std::size_t>(rank)]);
  }
  return draws;
}

// The values of the trial that are given, if conditions on no dimension are taken to hold.
std::string given_text(const AxisPoint& point, const std::vector<Dimension>& dimensions) {
  SettingsTable settings;
  std::string text;
  for (std::size_t d = 0; d < point.size(); ++d) {
    const bool is_given = std::ranges::all_of(dimensions[d].when, [&](const Condition& condition) {
      const bool is_of_dimension = std::ranges::any_of(dimensions, [&](const Dimension& other) {
        return is_same_setting(other.key, condition.key);
      });
      return !is_of_dimension || holds(condition, settings);
    });
    if (!is_given) continue;
    // A key that leads through another's value is a mistake, which the plan tells.
    try {
      apply_setting(settings, point[d].key, point[d].value);
    } catch (const DefinitionError&) {
    }
    text += std::to_string(d) + ' ' + to_string(point[d].value) + '\n';
  }
  return text;
}

}  // namespace

SettingNode value_at(const Dimension& dimension, double u) {
  const auto count = static_cast<double>(dimension.values.size());
  if (count > 0) return dimension.values[static_cast<std::size_t>(std::floor(count * u))];
  const SearchRange& range = dimension.range;
  if (range.is_integer) {
    return integer(std::floor(between(range.min, range.max + 1, u, range.is_log)), range,
                   dimension.place);
  }
  return {rounded(between(range.min, range.max, u, range.is_log), range), dimension.place};
}

SettingList grid_values(const Dimension& dimension) {
  if (!dimension.values.empty()) return dimension.values;
  const SearchRange& range = dimension.range;
  SettingList values;
  for (std::size_t i = 0; i < range.points; ++i) {
    const bool is_last = i + 1 == range.points;
    const double u = static_cast<double>(i) / static_cast<double>(range.points - 1);
    const double value = is_last ? range.max : between(range.min, range.max, u, range.is_log);
    SettingNode node = range.is_integer ? integer(std::round(value), range, dimension.place)
                                        : SettingNode{rounded(value, range), dimension.place};
    const bool repeats = !values.empty() && to_string(values.back()) == to_string(node);
    if (!repeats) values.push_back(std::move(node));
  }
  return values;
}

double radical_inverse(std::uint64_t index, std::uint64_t base) {
  // The mirrored digits as a whole number over a power of the base: rounded once.
  std::uint64_t mirrored = 0;
  std::uint64_t power = 1;
  for (; index > 0; index /= base) {
    mirrored = mirrored * base + index % base;
    power *= base;
  }
  return static_cast<double>(mirrored) / static_cast<double>(power);
}

std::vector<AxisPoint> draw_trials(DrawnBy method, std::int64_t seed, std::size_t trials,
                                   const std::vector<Dimension>& dimensions) {
  const std::vector<DimensionDraws> draws = draws_of(method, seed, dimensions);
  std::vector<AxisPoint> points;
  std::unordered_set<std::string> seen;
  // Of a space of n points, n - 1 of them drawn, each draw leaves the last with a chance of 1 - 1/n: that
  // 100 n draws in a row leave it has one of exp(-100).
  std::uint64_t in_vain = 0;
  for (std::uint64_t draw = 0; points.size() < trials && in_vain < 1000 + 100 * points.size();
       ++draw) {
    AxisPoint point;
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      point.push_back({dimensions[d].key, value_at(dimensions[d], draws[d].at(draw))});
    }
    const bool is_new = seen.insert(given_text(point, dimensions)).second;
    in_vain = is_new ? 0 : in_vain + 1;
    if (is_new) points.push_back(std::move(point));
  }
  return points;
}

}  // namespace plumbline
