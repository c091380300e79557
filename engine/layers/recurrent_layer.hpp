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
#include "engine/kernels/elementwise_rows.hpp"
#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/kernels/transpose.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// What recurrent layers have in common as settings.
struct RecurrentSize {
  std::size_t units = 0;
  /// Slopes stay in pieces of so many steps, counted from the last one; 0: they go back over all.
  std::size_t truncate = 0;
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
  MatrixView<const T>
      state_slopes;  ///< dL_i/dh_t after backward(), all that comes from later steps in it

  const ParameterTensor& weight() const override { return *recurrent; }
  const ParameterTensor& bias() const override { return *bias_of_all; }
  MatrixView<const T> input() const override { return state_before; }
  MatrixView<const T> pre_activation() const override { return sums; }
  MatrixView<const T> output() const override { return state; }
  MatrixView<const T> error_signal() const override { return slopes; }
  bool is_shared() const override { return true; }
};

/// What a cell sees of a step.
template <typename T>
struct CellStep {
  std::size_t t = 0;                   ///< from 0 on
  MatrixView<const T> sums;            ///< z_t, or z_t + r_t for a cell that needs no more
  MatrixView<const T> recurrent_sums;  ///< r_t
  MatrixView<const T> before;          ///< h_{t-1}
  MatrixView<T> state;                 ///< h_t
  /// dL/dz_t and dL/dr_t; what forward() leaves here is what backward() finds.
  MatrixView<T> slopes;
  MatrixView<T> recurrent_slopes;
  MatrixView<const T> upstream;  ///< dL/dh_t
  MatrixView<T> to_before;       ///< dL/dh_{t-1}, as far as it is known
};

/// The rows of one step where a buffer has `batch` for each.
template <typename T>
MatrixView<T> rows_of_step(Buffer<T>& buffer, std::size_t t, std::size_t batch) {
  const MatrixView<T> all = buffer.first_rows((t + 1) * batch);
  return {all.row(t * batch), batch, all.cols, all.stride};
}

/// The columns of gate number `index`, from 0 on, where each gate has so many units.
template <typename T>
MatrixView<T> of_gate(const MatrixView<T>& gates, std::size_t index, std::size_t units) {
  return columns(gates, index * units, units);
}

template <typename T>
void fill_with_zeros(const MatrixView<T>& matrix) {
  for (std::size_t i = 0; i < matrix.rows; ++i) std::fill_n(matrix.row(i), matrix.cols, T(0));
}

