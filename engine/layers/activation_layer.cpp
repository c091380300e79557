// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/activation_layer.hpp"

#include <optional>
#include <utility>

#include "engine/kernels/reduce.hpp"
#include "engine/layers/activation_curvature.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/curved_layer.hpp"

namespace plumbline {

namespace {

// What an activation makes of vectors it makes of the channels of each pixel too.
std::size_t width_of(const Shape& shape) {
  return shape.is_image() ? shape.channels : shape.values();
}

Shape with_width(Shape shape, std::size_t width) {
  shape.channels = width;
  return shape;
}

/// a = phi(x), for the channels of each row or pixel.
template <typename T>
class ActivationLayer final : public Layer<T>, public CurvedLayer<T> {
 public:
  ActivationLayer(std::shared_ptr<const Activation> activation, const Site& site,
                  const Shape& output)
      : activation_(std::move(activation)),
        input_shape_(site.input),
        output_shape_(output),
        parameters_(site.tensors.next_activation(*activation_, width_of(output))),
        activated_(site.batch * site.input.steps, output),
        output_gradient_(site.batch * site.input.steps, output),
        most_rows_(site.batch * site.input.steps) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    rows_ = input.rows;
    const MatrixView<T> a = activated_.first_rows(rows_);
    activation_->forward(pixels(input, input_shape_), own(parameters), pixels(a, output_shape_));
    return a;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    // The slope has nowhere to go where this is the first layer, and is made for the parameters alone.
    if (input_gradient.empty()) {
      if (unused_.empty()) unused_ = Buffer<T>(most_rows_, input_shape_);
      input_gradient = unused_.first_rows(rows_);
    }
    const std::span<T> own_gradient = gradient.subspan(parameters_.offset, parameters_.size());
    if (curvature_) {
      curvature_->keep(pixels(input, input_shape_),
                       pixels(MatrixView<const T>(output_gradient()), output_shape_));
    }
    activation_->backward(pixels(input, input_shape_),
                          pixels(MatrixView<const T>(activated_.first_rows(rows_)), output_shape_),
                          own(parameters),
                          pixels(MatrixView<const T>(output_gradient()), output_shape_),
                          pixels(input_gradient, input_shape_), own_gradient);
    for (T& slope : own_gradient) slope *= mean;
    finite_ = all_finite(own(parameters)) && all_finite(std::span<const T>(own_gradient));
  }
  bool finite() const override { return finite_; }

  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> input,
                              MatrixView<const T> input_direction) override {
    if (direction_.empty()) {
      direction_ = Buffer<T>(most_rows_, output_shape_);
      still_ = Buffer<T>(most_rows_, input_shape_);
    }
    input_ = input;
    input_direction_ = input_direction.empty() ? still_.first_rows(rows_) : input_direction;
    const MatrixView<T> along = direction_.first_rows(rows_);
    activation_->tangent(pixels(input, input_shape_),
                         pixels(MatrixView<const T>(activated_.first_rows(rows_)), output_shape_),
                         own(parameters), pixels(input_direction_, input_shape_), own(direction),
                         pixels(along, output_shape_));
    return along;
  }
  std::string curvature_problem() const override {
    return ActivationCurvature<T>::problem(*activation_);
  }
  void keep_curvature() override {
    const std::size_t pixels_each = input_shape_.values() / width_of(input_shape_);
    curvature_.emplace(activation_, most_rows_ * pixels_each,
                       width_of(input_shape_) / activation_->units(1));
    output_gradient_direction_ = Buffer<T>(most_rows_, output_shape_);
    if (unused_.empty()) unused_ = Buffer<T>(most_rows_, input_shape_);
  }
  MatrixView<T> output_gradient_direction() override {
    return output_gradient_direction_.first_rows(rows_);
  }
  void backward_tangent(std::span<const T> parameters, std::span<const T> direction, T mean,
                        std::span<T> gradient_direction,
                        MatrixView<T> input_gradient_direction) override {
    if (input_gradient_direction.empty()) input_gradient_direction = unused_.first_rows(rows_);
    const std::span<T> own_direction =
        gradient_direction.subspan(parameters_.offset, parameters_.size());
    curvature_->backward_tangent(
        pixels(input_, input_shape_),
        pixels(MatrixView<const T>(activated_.first_rows(rows_)), output_shape_), own(parameters),
        pixels(input_direction_, input_shape_), own(direction),
        pixels(MatrixView<const T>(output_gradient_direction()), output_shape_),
        pixels(input_gradient_direction, input_shape_), own_direction);
    for (T& value : own_direction) value *= mean;
  }

 private:
  std::span<const T> own(std::span<const T> block) const {
    return block.subspan(parameters_.offset, parameters_.size());
  }

  std::shared_ptr<const Activation> activation_;
  Shape input_shape_;
  Shape output_shape_;
  ParameterTensor parameters_;  // of size 0 where there are none
  Buffer<T> activated_;
  Buffer<T> output_gradient_;
  // These are for tangent() and backward_tangent().
  std::optional<ActivationCurvature<T>> curvature_;
  MatrixView<const T> input_;
  MatrixView<const T> input_direction_;
  Buffer<T> direction_;
  Buffer<T> still_;  // the direction of an input that does not move
  Buffer<T> output_gradient_direction_;
  Buffer<T> unused_;  // where the slope goes that nobody asks for
  std::size_t most_rows_;
  std::size_t rows_ = 0;
  bool finite_ = true;
};

class ActivationKind final : public LayerKindOf<ActivationKind> {
 public:
  explicit ActivationKind(std::shared_ptr<const Activation> activation)
      : activation_(std::move(activation)) {}

  std::string problem(const Shape& input) const override {
    const std::size_t units = width_of(input);
    if (width(units) != 0) return {};
    return "needs a multiple of " + std::to_string(activation_->units(1)) + " inputs";
  }
  Shape output(const Shape& input) const override {
    return with_width(input, activation_->outputs(width(width_of(input))));
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    const std::size_t own = width(width_of(input));
    if (activation_->parameters(own) == 0) return;
    tensors.begin("activation");
    tensors.add_activation(*activation_, own);
  }
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override {
    return 2 * buffered_values(output(input));
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<ActivationLayer<T>>(activation_, site, output(site.input));
  }

 private:
  // The width of which the activation makes so many units; 0 where there is none.
  std::size_t width(std::size_t units) const {
    const std::size_t each = activation_->units(1);
    return units % each == 0 ? units / each : 0;
  }

  std::shared_ptr<const Activation> activation_;
};

}  // namespace

std::shared_ptr<const LayerKind> activation_kind(std::shared_ptr<const Activation> activation) {
  return std::make_shared<ActivationKind>(std::move(activation));
}

std::string problem_as_part(const Activation& activation) {
  const bool fits =
      activation.units(1) == 1 && activation.outputs(1) == 1 && activation.parameters(1) == 0;
  return fits ? "" : "needs an activation with one output a unit and no parameters";
}

}  // namespace plumbline
