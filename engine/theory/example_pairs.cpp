// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/example_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "engine/kernels/sum.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kMostExamples = 24;
constexpr std::size_t kGroups = 4;

struct Pair {
  double correlation = 0;
  double product = 0;
  double alignment = 0;
};

template <typename T>
double dot_of_rows(MatrixView<const T> matrix, std::size_t i, std::size_t k) {
  return dot(std::span(matrix.row(i), matrix.cols), std::span(matrix.row(k), matrix.cols));
}

}  // namespace

template <typename T>
std::vector<PairGroup> pair_groups(MatrixView<const T> inputs, MatrixView<const T> error_signal) {
  const std::size_t batch = inputs.rows;
  const std::size_t examples = std::min(batch, kMostExamples);
  const auto row = [&](std::size_t i) { return i * batch / examples; };
  std::vector<double> lengths(examples);
  std::vector<double> squares(examples);
  for (std::size_t i = 0; i < examples; ++i) {
    lengths[i] = std::sqrt(dot_of_rows(inputs, row(i), row(i)));
    squares[i] = dot_of_rows(error_signal, row(i), row(i));
  }
  double same = 0;
  for (const double square : squares) same += square * square;
  std::vector<Pair> pairs;
  pairs.reserve(examples * (examples - 1) / 2);
  double all = 0;
  for (std::size_t i = 0; i < examples; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const double along = dot_of_rows(error_signal, row(i), row(k));
      const double both = lengths[i] * lengths[k];
      // No input, or one beyond double: as any other.
      const double correlation =
          both > 0 && std::isfinite(both) ? dot_of_rows(inputs, row(i), row(k)) / both : 1;
      pairs.push_back({std::clamp(correlation, -1.0, 1.0), squares[i] * squares[k], along * along});
      all += 2 * pairs.back().product;
    }
  }
  // As many examples as the batch has meet themselves, whatever share of them is looked at.
  const auto m = static_cast<double>(examples);
  const auto b = static_cast<double>(batch);
  const double of_same = 1 / (m * b);
  const double of_others = examples > 1 ? (1 - 1 / b) / (m * (m - 1)) : 0;
  const double total = of_same * same + of_others * all;
  if (!(total > 0) || !std::isfinite(total)) return {PairGroup()};
  std::vector<PairGroup> groups = {{1, of_same * same / total, of_same * same / total}};
  std::ranges::sort(pairs, {}, &Pair::correlation);
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t first = g * pairs.size() / kGroups;
    const std::size_t end = (g + 1) * pairs.size() / kGroups;
    if (first == end) continue;
    PairGroup group{0, 0, 0};
    for (std::size_t p = first; p < end; ++p) {
      group.correlation += pairs[p].correlation / static_cast<double>(end - first);
      group.product += 2 * of_others / total * pairs[p].product;
      group.alignment += 2 * of_others / total * pairs[p].alignment;
    }
    groups.push_back(group);
  }
  return groups;
}

template std::vector<PairGroup> pair_groups(MatrixView<const float>, MatrixView<const float>);
template std::vector<PairGroup> pair_groups(MatrixView<const double>, MatrixView<const double>);

}  // namespace plumbline
