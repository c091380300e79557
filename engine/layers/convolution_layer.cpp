// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/convolution_layer.hpp"

#include <algorithm>
#include <utility>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/convolution_products.hpp"

namespace plumbline {

std::string Window::problem(const Shape& image) const {
  if (image.steps != 1 || !image.is_image()) return "needs images of more than one pixel";
  if (positions(image.height) > 0 && positions(image.width) > 0) return {};
  return "has a window of " + std::to_string(size) + " x " + std::to_string(size) +
         " pixels, larger than the image with its padding";
}

Window read_window(Settings& settings) {
  Window window;
  const std::int64_t size =
      settings.integer("kernel", 3, between(1, 10000), "pixels along a side of the window");
  window.size = static_cast<std::size_t>(size);
  window.stride = static_cast<std::size_t>(
      settings.integer("stride", 1, between(1, 10000), "pixels from window to window"));
  const std::int64_t padding =
      settings.integer("padding", 0, between(0, 10000), "zeros on each side of the image");
  window.padding = static_cast<std::size_t>(padding);
  if (padding >= size) {
    settings.problem("padding", "is " + std::to_string(padding) + "; a kernel of " +
                                    std::to_string(size) + " allows less than that");
  }
  return window;
}

namespace {

/// z = W patch + b and a = phi(z) for what the window sees at each position of each image. Backward:
///   delta = dL/da phi'(z),  dL/dW = mean sum of delta patch^T,  dL/db = mean sum of delta,
///   dL/d(patch) = W^T delta, added up at the pixels.
template <typename T>
class Convolution final : public Layer<T>, public WeightLayer<T> {
 public:
  Convolution(const Window& window, std::shared_ptr<const Activation> activation, const Shape& sums,
              const Shape& output, const Site& site)
      : products_(
            convolution_products<T>(site.gemm, window, site.input, sums.channels, site.batch)),
        sums_shape_(sums),
        output_shape_(output),
        activation_(std::move(activation)),
        weight_(site.tensors.next()),
        bias_(site.tensors.next()),
        activation_parameters_(site.tensors.next_activation(*activation_, output.channels)),
        pre_activation_(site.batch, sums),
        activated_(site.batch, output),
        error_signal_(site.batch, sums),
        output_gradient_(sums == output ? 0 : site.batch, output) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    input_ = input;
    rows_ = input.rows;
    products_->forward(weights_in(parameters), parameters.data() + bias_.offset, input,
                       pre_activation_.first_rows(rows_));
    const MatrixView<T> a = activated_.first_rows(rows_);
    activation_->forward(pixels(pre_activation(), sums_shape_), own(parameters),
                         pixels(a, output_shape_));
    return a;
  }
  MatrixView<T> output_gradient() override {
    return (sums_shape_ == output_shape_ ? error_signal_ : output_gradient_).first_rows(rows_);
  }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    input_ = input;
    const MatrixView<T> delta = error_signal_.first_rows(rows_);
    const std::span<T> own_gradient =
        gradient.subspan(activation_parameters_.offset, activation_parameters_.size());
    activation_->backward(pixels(pre_activation(), sums_shape_), pixels(output(), output_shape_),
                          own(parameters),
                          pixels(MatrixView<const T>(output_gradient()), output_shape_),
                          pixels(delta, sums_shape_), own_gradient);
    for (T& slope : own_gradient) slope *= mean;
    const MatrixView<T> by_weight{gradient.data() + weight_.offset, weight_.rows, weight_.cols,
                                  weight_.cols};
    products_->weight_gradient(delta, input, mean, by_weight);
    const std::span<T> by_bias = gradient.subspan(bias_.offset, bias_.size());
    sum_pixels(pixels(error_signal(), sums_shape_), mean, by_bias);
    const auto all_of = [](const ParameterTensor& tensor, std::span<const T> block) {
      return all_finite(block.subspan(tensor.offset, tensor.size()));
    };
    finite_ = true;
    for (const ParameterTensor* tensor : {&weight_, &bias_, &activation_parameters_}) {
      finite_ = finite_ && all_of(*tensor, parameters) && all_of(*tensor, gradient);
    }
    if (input_gradient.empty()) return;
    products_->input_gradient(weights_in(parameters), delta, input_gradient);
  }
  bool finite() const override { return finite_; }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    layers.push_back(this);
  }

  const ParameterTensor& weight() const override { return weight_; }
  const ParameterTensor& bias() const override { return bias_; }
  MatrixView<const T> input() const override { return input_; }
  MatrixView<const T> pre_activation() const override { return pre_activation_.first_rows(rows_); }
  MatrixView<const T> output() const override { return activated_.first_rows(rows_); }
  MatrixView<const T> error_signal() const override { return error_signal_.first_rows(rows_); }

 private:
  std::span<const T> own(std::span<const T> block) const {
    return block.subspan(activation_parameters_.offset, activation_parameters_.size());
  }
  MatrixView<const T> weights_in(std::span<const T> parameters) const {
    return {parameters.data() + weight_.offset, weight_.rows, weight_.cols, weight_.cols};
  }
  // column_sums() of a narrow matrix, several rows as one: each column alone would wait for its sum.
  void sum_pixels(MatrixView<const T> delta, T mean, std::span<T> sums) {
    const std::size_t side_by_side = std::max<std::size_t>(1, kSummedColumns / delta.cols);
    const std::size_t rows = delta.rows / side_by_side;
    const std::size_t left = delta.rows - rows * side_by_side;
    const std::size_t cols = side_by_side * delta.cols;
    if (delta.stride != delta.cols || side_by_side == 1 || rows == 0) {
      return column_sums(delta, mean, sums);
    }
    pixel_sums_.resize(cols);
    column_sums(MatrixView<const T>{delta.data, rows, cols, cols}, T(1), pixel_sums_);
    std::ranges::fill(sums, T(0));
    const auto add = [&](const T* more, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i, more += sums.size()) {
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += more[j];
      }
    };
    add(pixel_sums_.data(), side_by_side);
    add(delta.row(rows * side_by_side), left);
    for (T& sum : sums) sum *= mean;
  }

  static constexpr std::size_t kSummedColumns = 128;

  std::unique_ptr<ConvolutionProducts<T>> products_;
  Shape sums_shape_;
  Shape output_shape_;
  std::shared_ptr<const Activation> activation_;
  ParameterTensor weight_;
  ParameterTensor bias_;
  ParameterTensor activation_parameters_;  // of size 0 where there are none
  std::vector<T> pixel_sums_;
  Buffer<T> pre_activation_;
  Buffer<T> activated_;
  Buffer<T> error_signal_;
  Buffer<T> output_gradient_;  // empty where sums and outputs are alike: error_signal_ serves both
  MatrixView<const T> input_;
  std::size_t rows_ = 0;
  bool finite_ = true;
};