/// A layer over the steps t = 1..S of a sequence, with back-propagation through time (Rumelhart,
/// Hinton & Williams 1986; Werbos, Proceedings of the IEEE 78, 1990):
///   z_t = W x_t + b,  r_t = U h_{t-1} (+ c),  h_t = what the cell makes of z_t, r_t and its own state,
/// with h_0 = 0. W and U have a block of rows for each gate. The products that make the gradients of W
/// and U are one for all steps, and so are those over x where W is large.
///
/// A Cell has
///   static constexpr std::size_t kGates;
///   static constexpr bool kAddsSums;  // whether z_t + r_t is all that it needs; then there is no r_t
///   Cell(const RecurrentSize&, std::size_t rows, const Site&): reads the tensors behind the common ones
///   void forward(parameters, const CellStep&)
///   void backward(parameters, const CellStep&): writes the slopes in the sums, and adds what goes to
///     h_{t-1} beside U^T dr to `to_before`
///   void begin_backward(): nothing comes from later steps to the one that follows
///   void end_backward(dr of all steps, mean, gradient): for the cell's own tensors
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
        turned_(std::max(size.units, site.input.values()),
                Shape::vector(Cell::kGates * size.units)),
        recurrent_copy_(size.units % HalfBatch<T>::size == 0 ? 0 : recurrent_.rows,
                        Shape::vector(size.units)),
        sums_(site.batch * steps_, Shape::vector(Cell::kGates * size.units)),
        recurrent_sums_(Cell::kAddsSums ? 0 : site.batch * steps_,
                        Shape::vector(Cell::kGates * size.units)),
        slopes_(site.batch * steps_, Shape::vector(Cell::kGates * size.units)),
        recurrent_slopes_(Cell::kAddsSums ? 0 : site.batch * steps_,
                          Shape::vector(Cell::kGates * size.units)),
        // Step 0 is the state before the first one.
        states_(site.batch * (steps_ + 1), Shape::vector(size.units)),
        output_gradient_(site.batch * steps_, Shape::vector(size.units)),
        nowhere_(site.batch, Shape::vector(size.units)),
        unrolled_(steps_) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    batch_ = input.rows / steps_;
    multiply(gemm_, as_is<T>(input), transposed<T>(matrix(weight_, parameters)),
             sums_.first_rows(input.rows), Start<T>(parameters.data() + bias_.offset));
    // Turned over once, not in the product of each step.
    const MatrixView<T> turned = turned_.first_rows(size_.units);
    transpose(matrix(recurrent_, parameters), turned);
    fill_with_zeros(states_.first_rows(batch_));
    for (std::size_t t = 0; t < steps_; ++t) {
      const MatrixView<const T> before = rows_of_step(states_, t, batch_);
      if constexpr (Cell::kAddsSums) {
        multiply(gemm_, as_is<T>(before), as_is<T>(of_whole_lanes(turned)),
                 of_whole_lanes(rows_of_step(sums_, t, batch_)), Start<T>::at_result());
      } else {
        multiply(gemm_, as_is<T>(before), as_is<T>(turned),
                 rows_of_step(recurrent_sums_, t, batch_),
                 Start<T>(cell_.recurrent_bias(parameters)));
      }
      const CellStep<T> step = step_of(t);
      cell_.forward(parameters, step);
      // Of the products with the state, where those have sums of their own.
      UnrolledStep<T>& shown = unrolled_[t];
      shown.recurrent = &recurrent_;
      shown.bias_of_all = &bias_;
      shown.state_before = before;
      shown.sums = Cell::kAddsSums ? step.sums : step.recurrent_sums;
      shown.state = step.state;
      shown.slopes = Cell::kAddsSums ? step.slopes : step.recurrent_slopes;
      shown.state_slopes = rows_of_step(output_gradient_, t, batch_);
    }
    const MatrixView<const T> all = states_.first_rows((steps_ + 1) * batch_);
    return {all.row(batch_), steps_ * batch_, all.cols, all.stride};
  }

  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(batch_ * steps_); }

  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    cell_.begin_backward();
    const MatrixView<const T> recurrent = recurrent_of_whole_lanes(parameters);
    for (std::size_t t = steps_; t-- > 0;) {
      CellStep<T> step = step_of(t);
      step.upstream = rows_of_step(output_gradient_, t, batch_);
      if (goes_back_from(t)) {
        step.to_before = rows_of_step(output_gradient_, t - 1, batch_);
        cell_.backward(parameters, step);
        const MatrixView<const T> slopes = Cell::kAddsSums ? step.slopes : step.recurrent_slopes;
        multiply(gemm_, as_is<T>(slopes), as_is<T>(recurrent), of_whole_lanes(step.to_before),
                 Start<T>::at_result());
      } else {
        step.to_before = nowhere_.first_rows(batch_);
        fill_with_zeros(step.to_before);
        cell_.backward(parameters, step);
        cell_.begin_backward();
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

  // With columns of padding, as many as make whole lanes: the products of each step then find all columns
  // in place (kernels/gemm.cpp). What they leave in the padding is read by nobody.
  template <typename U>
  static MatrixView<U> of_whole_lanes(const MatrixView<U>& padded) {
    constexpr std::size_t kLanes = HalfBatch<T>::size;
    return {padded.data, padded.rows, (padded.cols + kLanes - 1) / kLanes * kLanes, padded.stride};
  }
  MatrixView<const T> recurrent_of_whole_lanes(std::span<const T> parameters) {
    const MatrixView<const T> given = matrix(recurrent_, parameters);
    if (recurrent_copy_.empty()) return given;
    const MatrixView<T> copy = recurrent_copy_.first_rows(given.rows);
    for (std::size_t i = 0; i < given.rows; ++i) std::copy_n(given.row(i), given.cols, copy.row(i));
    return of_whole_lanes(MatrixView<const T>(copy));
  }

  // Steps whose sums over the inputs are made together: all, or, where W is so small that reading it again
  // is nothing, as many as stay in the cache until the state is added.
  std::size_t steps_of_block() const {
    constexpr std::size_t kSmallWeights = 16 * 1024;
    constexpr std::size_t kSums = 64 * 1024;
    if (weight_.size() * sizeof(T) > kSmallWeights) return steps_;
    return std::max<std::size_t>(1, kSums / (batch_ * weight_.rows * sizeof(T)));
  }
  // z = W x + b of these steps.
  void add_up_inputs(std::span<const T> parameters, MatrixView<const T> input, std::size_t first,
                     std::size_t steps) {
    const std::size_t rows = steps * batch_;
    const MatrixView<T> sums = sums_.first_rows((first + steps) * batch_);
    multiply(
        gemm_,
        as_is<T>(MatrixView<const T>{input.row(first * batch_), rows, input.cols, input.stride}),
        transposed<T>(matrix(weight_, parameters)),
        MatrixView<T>{sums.row(first * batch_), rows, sums.cols, sums.stride},
        Start<T>(parameters.data() + bias_.offset));
  }

  // Whether slopes go from step t to the one before.
  bool goes_back_from(std::size_t t) const {
    return t > 0 && (size_.truncate == 0 || (steps_ - t) % size_.truncate != 0);
  }

  // What both passes see of it.
  CellStep<T> step_of(std::size_t t) {
    CellStep<T> step;
    step.t = t;
    step.sums = rows_of_step(sums_, t, batch_);
    step.before = rows_of_step(states_, t, batch_);
    step.state = rows_of_step(states_, t + 1, batch_);
    step.slopes = rows_of_step(slopes_, t, batch_);
    if constexpr (!Cell::kAddsSums) {
      step.recurrent_sums = rows_of_step(recurrent_sums_, t, batch_);
      step.recurrent_slopes = rows_of_step(recurrent_slopes_, t, batch_);
    }
    return step;
  }

  void write_gradients(std::span<const T> parameters, MatrixView<const T> input, T mean,
                       std::span<T> gradient) {
    const std::size_t rows = batch_ * steps_;
    const MatrixView<const T> dz = slopes_.first_rows(rows);
    const MatrixView<const T> dr =
        Cell::kAddsSums ? dz : MatrixView<const T>(recurrent_slopes_.first_rows(rows));
    finite_ = true;
    write_gradient(weight_, dz, input, mean, gradient);
    // The state before the first step is 0 and adds nothing, but what is not finite.
    write_gradient(recurrent_, dr, states_.first_rows(rows), mean, gradient);
    column_sums(dz, mean, gradient.subspan(bias_.offset, bias_.rows));
    cell_.end_backward(dr, mean, gradient);
    for (const ParameterTensor* tensor : {&weight_, &recurrent_, &bias_}) {
      finite_ = finite_ && all_finite(parameters.subspan(tensor->offset, tensor->size()));
    }
    finite_ = finite_ &&
              all_finite(std::span<const T>(gradient).subspan(bias_.offset, bias_.rows)) &&
              cell_.finite(parameters, gradient);
  }

  // slopes^T inputs. Its longer side makes the columns of the product, of which tiles leave fewer over.
  void write_gradient(const ParameterTensor& tensor, MatrixView<const T> slopes,
                      MatrixView<const T> inputs, T mean, std::span<T> gradient) {
    const MatrixView<T> to{gradient.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
    if (tensor.rows <= tensor.cols) {
      multiply(gemm_, transposed<T>(slopes), as_is<T>(inputs), to, Start<T>(), mean, &finite_);
      return;
    }
    const MatrixView<T> turned = turned_.first_rows(tensor.cols);
    multiply(gemm_, transposed<T>(inputs), as_is<T>(slopes), turned, Start<T>(), mean, &finite_);
    transpose(MatrixView<const T>(turned), to);
  }

  Gemm gemm_;
  RecurrentSize size_;
  std::size_t steps_;
  ParameterTensor weight_;
  ParameterTensor recurrent_;
  ParameterTensor bias_;
  Cell cell_;
  Buffer<T> turned_;          // U^T forward, a transposed gradient backward
  Buffer<T> recurrent_copy_;  // U with padding, where its rows are not of whole lanes
  Buffer<T> sums_;
  Buffer<T> recurrent_sums_;
  Buffer<T> slopes_;
  Buffer<T> recurrent_slopes_;
  Buffer<T> states_;
  Buffer<T> output_gradient_;
  Buffer<T> nowhere_;  // what would go to the step before where none is to see it
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
