// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/activations/activation.hpp"
#include "engine/activations/curved_activation.hpp"

namespace plumbline::activations {

namespace {

// a_j = max over the k pieces z_{jk}, ..., z_{jk + k - 1}: a layer of width w has k w units. The error
// signal goes to the first of the largest. A NaN among the pieces is the maximum.
class Maxout final : public InBothPrecisions<Maxout>, public CurvedActivation {
 public:
  explicit Maxout(Settings& settings)
      : pieces_(static_cast<std::size_t>(
            settings.integer("pieces", 2, between(1, 1000), "k, units for each output"))) {}

  std::size_t units(std::size_t width) const override { return pieces_ * width; }

  template <typename T>
  void forward_rows(MatrixView<const T> z, std::span<const T> /*parameters*/,
                    MatrixView<T> a) const {
    for_each_winner(z, [&](std::size_t i, std::size_t j, std::size_t k) { a(i, j) = z(i, k); });
  }

  template <typename T>
  void backward_rows(MatrixView<const T> z, MatrixView<const T> /*a*/,
                     std::span<const T> /*parameters*/, MatrixView<const T> upstream,
                     MatrixView<T> delta, std::span<T> /*gradient*/) const {
    for_each_winner(z, [&](std::size_t i, std::size_t j, std::size_t k) {
      const T up = upstream(i, j);  // first, as delta may be upstream where k = 1
      std::fill_n(delta.row(i) + j * pieces_, pieces_, T(0));
      delta(i, k) = up;
    });
  }

  template <typename T>
  void tangent_rows(MatrixView<const T> z, MatrixView<const T> /*a*/,
                    std::span<const T> /*parameters*/, MatrixView<const T> z_direction,
                    std::span<const T> /*parameter_direction*/, MatrixView<T> a_direction) const {
    for_each_winner(z, [&](std::size_t i, std::size_t j, std::size_t k) {
      a_direction(i, j) = z_direction(i, k);
    });
  }

  /// The maximum of k independent N(0, q) has density k p(h) P(h)^(k-1), with p and P those of N(0, q).
  /// Each output has one 1 in its row of J.
  GaussianMoments moments(double q) const override {
    const auto pieces = static_cast<double>(pieces_);
    const double square = normal_mean(1, [pieces](double h) {
      return h * h * pieces * std::pow(0.5 * std::erfc(-h / std::numbers::sqrt2), pieces - 1);
    });
    return finite_moments(q, {q * square, 1, 1});
  }

 private:
  /// Calls function(i, j, k) for each example i and output j with k, the unit that is its maximum.
  template <typename T, class Function>
  void for_each_winner(MatrixView<const T> z, const Function& function) const {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for (std::size_t first = 0; first < z.cols; first += pieces_) {
        std::size_t winner = first;
        for (std::size_t k = first + 1; k < first + pieces_; ++k) {
          if (z(i, k) > z(i, winner) || std::isnan(z(i, k))) winner = k;
        }
        function(i, first / pieces_, winner);
      }
    }
  }

  std::size_t pieces_;
};

}  // namespace

ActivationEntry maxout() {
  return activation_entry<Maxout>({
      .summary = "The maximum of several linear pieces, each with weights of its own.",
      .formula = "a_j = max(z_{jk}, ..., z_{jk+k-1}), k the number of pieces",
      .paper = "Goodfellow, Warde-Farley, Mirza, Courville & Bengio, Maxout networks, ICML 2013, "
               "arXiv:1302.4389",
  });
}

}  // namespace plumbline::activations