class ConvolutionKind final : public LayerKindOf<ConvolutionKind> {
 public:
  ConvolutionKind(std::size_t channels, const Window& window,
                  std::shared_ptr<const Activation> activation)
      : channels_(channels), window_(window), activation_(std::move(activation)) {}

  std::string problem(const Shape& input) const override { return window_.problem(input); }
  Shape output(const Shape& input) const override {
    return image(input, activation_->outputs(channels_));
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    const std::size_t units = activation_->units(channels_);
    const std::size_t places = window_.size * window_.size;
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, units, places * input.channels, {}, places);
    tensors.add("bias", ParameterGroup::bias, units, 1);
    tensors.add_activation(*activation_, channels_);
  }
  double products(const Shape& input) const override {
    const Shape sums = image(input, activation_->units(channels_));
    return static_cast<double>(sums.size() * (window_.size * window_.size * input.channels + 1));
  }
  double kept_values(const Shape& input) const override {
    // z, a, the error signal, and the inputs with their padding where there is one.
    const std::size_t both_sides = 2 * window_.padding;
    const Shape padded =
        Shape::image(input.channels, input.height + both_sides, input.width + both_sides);
    return static_cast<double>(3 * image(input, activation_->units(channels_)).size() +
                               (both_sides > 0 ? padded.size() : 0));
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Convolution<T>>(window_, activation_,
                                            image(site.input, activation_->units(channels_)),
                                            output(site.input), site);
  }

 private:
  Shape image(const Shape& input, std::size_t channels) const {
    return Shape::image(channels, window_.positions(input.height), window_.positions(input.width));
  }

  std::size_t channels_;
  Window window_;
  std::shared_ptr<const Activation> activation_;
};

}  // namespace

std::shared_ptr<const LayerKind> convolution_kind(std::size_t channels, const Window& window,
                                                  std::shared_ptr<const Activation> activation) {
  return std::make_shared<ConvolutionKind>(channels, window, std::move(activation));
}

}  // namespace plumbline
