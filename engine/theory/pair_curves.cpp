// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/pair_curves.hpp"

#include <cmath>
#include <numbers>

namespace plumbline {

namespace {

// The trapezoidal rule over z = -5.67, -5.49, ..., 5.67: for tanh(sqrt(q) z) it errs by exp(-pi^2 / (0.18 sqrt q)),
// and with nodes on both sides of 0, by nothing for a jump there.
constexpr std::size_t kNodes = 64;
constexpr double kStep = 0.18;

// He_k(z) / sqrt(k!) times the weight of the node, and z.
template <std::size_t orders>
struct HermiteRule {
  std::array<double, kNodes> z{};
  std::array<std::array<double, kNodes>, orders> values{};

  HermiteRule() {
    for (std::size_t i = 0; i < kNodes; ++i) {
      const double at = kStep * (static_cast<double>(i) - 0.5 * (kNodes - 1));
      z[i] = at;
      double before = 0;
      double value =
          kStep * std::exp(-0.5 * at * at) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      for (std::size_t k = 0; k < orders; ++k) {
        values[k][i] = value;
        const auto order = static_cast<double>(k);
        const double next = (at * value - std::sqrt(order) * before) / std::sqrt(order + 1);
        before = value;
        value = next;
      }
    }
  }
};

PairCurves::Means rectifier_curves(const Rectifier& phi, double q, double c) {
  using std::numbers::pi;
  const double same = 1 - std::acos(c) / pi;  // share of pairs of one sign, half of them positive
  const double root = std::sqrt((1 - c) * (1 + c)) / pi;
  const double p = phi.positive * phi.positive;
  const double n = phi.negative * phi.negative;
  const double mixed = phi.positive * phi.negative;
  return {q / 2 * ((p + n) * (root + same * c) - 2 * mixed * (root - (1 - same) * c)),
          0.5 * ((p + n) * same + 2 * mixed * (1 - same)),
          0.5 * ((p * p + n * n) * same + 2 * p * n * (1 - same))};
}

}  // namespace

PairCurves::PairCurves(const ElementwiseActivation& phi)
    : phi_(phi), rectifier_(rectifier(unit_functions(phi).front())) {}

void PairCurves::set_length(double q, const GaussianMoments& moments) {
  q_ = q;
  if (rectifier_) return;
  static const HermiteRule<kOrders - 1> kRule;
  std::array<std::array<double, kNodes>, 3> f{};
  const double deviation = std::sqrt(q);
  for (std::size_t i = 0; i < kNodes; ++i) {
    const double z = deviation * kRule.z[i];
    f[0][i] = phi_.value(z);
    f[1][i] = phi_.slope(z);
    f[2][i] = f[1][i] * f[1][i];
  }
  for (std::size_t which = 0; which < f.size(); ++which) {
    for (std::size_t k = 0; k + 1 < kOrders; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < kNodes; ++i) sum += kRule.values[k][i] * f[which][i];
      squares_[which][k] = sum * sum;
    }
  }
  squares_[2][0] = moments.slope_square * moments.slope_square;
  close(squares_[0], moments.square);
  close(squares_[1], moments.slope_square);
  close(squares_[2], moments.slope_fourth);
}

// So that the sum is the mean at c = 1, also where the rule is too coarse for phi.
void PairCurves::close(Series& squares, double total) {
  double sum = 0;
  for (std::size_t k = 0; k + 1 < kOrders; ++k) sum += squares[k];
  if (sum > total) {
    for (std::size_t k = 0; k + 1 < kOrders; ++k) squares[k] *= total / sum;
    sum = total;
  }
  squares.back() = total - sum;
}

PairCurves::Means PairCurves::at(double c) const {
  if (rectifier_) return rectifier_curves(*rectifier_, q_, c);
  std::array<double, 3> means{};
  for (std::size_t which = 0; which < means.size(); ++which) {
    for (std::size_t k = kOrders; k-- > 0;) means[which] = means[which] * c + squares_[which][k];
  }
  return {means[0], means[1], means[2]};
}

}  // namespace plumbline
