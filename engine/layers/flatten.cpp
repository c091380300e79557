// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline::layers {

namespace {

/// Copies B x steps rows to B rows and back: the steps of an example side by side.
template <typename T>
class Flatten final : public Layer<T> {
 public:
  explicit Flatten(const Site& site)
      : steps_(site.input.steps),
        output_(site.batch, Shape::vector(site.input.size())),
        output_gradient_(site.batch, Shape::vector(site.input.size())) {}

  MatrixView<const T> forward(std::span<const T> /*parameters*/, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    examples_ = input.rows / steps_;
    const MatrixView<T> y = output_.first_rows(examples_);
    for (std::size_t row = 0; row < input.rows; ++row) {
      std::copy_n(input.row(row), input.cols,
                  y.row(row % examples_) + row / examples_ * input.cols);
    }
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(examples_); }
  void backward(std::span<const T> /*parameters*/, MatrixView<const T> /*input*/, T /*mean*/,
                std::span<T> /*gradient*/, MatrixView<T> input_gradient) override {
    if (input_gradient.empty()) return;
    const MatrixView<T> dy = output_gradient();
    for (std::size_t row = 0; row < input_gradient.rows; ++row) {
      std::copy_n(dy.row(row % examples_) + row / examples_ * input_gradient.cols,
                  input_gradient.cols, input_gradient.row(row));
    }
  }
  bool finite() const override { return true; }

 private:
  std::size_t steps_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::size_t examples_ = 0;
};

class FlattenKind final : public LayerKindOf<FlattenKind> {
 public:
  Shape output(const Shape& input) const override { return Shape::vector(input.size()); }
  void declare(const Shape& /*input*/, TensorList& /*tensors*/) const override {}
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override {
    return 2 * buffered_values(output(input));
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Flatten<T>>(site);
  }
};

}  // namespace

LayerEntry flatten() {
  return layer_entry(
      {
          .summary = "One vector of all values of an example: of its steps and pixels.",
          .formula = "y = x, of one step",
          .paper = "",
      },
      [](Settings& /*settings*/, const LayerDefaults& /*model*/)
          -> std::shared_ptr<const LayerKind> { return std::make_shared<FlattenKind>(); });
}

}  // namespace plumbline::layers
