// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engine/kernels/column_sums.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline::layers {

namespace {

struct BatchNormSettings {
  double momentum = 0.1;
  double epsilon = 1e-5;
  bool frozen_backward = false;
};

/// For each channel, with mean and variance over the R rows of the batch, or over their R pixels:
///   n = (x - mean) / sqrt(variance + epsilon),  y = gain n + bias.
/// Backward (Ioffe & Szegedy 2015, section 3), where the statistics depend on x:
///   dx = gain (dy - mean of dy - n mean of (dy n)) / sqrt(variance + epsilon);
/// with frozen statistics dx = gain dy / sqrt(variance + epsilon).
template <typename T>
class BatchNorm final : public Layer<T> {
 public:
  BatchNorm(const BatchNormSettings& settings, const Site& site)
      : settings_(settings),
        shape_(site.input),
        gain_(site.tensors.next()),
        bias_(site.tensors.next()),
        output_(site.batch * site.input.steps, site.input),
        output_gradient_(site.batch * site.input.steps, site.input),
        running_(2 * channels(), T(0)),
        mean_(channels()),
        inverse_(channels()),
        sums_(2 * channels()),
        period_(shape_.is_image() ? (kFewest + channels() - 1) / channels() * channels()
                                  : channels()),
        coefficients_(4 * period_) {
    std::fill(running_.begin() + static_cast<std::ptrdiff_t>(channels()), running_.end(), T(1));
  }

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override {
    rows_ = input.rows;
    training_ = pass.training;
    const MatrixView<const T> x = pixels(input, shape_);
    if (training_) {
      find_statistics(x, pass);
    } else {
      for (std::size_t c = 0; c < channels(); ++c) {
        mean_[c] = static_cast<double>(running_[c]);
        inverse_[c] = inverse_deviation(static_cast<double>(running_[channels() + c]));
      }
    }
    // y = (x - centre) scale + shift, with the centre near the mean, so that little cancels.
    T* centre = row(0);
    T* scale = row(1);
    T* shift = row(2);
    for (std::size_t c = 0; c < channels(); ++c) {
      centre[c] = static_cast<T>(mean_[c]);
      const double factor = static_cast<double>(parameters[gain_.offset + c]) * inverse_[c];
      scale[c] = static_cast<T>(factor);
      shift[c] = static_cast<T>(static_cast<double>(parameters[bias_.offset + c]) +
                                (static_cast<double>(centre[c]) - mean_[c]) * factor);
    }
    repeat(3);
    const MatrixView<T> y = output_.first_rows(rows_);
    for_each_period(y, [&](std::size_t i, std::size_t j, std::size_t n) {
      for_each_batch(
          n,
          [](auto& out, const auto& in, const auto& middle, const auto& s, const auto& t) {
            out = (in - middle) * s + t;
          },
          y.row(i) + j, input.row(i) + j, static_cast<const T*>(centre),
          static_cast<const T*>(scale), static_cast<const T*>(shift));
    });
    return y;
  }

  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }

  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const MatrixView<const T> x = pixels(input, shape_);
    const MatrixView<const T> dy = pixels(MatrixView<const T>(output_gradient()), shape_);
    // Sums of dy and of dy (x - c) with c near the mean, so that little cancels.
    T* centre = row(0);
    for (std::size_t c = 0; c < channels(); ++c) centre[c] = static_cast<T>(mean_[c]);
    const std::span<double> sum(sums_.data(), channels());
    const std::span<double> sum_of_products(sums_.data() + channels(), channels());
    sum_columns_of<2, T>(
        {sum, sum_of_products},
        [](auto& sums, const auto& slope, const auto& in, const auto& middle) {
          sums[0] += slope;
          sums[1] += slope * (in - middle);
        },
        dy, x, MatrixView<const T>{centre, dy.rows, dy.cols, 0});
    const auto pixel_rows = static_cast<double>(dy.rows);
    T* scale = row(1);
    T* slope = row(2);
    T* shift = row(3);
    for (std::size_t c = 0; c < channels(); ++c) {
      const double centred =
          sum_of_products[c] + (static_cast<double>(centre[c]) - mean_[c]) * sum[c];
      const double products = centred * inverse_[c];  // of dy n
      gradient[gain_.offset + c] = mean * static_cast<T>(products);
      gradient[bias_.offset + c] = mean * static_cast<T>(sum[c]);
      const double factor = static_cast<double>(parameters[gain_.offset + c]) * inverse_[c];
      const bool moves = training_ && !settings_.frozen_backward;
      // dx = dy scale + (x - centre) slope + shift.
      scale[c] = static_cast<T>(factor);
      const double by_x = moves ? -factor * products * inverse_[c] / pixel_rows : 0;
      slope[c] = static_cast<T>(by_x);
      shift[c] = static_cast<T>(moves ? -factor * sum[c] / pixel_rows +
                                            by_x * (static_cast<double>(centre[c]) - mean_[c])
                                      : 0);
    }
    finite_ = all_finite(own(parameters)) && all_finite(own(std::span<const T>(gradient)));
    if (input_gradient.empty()) return;
    repeat(4);
    const MatrixView<const T> up = output_gradient();
    for_each_period(input_gradient, [&](std::size_t i, std::size_t j, std::size_t n) {
      for_each_batch(
          n,
          [](auto& out, const auto& above, const auto& in, const auto& middle, const auto& a,
             const auto& b, const auto& c) { out = above * a + ((in - middle) * b + c); },
          input_gradient.row(i) + j, up.row(i) + j, input.row(i) + j, static_cast<const T*>(centre),
          static_cast<const T*>(scale), static_cast<const T*>(slope), static_cast<const T*>(shift));
    });
  }

  bool finite() const override { return finite_; }
  void add_state(std::vector<std::span<T>>& states) override { states.push_back(running_); }

 private:
  // A row of few channels is done many pixels at a time.
  static constexpr std::size_t kFewest = 64;

  T* row(std::size_t number) { return coefficients_.data() + number * period_; }
  void repeat(std::size_t rows) {
    for (std::size_t number = 0; number < rows; ++number) {
      T* values = row(number);
      for (std::size_t i = channels(); i < period_; ++i) values[i] = values[i - channels()];
    }
  }
  // function(row, first column, columns): whole periods, and what is left of a row.
  template <class Function>
  void for_each_period(MatrixView<T> batch, const Function& function) const {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      for (std::size_t j = 0; j < batch.cols; j += period_) {
        function(i, j, std::min(period_, batch.cols - j));
      }
    }
  }

  std::size_t channels() const { return shape_.is_image() ? shape_.channels : shape_.values(); }
  std::span<const T> own(std::span<const T> block) const {
    return block.subspan(gain_.offset, gain_.size() + bias_.size());
  }
  double inverse_deviation(double variance) const {
    return 1 / std::sqrt(variance + settings_.epsilon);
  }

  double share_of_batch(const Pass& pass) const {
    switch (pass.statistics) {
      case RunningStatistics::keep:
        return 0;
      case RunningStatistics::follow:
        return settings_.momentum;
      case RunningStatistics::average:
        return 1 / static_cast<double>(pass.step + 1);
    }
    return 0;
  }

  // Mean and variance of the batch; the running ones move towards them, the variance without bias.
  void find_statistics(MatrixView<const T> x, const Pass& pass) {
    const auto n = static_cast<double>(x.rows);
    sum_columns_of<1, T>({std::span(mean_)}, [](auto& sums, const auto& in) { sums[0] += in; }, x);
    T* centre = row(0);
    for (std::size_t c = 0; c < channels(); ++c) {
      mean_[c] /= n;
      centre[c] = static_cast<T>(mean_[c]);
    }
    // The sums of x - centre mend what the rounding of the first sums left.
    const std::span<double> first(sums_.data(), channels());
    sum_columns_of<2, T>(
        {first, std::span(inverse_)},
        [](auto& sums, const auto& in, const auto& middle) {
          const auto off = in - middle;
          sums[0] += off;
          sums[1] += off * off;
        },
        x, MatrixView<const T>{centre, x.rows, x.cols, 0});
    const double share = share_of_batch(pass);
    const auto towards = [share](T& running, double found) {
      // With share 1 whatever stood there, an infinity too, is gone.
      const double kept = share == 1 ? 0 : (1 - share) * static_cast<double>(running);
      if (share > 0) running = static_cast<T>(kept + share * found);
    };
    for (std::size_t c = 0; c < channels(); ++c) {
      const double off = first[c] / n;
      mean_[c] = static_cast<double>(centre[c]) + off;
      const double variance = std::max(inverse_[c] / n - off * off, 0.0);
      towards(running_[c], mean_[c]);
      towards(running_[channels() + c], variance * n / std::max(n - 1, 1.0));
      inverse_[c] = inverse_deviation(variance);
    }
  }

  BatchNormSettings settings_;
  Shape shape_;
  ParameterTensor gain_;
  ParameterTensor bias_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::vector<T> running_;       // means, then variances
  std::vector<double> mean_;     // what the last forward pass took
  std::vector<double> inverse_;  // 1 / sqrt(variance + epsilon)
  std::vector<double> sums_;
  // What the loops need of each channel: four rows, each of the channels over and over up to period_.
  std::size_t period_;
  std::vector<T> coefficients_;
  std::size_t rows_ = 0;
  bool training_ = true;
  bool finite_ = true;
};

