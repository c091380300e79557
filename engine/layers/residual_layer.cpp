// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/residual_layer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/curved_layer.hpp"
#include "engine/layers/noisy_kind.hpp"
#include "engine/layers/stack.hpp"

namespace plumbline {

namespace {

/// Backward: dF = scale dy, dx = dy + what F passes back; a learned scale has the slope sum of dy F(x).
template <typename T>
class Residual final : public Layer<T>, public CurvedLayer<T> {
 public:
  Residual(const StackKind& branch, const BranchScale& scale, Site site)
      : scale_(scale),
        learned_(scale.learned ? site.tensors.next() : ParameterTensor()),
        branch_(branch.make<T>(site)),
        curved_branch_(branch_),
        most_rows_(site.batch * site.input.steps),
        shape_(site.input),
        output_(site.batch * site.input.steps, site.input),
        output_gradient_(site.batch * site.input.steps, site.input) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override {
    rows_ = input.rows;
    const MatrixView<const T> inner = branch_.forward(parameters, input, pass);
    const Batch<T> factor(factor_in(parameters));
    const MatrixView<T> y = output_.first_rows(rows_);
    for_each_batch_of_rows([&](auto& out, const auto& in, const auto& f) { out = in + factor * f; },
                           y, input, inner);
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const MatrixView<const T> dy = output_gradient();
    finite_ = true;
    if (scale_.learned) {
      const double slope = inner_product(dy, branch_.output());
      gradient[learned_.offset] = static_cast<T>(static_cast<double>(mean) * slope);
      finite_ = std::isfinite(gradient[learned_.offset]) && std::isfinite(factor_in(parameters));
    }
    const Batch<T> factor(factor_in(parameters));
    for_each_batch_of_rows([&](auto& out, const auto& up) { out = factor * up; },
                           branch_.output_gradient(), dy);
    branch_.backward(parameters, input, mean, gradient, input_gradient);
    if (input_gradient.empty()) return;
    for_each_batch_of_rows([](auto& out, const auto& up) { out += up; }, input_gradient, dy);
  }
  bool finite() const override { return finite_ && branch_.finite(); }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    branch_.add_weight_layers(layers);
  }
  void settle(std::span<T> parameters) const override { branch_.settle(parameters); }
  void add_state(std::vector<std::span<T>>& states) override { branch_.add_state(states); }

  // R{y} = R{x} + s R{F} + R{s} F.
  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> input,
                              MatrixView<const T> input_direction) override {
    if (direction_.empty()) direction_ = Buffer<T>(most_rows_, shape_);
    inner_direction_ = branch_.tangent(parameters, direction, input, input_direction);
    const Batch<T> factor(factor_in(parameters));
    const Batch<T> factor_along(factor_direction(direction));
    const MatrixView<T> along = direction_.first_rows(rows_);
    for_each_batch_of_rows([&](auto& out, const auto& f,
                               const auto& f_along) { out = factor * f_along + factor_along * f; },
                           along, branch_.output(), inner_direction_);
    if (!input_direction.empty()) {
      for_each_batch_of_rows([](auto& out, const auto& x_along) { out += x_along; }, along,
                             input_direction);
    }
    return along;
  }
  std::string curvature_problem() const override {
    for (std::size_t l = 0; l < curved_branch_.size(); ++l) {
      const std::string problem = curved_branch_.problem(l);
      if (!problem.empty()) return "holds a layer that " + problem;
    }
    return {};
  }
  void keep_curvature() override {
    curved_branch_.keep_curvature();
    output_gradient_direction_ = Buffer<T>(most_rows_, shape_);
  }
  MatrixView<T> output_gradient_direction() override {
    return output_gradient_direction_.first_rows(rows_);
  }
  // R{dF} = s R{dy} + R{s} dy,  R{dx} = R{dy} + what F passes back,
  // R{dL/ds} = mean sum of R{dy} F + dy R{F}.
  void backward_tangent(std::span<const T> parameters, std::span<const T> direction, T mean,
                        std::span<T> gradient_direction,
                        MatrixView<T> input_gradient_direction) override {
    const MatrixView<const T> dy = output_gradient();
    const MatrixView<const T> dy_along = output_gradient_direction();
    if (scale_.learned) {
      gradient_direction[learned_.offset] =
          static_cast<T>(static_cast<double>(mean) * (inner_product(dy_along, branch_.output()) +
                                                      inner_product(dy, inner_direction_)));
    }
    const Batch<T> factor(factor_in(parameters));
    const Batch<T> factor_along(factor_direction(direction));
    for_each_batch_of_rows(
        [&](auto& out, const auto& up, const auto& up_along) {
          out = factor * up_along + factor_along * up;
        },
        curved_branch_.output_gradient_direction(), dy, dy_along);
    curved_branch_.backward_tangent(parameters, direction, mean, gradient_direction,
                                    input_gradient_direction);
    if (input_gradient_direction.empty()) return;
    for_each_batch_of_rows([](auto& out, const auto& up) { out += up; }, input_gradient_direction,
                           dy_along);
  }

