// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// What recurrent layers have in common as settings.
struct RecurrentSize {
  std::size_t units = 0;
  std::size_t truncate =
      0;  ///< slopes go back over so many steps, counted from the first; 0: over all
};

/// Reads `width` and `truncate`.
RecurrentSize read_recurrent_size(Settings& settings, const LayerDefaults& model);

/// One step of an unrolled layer as probes see it: a weight layer whose input is the state before.
template <typename T>
struct UnrolledStep final : public WeightLayer<T> {
  const ParameterTensor* recurrent = nullptr;
  const ParameterTensor* bias_of_all = nullptr;
  MatrixView<const T> state_before;
  MatrixView<const T> sums;
  MatrixView<const T> state;
  MatrixView<const T> slopes;

  const ParameterTensor& weight() const override { return *recurrent; }
  const ParameterTensor& bias() const override { return *bias_of_all; }
  MatrixView<const T> input() const override { return state_before; }
  MatrixView<const T> pre_activation() const override { return sums; }
  MatrixView<const T> output() const override { return state; }
  MatrixView<const T> error_signal() const override { return slopes; }
  bool is_shared() const override { return true; }
};

/// A layer over the steps t = 1..S of a sequence, with full back-propagation through time (Rumelhart,
/// Hinton & Williams 1986; Werbos, Proceedings of the IEEE 78, 1990):
///   z_t = W x_t + b,  r_t = U h_{t-1} (+ c),  h_t = what the cell makes of z_t, r_t and its own state,
/// with h_0 = 0. W and U have a block of rows for each gate. The products over x are one for all steps.
///
/// A Cell has
///   static constexpr std::size_t kGates;
///   static constexpr bool kAddsSums;  // whether z_t + r_t is all that it needs, which z_t then holds
///   Cell(const RecurrentSize&, std::size_t rows, const Site&): reads the tensors behind the common ones
///   void forward(parameters, t, z, r, before, h)
///   void backward(parameters, t, z, r, before, h, dh, dz, dr, carried)
///     dh: dL/dh_t in; dz, dr: slopes in the sums out (dr the same as dz where kAddsSums); what goes to
///     h_{t-1} beside U^T dr is added to `carried`
///   void begin_backward(gradient), void end_backward(mean, gradient): for the cell's own tensors
///   bool finite(parameters, gradient)
template <typename T, class Cell>
class Recurrent final : public Layer<T> {
 public:
  template <class... More>
  Recurrent(const RecurrentSize& size, const Site& site, const More&... more)
      : gemm_(site.gemm),
        size_(size),
        steps_(site.input.steps),
        weight_(gates(site)),
        recurrent_(gates(site)),
        bias_(gates(site)),
        cell_(size, site.batch * steps_, site, more...),
        sums_(site.batch * steps_, Shape::vector(Cell::kGates * size.units)),
        recurrent_sums_(Cell::kAddsSums ? 0 : site.batch * steps_,
                        Shape::vector(Cell::kGates * size.units)),
        slopes_(site.batch * steps_, Shape::vector(Cell::kGates * size.units)),
        recurrent_slopes_(Cell::kAddsSums ? 0 : site.batch * steps_,
                          Shape::vector(Cell::kGates * size.units)),
        // Step 0 is the state before the first one.
        states_(site.batch * (steps_ + 1), Shape::vector(size.units)),
        output_gradient_(site.batch * steps_, Shape::vector(size.units)),
        carried_(site.batch, Shape::vector(size.units)),
        unrolled_(steps_) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    batch_ = input.rows / steps_;
    multiply(gemm_, as_is<T>(input), transposed<T>(matrix(weight_, parameters)),
             sums_.first_rows(input.rows), Start<T>(parameters.data() + bias_.offset));
    for (std::size_t i = 0; i < batch_; ++i) {
      std::fill_n(states_.first_rows(batch_).row(i), size_.units, T(0));
    }
    for (std::size_t t = 0; t < steps_; ++t) {
      const MatrixView<T> z = step(sums_, t);
      const MatrixView<const T> before = step(states_, t);
      if constexpr (Cell::kAddsSums) {
        multiply(gemm_, as_is<T>(before), transposed<T>(matrix(recurrent_, parameters)), z,
                 Start<T>::at_result());
        cell_.forward(parameters, t, batch_, z, z, before, step(states_, t + 1));
      } else {
        const MatrixView<T> r = step(recurrent_sums_, t);
        multiply(gemm_, as_is<T>(before), transposed<T>(matrix(recurrent_, parameters)), r,
                 Start<T>(cell_.recurrent_bias(parameters)));
        cell_.forward(parameters, t, batch_, z, r, before, step(states_, t + 1));
      }
    }
    for (std::size_t t = 0; t < steps_; ++t) {
      unrolled_[t].recurrent = &recurrent_;
      unrolled_[t].bias_of_all = &bias_;
      unrolled_[t].state_before = step(states_, t);
      // Of the products with the state, where those have sums of their own.
      unrolled_[t].sums = step(Cell::kAddsSums ? sums_ : recurrent_sums_, t);
      unrolled_[t].state = step(states_, t + 1);
      unrolled_[t].slopes = step(Cell::kAddsSums ? slopes_ : recurrent_slopes_, t);
    }
    return behind_first_step();
  }

  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(batch_ * steps_); }

  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const MatrixView<T> carried = carried_.first_rows(batch_);
    cell_.begin_backward();
    for (std::size_t t = steps_; t-- > 0;) {
      const bool last = t + 1 == steps_;
      const bool cut = !last && size_.truncate > 0 && (t + 1) % size_.truncate == 0;
      const MatrixView<T> dh = step(output_gradient_, t);
      if (cut) cell_.begin_backward();
      if (!last && !cut) {
        for_each_batch_of_rows([](auto& sum, const auto& more) { sum += more; }, dh,
                               MatrixView<const T>(carried));
      }
      const MatrixView<T> dz = step(slopes_, t);
      const MatrixView<T> dr = Cell::kAddsSums ? dz : step(recurrent_slopes_, t);
      const MatrixView<const T> z = step(sums_, t);
      const MatrixView<const T> r =
          Cell::kAddsSums ? z : MatrixView<const T>(step(recurrent_sums_, t));
      // What the cell adds to it comes first, then U^T dr.
      cell_.backward(parameters, t, batch_, z, r, step(states_, t), step(states_, t + 1), dh, dz,
                     dr, carried);
      if (t > 0) {
        multiply(gemm_, as_is<T>(MatrixView<const T>(dr)), as_is<T>(matrix(recurrent_, parameters)),
                 carried, Start<T>::at_result());
      }
    }
    write_gradients(parameters, input, mean, gradient);
    if (!input_gradient.empty()) {
      multiply(gemm_, as_is<T>(MatrixView<const T>(slopes_.first_rows(input.rows))),
               as_is<T>(matrix(weight_, parameters)), input_gradient);
    }
  }

  bool finite() const override { return finite_; }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    for (const UnrolledStep<T>& step : unrolled_) layers.push_back(&step);
  }

 private:
  // The tensors of all gates, which follow each other, as one.
  static ParameterTensor gates(const Site& site) {
    ParameterTensor all = site.tensors.next();
    for (std::size_t gate = 1; gate < Cell::kGates; ++gate) all.rows += site.tensors.next().rows;
    return all;
  }
  static MatrixView<const T> matrix(const ParameterTensor& tensor, std::span<const T> block) {
    return {block.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
  }
  MatrixView<T> step(Buffer<T>& buffer, std::size_t t) const {
    MatrixView<T> all = buffer.first_rows((t + 1) * batch_);
    return {all.row(t * batch_), batch_, all.cols, all.stride};
  }
  MatrixView<const T> behind_first_step() {
    const MatrixView<T> all = states_.first_rows((steps_ + 1) * batch_);
    return {all.row(batch_), steps_ * batch_, all.cols, all.stride};
  }

  void write_gradients(std::span<const T> parameters, MatrixView<const T> input, T mean,
                       std::span<T> gradient) {
    const std::size_t rows = batch_ * steps_;
    const MatrixView<const T> dz = slopes_.first_rows(rows);
    const MatrixView<const T> dr =
        Cell::kAddsSums ? dz : MatrixView<const T>(recurrent_slopes_.first_rows(rows));
    finite_ = true;
    multiply(gemm_, transposed<T>(dz), as_is<T>(input),
             {gradient.data() + weight_.offset, weight_.rows, weight_.cols, weight_.cols},
             Start<T>(), mean, &finite_);
    // The state before the first step is 0 and adds nothing, but what is not finite.
    multiply(
        gemm_, transposed<T>(dr), as_is<T>(MatrixView<const T>(states_.first_rows(rows))),
        {gradient.data() + recurrent_.offset, recurrent_.rows, recurrent_.cols, recurrent_.cols},
        Start<T>(), mean, &finite_);
    column_sums(dz, mean, gradient.subspan(bias_.offset, bias_.rows));
    cell_.end_backward(dr, mean, gradient);
    for (const ParameterTensor* tensor : {&weight_, &recurrent_, &bias_}) {
      finite_ = finite_ && all_finite(parameters.subspan(tensor->offset, tensor->size()));
    }
    finite_ = finite_ &&
              all_finite(std::span<const T>(gradient).subspan(bias_.offset, bias_.rows)) &&
              cell_.finite(parameters, gradient);
  }

  Gemm gemm_;
  RecurrentSize size_;
  std::size_t steps_;
  ParameterTensor weight_;
  ParameterTensor recurrent_;
  ParameterTensor bias_;
  Cell cell_;
  Buffer<T> sums_;
  Buffer<T> recurrent_sums_;
  Buffer<T> slopes_;
  Buffer<T> recurrent_slopes_;
  Buffer<T> states_;
  Buffer<T> output_gradient_;
  Buffer<T> carried_;  // dL/dh of the step before, as far as it comes through this one
  std::vector<UnrolledStep<T>> unrolled_;
  std::size_t batch_ = 0;
  bool finite_ = true;
};

/// Declares the weights over the inputs, those over the state, and the biases of these gates; a bias
/// with a number starts there.
struct Gate {
  const char* name;
  std::optional<double> bias = {};
};
void declare_gates(const Shape& input, std::size_t units, std::span<const Gate> gates,
                   TensorList& tensors);

/// What the kinds of recurrent layers have in common.
template <class Derived>
class RecurrentKind : public LayerKindOf<Derived> {
 public:
  explicit RecurrentKind(const RecurrentSize& size) : size_(size) {}

  std::string problem(const Shape& input) const override {
    return input.steps > 1 ? "" : "needs sequences of more than one step";
  }
  Shape output(const Shape& input) const override {
    return Shape::sequence(input.steps, size_.units);
  }
  double products(const Shape& input) const override {
    return static_cast<double>(input.steps * Derived::kGates * size_.units *
                               (input.values() + size_.units + 1));
  }
  double kept_values(const Shape& input) const override {
    return static_cast<double>(input.steps * Derived::kKept * padded_stride<float>(size_.units));
  }

 protected:
  RecurrentSize size_;
};

}  // namespace plumbline
