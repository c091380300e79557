// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// What is in dL/dW_l entry by entry, L the batch mean of the loss: root mean square, largest magnitude, and
// the shares that are exactly 0 and subnormal in the run's precision, of which the latter have lost digits
// and are next to be lost. Two passes over the gradient.
template <typename T>
class GradientEntries final : public Probe<T> {
 public:
  explicit GradientEntries(const ProbedRun& run) : gradient_(run) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"gradient_rms", "Root mean square of the entries of dL/dW_l."},
            {"gradient_max", "Largest magnitude of an entry of dL/dW_l."},
            {"gradient_zero_share", "Share of the entries of dL/dW_l that are exactly 0."},
            {"gradient_subnormal_share",
             "Share of the entries of dL/dW_l that are subnormal in the run's precision, not 0."}};
  }
  static double memory(const ProbedRun& run) { return LayerGradient<T>::memory(run); }
  static double cost(const ProbedRun& run) { return run.look_cost() + LayerGradient<T>::cost(run); }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      const MatrixView<const T> gradient = gradient_.of(at, l);
      if (gradient.empty()) {
        for (std::size_t q = 0; q < 4; ++q) {
          values[q][l] = std::numeric_limits<double>::quiet_NaN();
        }
        continue;
      }
      const auto size = static_cast<double>(gradient.rows * gradient.cols);
      const Entries found = entries_of(gradient);
      values[0][l] = norm(gradient) / std::sqrt(size);
      values[1][l] = found.largest;
      values[2][l] = found.zeros / size;
      values[3][l] = (found.below_normal - found.zeros) / size;
    }
  }

 private:
  struct Entries {
    double largest = 0;
    double zeros = 0;
    double below_normal = 0;
  };

  // In sixteen lanes each, which the compiler makes SIMD batches of; all are exact in any order.
  static Entries entries_of(MatrixView<const T> gradient) {
    constexpr std::size_t kLanes = 16;
    constexpr T kLeastNormal = std::numeric_limits<T>::min();
    std::array<T, kLanes> largest{};
    std::array<std::int64_t, kLanes> zeros{};
    std::array<std::int64_t, kLanes> below{};
    const auto look = [&](T value, std::size_t lane) {
      const T magnitude = std::abs(value);
      largest[lane] = magnitude > largest[lane] ? magnitude : largest[lane];
      zeros[lane] += magnitude == 0 ? 1 : 0;
      below[lane] += magnitude < kLeastNormal ? 1 : 0;
    };
    for (std::size_t i = 0; i < gradient.rows; ++i) {
      const T* const row = gradient.row(i);
      std::size_t j = 0;
      for (; j + kLanes <= gradient.cols; j += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) look(row[j + lane], lane);
      }
      for (std::size_t lane = 0; j + lane < gradient.cols; ++lane) look(row[j + lane], lane);
    }
    Entries found;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      found.largest = std::max(found.largest, static_cast<double>(largest[lane]));
      found.zeros += static_cast<double>(zeros[lane]);
      found.below_normal += static_cast<double>(below[lane]);
    }
    return found;
  }

  LayerGradient<T> gradient_;
};

}  // namespace

ProbeEntry gradient_entries() {
  return simple_probe<GradientEntries>({
      .summary =
          "Root mean square, largest magnitude, and shares of zeros and of subnormal numbers "
          "among the entries of each layer's gradient.",
      .formula = "sqrt(mean g^2), max |g|, share of g = 0, share of 0 < |g| < least normal number",
      .paper =
          "Micikevicius et al., Mixed precision training, ICLR 2018, arXiv:1710.03740 (gradients "
          "that become zero)",
  });
}

}  // namespace plumbline::probes
