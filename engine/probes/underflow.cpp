// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/layers/buffer.hpp"
#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

// The shadow of a run in float32: the same net in float64, with the parameters, the batch and the noise of the
// run. A float is a double, so at the start of a pass the two are equal.
class Shadow {
 public:
  explicit Shadow(const ProbedRun& run)
      : loss_(run.loss),
        network_(run.model, run.input, run.outputs, run.batch),
        parameters_(network_.layout().size()),
        gradient_(network_.layout().size()),
        inputs_(run.batch * run.input.steps, run.input),
        layer_gradient_(run) {}

  static double memory(const ProbedRun& run) {
    const StackKind layers = run.model.layers(run.outputs);
    const std::size_t inputs = run.input.steps * padded_stride<double>(run.input.values());
    const std::size_t targets = layers.output(run.input).size();
    const double kept = layers.kept_values(run.input) + static_cast<double>(inputs + targets);
    return static_cast<double>(sizeof(double)) *
               (2 * static_cast<double>(run.layout.size()) + packed_values(run.layout) +
                kept * static_cast<double>(run.batch)) +
           2 * LayerGradient<float>::memory(run);
  }

  void follow(const Snapshot<float>& at) {
    std::ranges::copy(at.parameters, parameters_.begin());
    const MatrixView<double> inputs = inputs_.first_rows(at.inputs.rows);
    copy(at.inputs, inputs);
    const MatrixView<const float> wanted = at.targets.values;
    values_.resize(wanted.rows * wanted.cols);
    const MatrixView<double> values{values_.data(), wanted.rows, wanted.cols, wanted.cols};
    copy(wanted, values);
    const MatrixView<const double> outputs = network_.forward(parameters_, inputs, at.pass);
    loss_.evaluate(outputs, {at.targets.labels, values}, network_.output_gradient());
    network_.backward(parameters_, inputs, gradient_);
    snapshot_.emplace(Snapshot<double>{
        .network = network_, .parameters = parameters_, .gradient = gradient_, .rows = at.rows});
  }

  MatrixView<const double> error_signal(std::size_t l) const {
    return network_.layer(l).error_signal();
  }
  double error_signal_norm(std::size_t l) const { return error_signal_of(*snapshot_, l); }
  MatrixView<const double> gradient(std::size_t l) { return layer_gradient_.of(*snapshot_, l); }

 private:
  static void copy(MatrixView<const float> from, MatrixView<double> to) {
    for (std::size_t i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to.row(i));
  }

  const Loss& loss_;
  Network<double> network_;
  std::vector<double> parameters_;
  std::vector<double> gradient_;
  Buffer<double> inputs_;
  std::vector<double> values_;  // of the targets
  LayerGradient<double> layer_gradient_;
  std::optional<Snapshot<double>> snapshot_;
};

template <typename T>
constexpr bool is_below_normal(T value) {
  return std::abs(value) < std::numeric_limits<T>::min();
}

// Of the entries that are not 0 in the shadow, the share that is 0 or subnormal in the run; NaN where none is.
double lost_share(MatrixView<const float> values, MatrixView<const double> shadow) {
  std::int64_t there = 0;
  std::int64_t lost = 0;
  for (std::size_t i = 0; i < values.rows; ++i) {
    const float* const row = values.row(i);
    const double* const exact = shadow.row(i);
    for (std::size_t j = 0; j < values.cols; ++j) {
      there += exact[j] != 0 ? 1 : 0;
      lost += exact[j] != 0 && is_below_normal(row[j]) ? 1 : 0;
    }
  }
  return static_cast<double>(lost) / static_cast<double>(there);
}