 private:
  static double inner_product(MatrixView<const T> a, MatrixView<const T> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rows; ++i) {
      sum += dot(std::span<const T>(a.row(i), a.cols), std::span<const T>(b.row(i), b.cols));
    }
    return sum;
  }
  T factor_direction(std::span<const T> direction) const {
    return scale_.learned ? direction[learned_.offset] : T(0);
  }
  T factor_in(std::span<const T> parameters) const {
    return scale_.learned ? parameters[learned_.offset] : static_cast<T>(scale_.factor);
  }

  BranchScale scale_;
  ParameterTensor learned_;  // of size 0 where the factor is fixed
  Stack<T> branch_;
  CurvedStack<T> curved_branch_;
  std::size_t most_rows_;
  Shape shape_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::size_t rows_ = 0;
  bool finite_ = true;
  // These are for tangent() and backward_tangent().
  MatrixView<const T> inner_direction_;
  Buffer<T> direction_;
  Buffer<T> output_gradient_direction_;
};

class ResidualKind final : public LayerKindOf<ResidualKind>, public NoisyKind {
 public:
  ResidualKind(std::vector<std::shared_ptr<const LayerKind>> branch, const BranchScale& scale)
      : branch_(std::move(branch)), scale_(scale) {}

  std::string problem(const Shape& input) const override {
    if (branch_.kinds().empty()) return "has no layers";
    Shape shape = input;
    for (const auto& kind : branch_.kinds()) {
      const std::string inner = kind->problem(shape);
      if (!inner.empty()) return "has a layer that " + inner;
      shape = kind->output(shape);
    }
    if (shape == input) return {};
    return "adds " + to_string(shape) + " of its layers to " + to_string(input) +
           " of its input; the two must be alike";
  }
  Shape output(const Shape& input) const override { return input; }
  void declare(const Shape& input, TensorList& tensors) const override {
    if (scale_.learned) {
      tensors.begin("residual");
      tensors.add("scale", ParameterGroup::norm, 1, 1, scale_.factor);
    }
    tensors.begin_branch();
    branch_.declare(input, tensors);
    tensors.end_branch();
  }
  double products(const Shape& input) const override { return branch_.products(input); }
  double kept_values(const Shape& input) const override {
    return branch_.kept_values(input) + 2 * buffered_values(input);
  }
  std::size_t least_batch(const Shape& input) const override { return branch_.least_batch(input); }
  bool keeps_statistics() const override { return branch_.keeps_statistics(); }
  bool draws_noise() const override {
    return std::ranges::any_of(branch_.kinds(),
                               [](const auto& kind) { return plumbline::draws_noise(*kind); });
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Residual<T>>(branch_, scale_, site);
  }

 private:
  StackKind branch_;
  BranchScale scale_;
};

}  // namespace

std::shared_ptr<const LayerKind> residual_kind(std::vector<std::shared_ptr<const LayerKind>> branch,
                                               const BranchScale& scale) {
  return std::make_shared<ResidualKind>(std::move(branch), scale);
}

}  // namespace plumbline
