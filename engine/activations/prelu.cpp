// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/activations/curved_activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z_j) = z_j where z_j > 0, s_j z_j elsewhere, with s_j learned: dL/ds_j = sum over examples of
// dL/da_j z_j where z_j <= 0. One s_j a unit, the paper's channel-wise variant (a unit of a dense layer
// is a channel), or one s for the whole layer, its channel-shared one; both start at 0.25. The paper
// lets no weight decay act on s.
class Prelu final : public InBothPrecisions<Prelu>, public CurvedActivation {
 public:
  explicit Prelu(Settings& settings)
      : initial_(
            settings.number("initial_slope", 0.25, kAny, "the slope s for negative z at first")),
        shared_(settings.flag("shared", false, "one s for all units of a layer, else one a unit")) {
  }

  std::size_t parameters(std::size_t width) const override { return shared_ ? 1 : width; }
  double initial_parameter() const override { return initial_; }

  template <typename T>
  void forward_rows(MatrixView<const T> z, std::span<const T> parameters, MatrixView<T> a) const {
    thread_local std::vector<T> room;  // kept from step to step
    const std::span<const T> slopes = one_a_unit(parameters, z.cols, room);
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, const auto& s, auto& a_batch) {
            a_batch = where(z_batch > T(0), z_batch, s * z_batch);
          },
          z.row(i), slopes.data(), a.row(i));
    }
  }

  template <typename T>
  void backward_rows(MatrixView<const T> z, MatrixView<const T> /*a*/,
                     std::span<const T> parameters, MatrixView<const T> upstream,
                     MatrixView<T> delta, std::span<T> gradient) const {
    thread_local std::vector<T> room;  // kept from step to step
    const std::span<const T> slopes = one_a_unit(parameters, z.cols, room);
    thread_local std::vector<T> sums;
    sums.assign(z.cols, T(0));  // dL/ds of each unit
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, const auto& s, const auto& up, auto& sum, auto& delta_batch) {
            using V = std::decay_t<decltype(up)>;
            sum += where(z_batch > T(0), V(0), up * z_batch);
            delta_batch = where(z_batch > T(0), up, s * up);
          },
          z.row(i), slopes.data(), upstream.row(i), sums.data(), delta.row(i));
    }
    if (shared_) {
      gradient[0] = std::accumulate(sums.begin(), sums.end(), T(0));
    } else {
      std::ranges::copy(sums, gradient.begin());
    }
  }

  template <typename T>
  void tangent_rows(MatrixView<const T> z, MatrixView<const T> /*a*/, std::span<const T> parameters,
                    MatrixView<const T> z_direction, std::span<const T> parameter_direction,
                    MatrixView<T> a_direction) const {
    thread_local std::vector<T> room;  // kept from step to step
    const std::span<const T> slopes = one_a_unit(parameters, z.cols, room);
    thread_local std::vector<T> room_for_directions;
    const std::span<const T> directions =
        one_a_unit(parameter_direction, z.cols, room_for_directions);
    for (std::size_t i = 0; i < z.rows; ++i) {
      for_each_batch(
          z.cols,
          [](const auto& z_batch, const auto& s, const auto& z_along, const auto& s_along,
             auto& a_along) {
            a_along = where(z_batch > T(0), z_along, s * z_along + s_along * z_batch);
          },
          z.row(i), slopes.data(), z_direction.row(i), directions.data(), a_direction.row(i));
    }
  }

  void add_curvature(MatrixView<const float> z, MatrixView<const float> g,
                     MatrixView<const float> z_direction,
                     std::span<const float> parameter_direction, MatrixView<float> delta_direction,
                     std::span<float> gradient_direction) const override {
    add_mixed(z, g, z_direction, parameter_direction, delta_direction, gradient_direction);
  }
  void add_curvature(MatrixView<const double> z, MatrixView<const double> g,
                     MatrixView<const double> z_direction,
                     std::span<const double> parameter_direction,
                     MatrixView<double> delta_direction,
                     std::span<double> gradient_direction) const override {
    add_mixed(z, g, z_direction, parameter_direction, delta_direction, gradient_direction);
  }

  GaussianMoments moments(double q) const override {
    const double s2 = initial_ * initial_;
    return finite_moments(q, {q * (1 + s2) / 2, (1 + s2) / 2, (1 + s2 * s2) / 2});
  }

 private:
  // a is linear in z and in s by itself; d^2 a_j / ds_j dz_j = 1 where z_j <= 0.
  template <typename T>
  void add_mixed(MatrixView<const T> z, MatrixView<const T> g, MatrixView<const T> z_direction,
                 std::span<const T> parameter_direction, MatrixView<T> delta_direction,
                 std::span<T> gradient_direction) const {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for (std::size_t j = 0; j < z.cols; ++j) {
        if (z(i, j) > T(0)) continue;
        const std::size_t own = shared_ ? 0 : j;
        delta_direction(i, j) += g(i, j) * parameter_direction[own];
        gradient_direction[own] += g(i, j) * z_direction(i, j);
      }
    }
  }

  template <typename T>
  std::span<const T> one_a_unit(std::span<const T> parameters, std::size_t units,
                                std::vector<T>& room) const {
    if (!shared_) return parameters;
    room.assign(units, parameters[0]);
    return room;
  }

  double initial_;
  bool shared_;
};

}  // namespace

ActivationEntry prelu() {
  return activation_entry<Prelu>({
      .summary = "The rectifier with a learned slope for negative z.",
      .formula = "phi(z) = z for z > 0, s z for z <= 0, s a parameter of the net",
      .paper = "He, Zhang, Ren & Sun, Delving deep into rectifiers: surpassing human-level "
               "performance on ImageNet classification, ICCV 2015, arXiv:1502.01852",
  });
}

}  // namespace plumbline::activations