// What the run's precision does to small numbers. Shares of the entries of each layer's error signal that are
// exactly 0 and that are subnormal, which have lost digits and are next to be lost; gradient_entries has those
// of gradients. Beside a run in float32 the same step is made in float64, of the same parameters, batch and noise.
// Where a layer's signal is 1e-60 there, it is lost in float32; where it is 0 there as well, as behind a rectifier
// that is silent, nothing was lost. An entry is lost that is 0 or subnormal in float32 and not 0 in float64. That
// includes the few where z is 0 to rounding and a rectifier is on one side of it in one precision, on the other in
// the other. A signal below 1e-308 is 0 in float64 too.
// One forward and backward pass in float64, some twice the time of the run's own.
template <typename T>
class Underflow final : public Probe<T> {
 public:
  explicit Underflow(const ProbedRun& run) : layer_gradient_(run) {
    if constexpr (std::is_same_v<T, float>) shadow_ = std::make_unique<Shadow>(run);
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      const MatrixView<const T> signal = at.network.layer(l).error_signal();
      double zeros = 0;
      double subnormal = 0;
      for (std::size_t i = 0; i < signal.rows; ++i) {
        const T* const row = signal.row(i);
        zeros += static_cast<double>(std::count(row, row + signal.cols, T(0)));
        subnormal += static_cast<double>(std::count_if(row, row + signal.cols, is_below_normal<T>));
      }
      const auto size = static_cast<double>(signal.rows * signal.cols);
      values[0][l] = zeros / size;
      values[1][l] = (subnormal - zeros) / size;
    }
    if constexpr (std::is_same_v<T, float>) look_at_shadow(at, values);
  }

 private:
  void look_at_shadow(const Snapshot<float>& at, const Readings& values) {
    shadow_->follow(at);
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      values[2][l] = lost_share(at.network.layer(l).error_signal(), shadow_->error_signal(l));
      values[3][l] = shadow_->error_signal_norm(l);
      const MatrixView<const float> gradient = layer_gradient_.of(at, l);
      const MatrixView<const double> exact = shadow_->gradient(l);
      if (gradient.empty() || exact.empty()) continue;
      values[4][l] = lost_share(gradient, exact);
      values[5][l] = norm(exact);
    }
  }

  LayerGradient<T> layer_gradient_;
  std::unique_ptr<Shadow> shadow_;  // null where the run itself is in float64
};

class UnderflowKind final : public ProbeKindOf<UnderflowKind> {
 public:
  explicit UnderflowKind(Settings& /*settings*/) {}

  std::vector<Quantity> quantities() const override {
    return {
        {"error_signal_zero_share", "Share of the entries of dL_i/dz_l that are exactly 0."},
        {"error_signal_subnormal_share",
         "Share of the entries of dL_i/dz_l that are subnormal in the run's precision, not 0."},
        {"error_signal_lost_share",
         "Of the entries of dL_i/dz_l that are not 0 in float64, the share that is 0 or subnormal "
         "in "
         "float32."},
        {"shadow_error_signal", "error_signal of the same step in float64."},
        {"gradient_lost_share",
         "Of the entries of dL/dW_l that are not 0 in float64, the share that is 0 or subnormal in "
         "float32."},
        {"shadow_gradient_norm", "gradient_norm of the same step in float64."}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  std::string undefined(std::size_t quantity, const ProbedRun& run) const override {
    constexpr std::size_t kFirstOfShadow = 2;
    if (quantity < kFirstOfShadow || run.model.precision == Precision::float32) return {};
    return "the run itself is in float64, of which nothing wider stands by";
  }
  double memory(const ProbedRun& run) const override {
    if (run.model.precision == Precision::float64) return LayerGradient<double>::memory(run);
    return LayerGradient<float>::memory(run) + Shadow::memory(run);
  }
  double cost(const ProbedRun& run) const override {
    if (run.model.precision == Precision::float64) return run.look_cost();
    return run.look_cost() + LayerGradient<float>::cost(run) +
           run.double_cost() * (run.gradient_cost(static_cast<double>(run.batch)) +
                                LayerGradient<double>::cost(run));
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<Underflow<T>>(run);
  }
};

}  // namespace

ProbeEntry underflow() {
  return probe_entry<UnderflowKind>({
      .summary =
          "What of error signals and gradients is lost to the range of float32, beside the same "
          "step in float64.",
      .formula =
          "share of delta = 0, share of 0 < |delta| < least normal number; of the entries that are "
          "not 0 in float64, share with |delta| or |g| < least normal number",
      .paper =
          "Micikevicius et al., Mixed precision training, ICLR 2018, arXiv:1710.03740 (gradients "
          "that become zero)",
  });
}

}  // namespace plumbline::probes
