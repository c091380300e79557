// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/kernels/column_sums.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// Normalizes each row of n values by itself, with or without its mean:
///   c = mean of x or 0,  s = sqrt(mean of (x - c)^2 + epsilon),  u = (x - c) / s,
///   y = gain u + bias, without a bias where the mean stays.
/// Backward, with e = gain dy: dx = (e - (mean of e, where c is the mean) - u mean of (e u)) / s.
template <typename T>
class RowNorm final : public Layer<T> {
 public:
  RowNorm(bool centres, double epsilon, const Site& site)
      : centres_(centres),
        epsilon_(epsilon),
        gain_(site.tensors.next()),
        bias_(centres ? site.tensors.next() : ParameterTensor()),
        normalized_(site.batch * site.input.steps, site.input),
        output_(site.batch * site.input.steps, site.input),
        output_gradient_(site.batch * site.input.steps, site.input),
        inverse_(site.batch * site.input.steps),
        sums_(2 * site.input.values()) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    rows_ = input.rows;
    const MatrixView<T> u = normalized_.first_rows(rows_);
    const MatrixView<T> y = output_.first_rows(rows_);
    const auto n = static_cast<double>(input.cols);
    for (std::size_t i = 0; i < rows_; ++i) {
      const T* x = input.row(i);
      const double centre =
          centres_
              ? sum_of(input.cols, [x](std::size_t j) { return static_cast<double>(x[j]); }) / n
              : 0;
      const double square = sum_of(input.cols, [x, centre](std::size_t j) {
        const double off = static_cast<double>(x[j]) - centre;
        return off * off;
      });
      const double inverse = 1 / std::sqrt(square / n + epsilon_);
      inverse_[i] = static_cast<T>(inverse);
      const Batch<T> scale(static_cast<T>(inverse));
      const Batch<T> shift(static_cast<T>(centre));
      const auto normalize = [&](auto& unit, const auto& in) { unit = (in - shift) * scale; };
      for_each_batch(input.cols, normalize, u.row(i), x);
      const T* gain = parameters.data() + gain_.offset;
      if (centres_) {
        for_each_batch(
            input.cols,
            [](auto& out, const auto& unit, const auto& g, const auto& b) { out = unit * g + b; },
            y.row(i), static_cast<const T*>(u.row(i)), gain, parameters.data() + bias_.offset);
      } else {
        for_each_batch(
            input.cols, [](auto& out, const auto& unit, const auto& g) { out = unit * g; },
            y.row(i), static_cast<const T*>(u.row(i)), gain);
      }
    }
    return y;
  }

  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }

  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const MatrixView<const T> dy = output_gradient();
    const MatrixView<const T> u = normalized_.first_rows(rows_);
    const std::size_t n = input.cols;
    const std::span<double> by_gain(sums_.data(), n);
    const std::span<double> by_bias(sums_.data() + n, n);
    sum_columns_of<2, T>(
        {by_gain, by_bias},
        [](auto& sums, const auto& slope, const auto& unit) {
          sums[0] += slope * unit;
          sums[1] += slope;
        },
        dy, u);
    for (std::size_t j = 0; j < n; ++j) {
      gradient[gain_.offset + j] = mean * static_cast<T>(by_gain[j]);
      if (centres_) gradient[bias_.offset + j] = mean * static_cast<T>(by_bias[j]);
    }
    finite_ = all_finite(own(parameters)) && all_finite(own(std::span<const T>(gradient)));
    if (input_gradient.empty()) return;
    const T* gain = parameters.data() + gain_.offset;
    const auto values = static_cast<double>(n);
    for (std::size_t i = 0; i < rows_; ++i) {
      const T* up = dy.row(i);
      const T* unit = u.row(i);
      const auto e = [up, gain](std::size_t j) {
        return static_cast<double>(up[j]) * static_cast<double>(gain[j]);
      };
      const double of_e = centres_ ? sum_of(n, e) / values : 0;
      const double of_products =
          sum_of(n, [&](std::size_t j) { return e(j) * static_cast<double>(unit[j]); }) / values;
      const Batch<T> shift(static_cast<T>(of_e));
      const Batch<T> slope(static_cast<T>(of_products));
      const Batch<T> scale(inverse_[i]);
      for_each_batch(
          n,
          [&](auto& out, const auto& above, const auto& g, const auto& at) {
            out = (above * g - shift - at * slope) * scale;
          },
          input_gradient.row(i), up, gain, unit);
    }
  }

  bool finite() const override { return finite_; }

 private:
  std::span<const T> own(std::span<const T> block) const {
    return block.subspan(gain_.offset, gain_.size() + bias_.size());
  }

  bool centres_;
  double epsilon_;
  ParameterTensor gain_;
  ParameterTensor bias_;  // of size 0 where there is none
  Buffer<T> normalized_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::vector<T> inverse_;
  std::vector<double> sums_;
  std::size_t rows_ = 0;
  bool finite_ = true;
};

class RowNormKind final : public LayerKindOf<RowNormKind> {
 public:
  /// `name` is what its tensors are called after.
  RowNormKind(Settings& settings, std::string_view name, bool centres)
      : name_(name),
        centres_(centres),
        epsilon_(settings.number("epsilon", 1e-5, kPositive, "added to the mean square")) {}

  Shape output(const Shape& input) const override { return input; }
  void declare(const Shape& input, TensorList& tensors) const override {
    tensors.begin(name_);
    tensors.add("gain", ParameterGroup::norm, input.values(), 1, 1);
    if (centres_) tensors.add("bias", ParameterGroup::norm, input.values(), 1, 0);
  }
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override { return 3 * buffered_values(input); }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<RowNorm<T>>(centres_, epsilon_, site);
  }

 private:
  std::string_view name_;
  bool centres_;
  double epsilon_;
};

}  // namespace plumbline
