// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"
#include "engine/activations/curved_activation.hpp"

namespace plumbline::activations {

namespace {

// a = [max(0, z), max(0, -z)]: a layer of w units has 2 w outputs, first the positive parts of all units
// and then the negative ones. J is 1 or 0 in the first half and -1 or 0 in the second; at z = 0 it is 0.
// Each row by itself and not the matrix as one array: the halves of a row stand in one buffer.
class Crelu final : public InBothPrecisions<Crelu>, public CurvedActivation {
 public:
  explicit Crelu(Settings& /*settings*/) {}

  std::size_t outputs(std::size_t width) const override { return 2 * width; }

  template <typename T>
  void forward_rows(MatrixView<const T> z, std::span<const T> /*parameters*/,
                    MatrixView<T> a) const {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, auto& positive, auto& negative) {
            using V = std::decay_t<decltype(z_batch)>;
            positive = where(z_batch <= T(0), V(0), z_batch);
            negative = where(z_batch >= T(0), V(0), -z_batch);
          },
          z.row(i), a.row(i), a.row(i) + z.cols);
    }
  }

  template <typename T>
  void backward_rows(MatrixView<const T> z, MatrixView<const T> /*a*/,
                     std::span<const T> /*parameters*/, MatrixView<const T> upstream,
                     MatrixView<T> delta, std::span<T> /*gradient*/) const {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, const auto& positive, const auto& negative, auto& delta_batch) {
            using V = std::decay_t<decltype(z_batch)>;
            delta_batch = where(z_batch > T(0), positive, where(z_batch < T(0), -negative, V(0)));
          },
          z.row(i), upstream.row(i), upstream.row(i) + z.cols, delta.row(i));
    }
  }

  template <typename T>
  void tangent_rows(MatrixView<const T> z, MatrixView<const T> /*a*/,
                    std::span<const T> /*parameters*/, MatrixView<const T> z_direction,
                    std::span<const T> /*parameter_direction*/, MatrixView<T> a_direction) const {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, const auto& along, auto& positive, auto& negative) {
            using V = std::decay_t<decltype(z_batch)>;
            positive = where(z_batch > T(0), along, V(0));
            negative = where(z_batch < T(0), -along, V(0));
          },
          z.row(i), z_direction.row(i), a_direction.row(i), a_direction.row(i) + z.cols);
    }
  }

  // Of the two outputs of a unit exactly one is active: 3 - 1 for each of the n/2 units.
  double gain_spread(const GaussianMoments& /*moments*/) const override { return 4; }
  GaussianMoments moments(double q) const override { return finite_moments(q, {q / 2, 0.5, 0.5}); }
};

}  // namespace

ActivationEntry crelu() {
  return activation_entry<Crelu>({
      .summary = "The concatenated rectifier: positive and negative parts as outputs of their own, "
                 "twice as many as units.",
      .formula = "a = [max(0, z), max(0, -z)]",
      .paper = "Shang, Sohn, Almeida & Lee, Understanding and improving convolutional neural "
               "networks via concatenated rectified linear units, ICML 2016, arXiv:1603.05201",
  });
}

}  // namespace plumbline::activations