class BatchNormKind final : public LayerKindOf<BatchNormKind> {
 public:
  explicit BatchNormKind(Settings& settings) {
    settings_.momentum = settings.number("momentum", 0.1, between(0, 1),
                                         "share of the batch in the running statistics");
    settings_.epsilon = settings.number("epsilon", 1e-5, kPositive, "added to the variance");
    settings_.frozen_backward = settings.flag(
        "frozen_backward", false, "the backward pass takes the statistics for constants");
  }

  Shape output(const Shape& input) const override { return input; }
  void declare(const Shape& input, TensorList& tensors) const override {
    const std::size_t channels = input.is_image() ? input.channels : input.values();
    tensors.begin("batch_norm");
    tensors.add("gain", ParameterGroup::norm, channels, 1, 1);
    tensors.add("bias", ParameterGroup::norm, channels, 1, 0);
  }
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override { return 2 * buffered_values(input); }
  // One value alone is its own mean, and all that is left of it is 0.
  std::size_t least_batch(const Shape& input) const override {
    return input.steps * input.height * input.width > 1 ? 1 : 2;
  }
  bool keeps_statistics() const override { return true; }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<BatchNorm<T>>(settings_, site);
  }

 private:
  BatchNormSettings settings_;
};

}  // namespace

LayerEntry batch_norm() {
  return layer_entry(
      {
          .summary =
              "Each channel with mean 0 and variance 1 over the batch, then a gain and a bias "
              "of its own; running statistics where the net is evaluated.",
          .formula = "y = gain (x - mean) / sqrt(variance + epsilon) + bias",
          .paper = "Ioffe & Szegedy, Batch normalization: accelerating deep network training by "
                   "reducing internal covariate shift, ICML 2015, arXiv:1502.03167",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) -> std::shared_ptr<const LayerKind> {
        return std::make_shared<BatchNormKind>(settings);
      });
}

}  // namespace plumbline::layers
