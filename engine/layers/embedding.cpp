// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline::layers {

namespace {

/// A table with a row of `width` values for each symbol, which is a whole number x: y = table row x.
/// Backward, the rows of the batch added in rising order:
///   d table row x = mean sum of dy where x stood, and 0 for symbols that are not in the batch.
/// It is a dense layer without biases on one-hot inputs, W being the table's transpose, without that
/// layer's products. No weight layer: what stands in its inputs is no x of z = W x + b.
/// The table starts from N(0, deviation^2) whatever the model's initializer is: a symbol is not a sum over
/// fan_in inputs, whose number initializers divide by. With 1, as PyTorch has it, the values of a symbol
/// are of the size of standardized inputs.
template <typename T>
class Embedding final : public Layer<T> {
 public:
  Embedding(std::size_t width, double deviation, const Shape& output, const Site& site)
      : width_(width),
        deviation_(deviation),
        table_(site.tensors.next()),
        symbols_(site.batch * site.input.steps * site.input.values()),
        output_(site.batch * site.input.steps, output),
        output_gradient_(site.batch * site.input.steps, output) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    rows_ = input.rows;
    const MatrixView<T> y = output_.first_rows(rows_);
    std::size_t* symbol = symbols_.data();
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t j = 0; j < input.cols; ++j, ++symbol) {
        *symbol = symbol_of(input(i, j));
        std::copy_n(parameters.data() + table_.offset + *symbol * width_, width_,
                    y.row(i) + j * width_);
      }
    }
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const std::span<T> slopes = gradient.subspan(table_.offset, table_.size());
    std::ranges::fill(slopes, T(0));
    const MatrixView<T> dy = output_gradient();
    const Batch<T> factor(mean);
    const std::size_t* symbol = symbols_.data();
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t j = 0; j < input.cols; ++j, ++symbol) {
        for_each_batch(
            width_, [&](auto& sum, const auto& up) { sum += factor * up; },
            slopes.data() + *symbol * width_, static_cast<const T*>(dy.row(i)) + j * width_);
      }
    }
    finite_ = all_finite(parameters.subspan(table_.offset, table_.size())) &&
              all_finite(std::span<const T>(slopes));
    // Symbols have no neighbours.
    for (std::size_t i = 0; i < input_gradient.rows; ++i) {
      std::fill_n(input_gradient.row(i), input_gradient.cols, T(0));
    }
  }
  bool finite() const override { return finite_; }
  // The net has drawn N(0, 1).
  void settle(std::span<T> parameters) const override {
    for (T& value : parameters.subspan(table_.offset, table_.size())) {
      value = static_cast<T>(deviation_ * static_cast<double>(value));
    }
  }

 private:
  std::size_t symbol_of(T value) const {
    if (value >= T(0) && value < static_cast<T>(table_.rows)) {
      const auto symbol = static_cast<std::size_t>(value);
      if (static_cast<T>(symbol) == value) return symbol;
    }
    throw std::invalid_argument("embedding: an input is " + std::to_string(value) +
                                "; symbols are whole numbers from 0 to " +
                                std::to_string(table_.rows - 1));
  }

  std::size_t width_;
  double deviation_;
  ParameterTensor table_;
  std::vector<std::size_t> symbols_;  // of the last forward pass
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::size_t rows_ = 0;
  bool finite_ = true;
};

class EmbeddingKind final : public LayerKindOf<EmbeddingKind> {
 public:
  EmbeddingKind(std::size_t width, double deviation) : width_(width), deviation_(deviation) {}

  std::string problem(const Shape& input) const override {
    return input.symbols > 0 ? "" : "needs symbols, such as those of data.encoding = \"index\"";
  }
  bool takes_symbols() const override { return true; }
  Shape output(const Shape& input) const override {
    return Shape::sequence(input.steps, input.values() * width_);
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    tensors.begin("embedding");
    tensors.add("table", ParameterGroup::input, input.symbols, width_);
  }
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override {
    const Shape made = output(input);
    return static_cast<double>(2 * made.steps * padded_stride<float>(made.values()) +
                               2 * input.size());
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Embedding<T>>(width_, deviation_, output(site.input), site);
  }

 private:
  std::size_t width_;
  double deviation_;
};

}  // namespace

LayerEntry embedding() {
  return layer_entry(
      {
          .summary = "Learned values for each symbol, looked up in a table.",
          .formula = "y = row x of a table of symbols x width, ~ N(0, std^2); of several symbols "
                     "side by side",
          .paper = "Bengio, Ducharme, Vincent & Jauvin, A neural probabilistic language model, "
                   "Journal of Machine Learning Research 3, 2003",
      },
      [](Settings& settings, const LayerDefaults& model) -> std::shared_ptr<const LayerKind> {
        const std::size_t width = read_width(settings, model);
        const double deviation =
            settings.number("std", 1, kNonNegative,
                            "standard deviation of the table's start, whatever the initializer; "
                            "from_file has values of its own");
        return std::make_shared<EmbeddingKind>(width, deviation);
      });
}

}  // namespace plumbline::layers
