// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline::layers {

namespace {

/// The rows of the last step, as they stand.
template <typename T>
class LastStep final : public Layer<T> {
 public:
  explicit LastStep(const Site& site)
      : steps_(site.input.steps),
        output_gradient_(site.batch, Shape::sequence(1, site.input.values())) {}

  MatrixView<const T> forward(std::span<const T> /*parameters*/, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    examples_ = input.rows / steps_;
    return {input.row(input.rows - examples_), examples_, input.cols, input.stride};
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(examples_); }
  void backward(std::span<const T> /*parameters*/, MatrixView<const T> /*input*/, T /*mean*/,
                std::span<T> /*gradient*/, MatrixView<T> input_gradient) override {
    if (input_gradient.empty()) return;
    const std::size_t first = input_gradient.rows - examples_;
    for (std::size_t row = 0; row < input_gradient.rows; ++row) {
      if (row < first) {
        std::fill_n(input_gradient.row(row), input_gradient.cols, T(0));
      } else {
        std::copy_n(output_gradient().row(row - first), input_gradient.cols,
                    input_gradient.row(row));
      }
    }
  }
  bool finite() const override { return true; }

 private:
  std::size_t steps_;
  Buffer<T> output_gradient_;
  std::size_t examples_ = 0;
};

class LastStepKind final : public LayerKindOf<LastStepKind> {
 public:
  Shape output(const Shape& input) const override {
    Shape last = input;
    last.steps = 1;
    return last;
  }
  void declare(const Shape& /*input*/, TensorList& /*tensors*/) const override {}
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override { return buffered_values(output(input)); }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<LastStep<T>>(site);
  }
};

}  // namespace

LayerEntry last_step() {
  return layer_entry(
      {
          .summary = "The last step of a sequence: one target for the whole of it.",
          .formula = "y = x_S, of S steps",
          .paper = "",
      },
      [](Settings& /*settings*/, const LayerDefaults& /*model*/)
          -> std::shared_ptr<const LayerKind> { return std::make_shared<LastStepKind>(); });
}

}  // namespace plumbline::layers
