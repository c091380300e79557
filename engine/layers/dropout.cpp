// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "engine/core/random.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"
#include "engine/layers/noisy_kind.hpp"

namespace plumbline::layers {

namespace {

/// While training, y = x m / (1 - rate) with m = 0 for a share `rate` of the values, else 1; the same
/// values whenever the same batch passes at the same step. In use, y = x.
template <typename T>
class Dropout final : public Layer<T> {
 public:
  Dropout(double rate, std::size_t number, const Site& site)
      : rate_(rate),
        number_(number),
        factors_(site.batch * site.input.steps, site.input),
        output_(site.batch * site.input.steps, site.input),
        output_gradient_(site.batch * site.input.steps, site.input) {}

  MatrixView<const T> forward(std::span<const T> /*parameters*/, MatrixView<const T> input,
                              const Pass& pass) override {
    rows_ = input.rows;
    training_ = pass.training;
    if (!training_) return input;
    const MatrixView<T> factors = factors_.first_rows(rows_);
    draw(factors, pass);
    const MatrixView<T> y = output_.first_rows(rows_);
    for_each_batch_of_rows([](auto& out, const auto& in, const auto& factor) { out = in * factor; },
                           y, input, MatrixView<const T>(factors));
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> /*parameters*/, MatrixView<const T> /*input*/, T /*mean*/,
                std::span<T> /*gradient*/, MatrixView<T> input_gradient) override {
    if (input_gradient.empty()) return;
    const MatrixView<const T> up = output_gradient();
    if (!training_) {
      for_each_batch_of_rows([](auto& out, const auto& in) { out = in; }, input_gradient, up);
      return;
    }
    for_each_batch_of_rows([](auto& out, const auto& in, const auto& factor) { out = in * factor; },
                           input_gradient, up, MatrixView<const T>(factors_.first_rows(rows_)));
  }
  bool finite() const override { return true; }

 private:
  void draw(MatrixView<T> factors, const Pass& pass) const {
    // Blocks of this many pairs of draws are one layer's; the part says which step.
    constexpr std::uint64_t kPairsOfLayer = std::uint64_t{1} << 40;
    Random random(pass.seed, RandomStream::noise, static_cast<std::uint32_t>(pass.step),
                  kPairsOfLayer * (number_ + 1));
    const T kept = static_cast<T>(1 / (1 - rate_));
    for (std::size_t i = 0; i < factors.rows; ++i) {
      for (std::size_t j = 0; j < factors.cols; ++j) {
        factors(i, j) = random.uniform() < rate_ ? T(0) : kept;
      }
    }
  }

  double rate_;
  std::size_t number_;
  Buffer<T> factors_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::size_t rows_ = 0;
  bool training_ = true;
};

class DropoutKind final : public LayerKindOf<DropoutKind>, public NoisyKind {
 public:
  explicit DropoutKind(Settings& settings)
      : rate_(settings.number("rate", 0.5, kDecay, "share of the values that become 0")) {}

  Shape output(const Shape& input) const override { return input; }
  void declare(const Shape& /*input*/, TensorList& /*tensors*/) const override {}
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override { return 3 * buffered_values(input); }
  bool draws_noise() const override { return rate_ > 0; }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Dropout<T>>(rate_, site.layers, site);
  }

 private:
  double rate_;
};

}  // namespace

LayerEntry dropout() {
  return layer_entry(
      {
          .summary =
              "While the net is trained, a random share of the values is 0, and the others make "
              "up for it.",
          .formula = "y = x m / (1 - rate), P(m = 0) = rate, else m = 1",
          .paper =
              "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout: a simple way to "
              "prevent neural networks from overfitting, JMLR 15, 2014",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) -> std::shared_ptr<const LayerKind> {
        return std::make_shared<DropoutKind>(settings);
      });
}

}  // namespace plumbline::layers
