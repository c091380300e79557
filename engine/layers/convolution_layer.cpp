// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/convolution_layer.hpp"

#include <algorithm>
#include <utility>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"

namespace plumbline {

std::string Window::problem(const Shape& image) const {
  if (image.steps != 1 || !image.is_image()) return "needs images";
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

/// What the windows of one image see, a row for each position: size x size pixels of all channels.
class Patches {
 public:
  Patches(const Window& window, const Shape& input)
      : window_(window),
        input_(input),
        rows_(window.positions(input.height)),
        cols_(window.positions(input.width)) {}

  std::size_t positions() const { return rows_ * cols_; }
  std::size_t values() const { return window_.size * window_.size * input_.channels; }
  /// Whether a patch is a pixel, and so the image itself holds them.
  bool are_pixels() const {
    return window_.size == 1 && window_.stride == 1 && window_.padding == 0;
  }

  template <typename T>
  void gather(const T* image, T* patches) const {
    for_each_line([&](std::size_t patch, std::size_t offset, const Line& line) {
      T* to = patches + patch * values() + offset;
      const std::size_t before = line.before * input_.channels;
      const std::size_t inside = line.inside * input_.channels;
      std::fill_n(to, before, T(0));
      std::copy_n(image + line.first, inside, to + before);
      std::fill_n(to + before + inside, window_.size * input_.channels - before - inside, T(0));
    });
  }
  /// The other way: adds what belongs to each pixel, in the order of the patches.
  template <typename T>
  void scatter(const T* patches, T* image) const {
    std::fill_n(image, input_.values(), T(0));
    for_each_line([&](std::size_t patch, std::size_t offset, const Line& line) {
      const T* from = patches + patch * values() + offset + line.before * input_.channels;
      T* to = image + line.first;
      for (std::size_t i = 0; i < line.inside * input_.channels; ++i) to[i] += from[i];
    });
  }

 private:
  // A line of a window: pixels to the left of the image, and those in it, from value `first` of it on.
  struct Line {
    std::size_t before = 0;
    std::size_t inside = 0;
    std::size_t first = 0;
  };

  // Calls function(patch, offset of the line in the patch, line).
  template <class Function>
  void for_each_line(const Function& function) const {
    const std::size_t values_of_line = window_.size * input_.channels;
    for (std::size_t y = 0; y < rows_; ++y) {
      for (std::size_t x = 0; x < cols_; ++x) {
        // Counted from the padding's corner.
        const std::size_t left = x * window_.stride;
        const std::size_t begin = std::max(left, window_.padding);
        const std::size_t end = std::min(left + window_.size, window_.padding + input_.width);
        for (std::size_t line = 0; line < window_.size; ++line) {
          const std::size_t row = y * window_.stride + line;
          Line found;
          if (row >= window_.padding && row < window_.padding + input_.height && begin < end) {
            found.before = begin - left;
            found.inside = end - begin;
            found.first = ((row - window_.padding) * input_.width + begin - window_.padding) *
                          input_.channels;
          }
          function(y * cols_ + x, line * values_of_line, found);
        }
      }
    }
  }

  Window window_;
  Shape input_;
  std::size_t rows_;
  std::size_t cols_;
};

/// z = patches W^T + b and a = phi(z), with W channels x (size x size x input channels), for each image:
/// its patches stay in the cache from their gathering to their product. Backward, image by image:
///   delta = dL/da phi'(z),  dL/dW = mean sum of delta^T patches,  dL/db = mean sum of delta,
///   dL/d(patches) = delta W, scattered to the pixels.
template <typename T>
class Convolution final : public Layer<T>, public WeightLayer<T> {
 public:
  Convolution(const Window& window, std::shared_ptr<const Activation> activation, const Shape& sums,
              const Shape& output, const Site& site)
      : gemm_(site.gemm),
        patches_(window, site.input),
        input_shape_(site.input),
        sums_shape_(sums),
        output_shape_(output),
        activation_(std::move(activation)),
        weight_(site.tensors.next()),
        bias_(site.tensors.next()),
        activation_parameters_(activation_->parameters(output.channels) > 0 ? site.tensors.next()
                                                                            : ParameterTensor()),
        gathered_(patches_.positions() * patches_.values()),
        pre_activation_(site.batch, sums),
        activated_(site.batch, output),
        error_signal_(site.batch, sums),
        output_gradient_(sums == output ? 0 : site.batch, output) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    input_ = input;
    rows_ = input.rows;
    const MatrixView<const T> weights = weights_in(parameters);
    for (std::size_t image = 0; image < rows_; ++image) {
      multiply(gemm_, as_is<T>(patches_of(image)), transposed<T>(weights),
               positions_of(pre_activation_, sums_shape_, image),
               Start<T>(parameters.data() + bias_.offset));
    }
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
    finite_ = true;
    for (std::size_t image = 0; image < rows_; ++image) {
      const bool last = image + 1 == rows_;
      multiply(gemm_, transposed<T>(positions_of(error_signal_, sums_shape_, image)),
               as_is<T>(patches_of(image)), by_weight,
               image == 0 ? Start<T>() : Start<T>::at_result(), last ? mean : T(1),
               last ? &finite_ : nullptr);
    }
    const std::span<T> by_bias = gradient.subspan(bias_.offset, bias_.size());
    column_sums(pixels(error_signal(), sums_shape_), mean, by_bias);
    finite_ = finite_ && all_finite(parameters.subspan(weight_.offset, weight_.size())) &&
              all_finite(parameters.subspan(bias_.offset, bias_.size())) &&
              all_finite(std::span<const T>(by_bias)) && all_finite(own(parameters)) &&
              all_finite(std::span<const T>(own_gradient));
    if (input_gradient.empty()) return;
    const MatrixView<const T> weights = weights_in(parameters);
    for (std::size_t image = 0; image < rows_; ++image) {
      const MatrixView<const T> signal = positions_of(error_signal_, sums_shape_, image);
      T* to = patches_.are_pixels() ? input_gradient.row(image) : gathered_.data();
      multiply(gemm_, as_is<T>(signal), as_is<T>(weights),
               {to, patches_.positions(), patches_.values(), patches_.values()});
      if (!patches_.are_pixels()) patches_.scatter(gathered_.data(), input_gradient.row(image));
    }
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
  // One row for each position of the window.
  MatrixView<const T> patches_of(std::size_t image) {
    const T* values = input_.row(image);
    if (!patches_.are_pixels()) {
      patches_.gather(values, gathered_.data());
      values = gathered_.data();
    }
    return {values, patches_.positions(), patches_.values(), patches_.values()};
  }
  static MatrixView<T> positions_of(Buffer<T>& buffer, const Shape& shape, std::size_t image) {
    return {buffer.first_rows(image + 1).row(image), shape.height * shape.width, shape.channels,
            shape.channels};
  }

  Gemm gemm_;
  Patches patches_;
  Shape input_shape_;
  Shape sums_shape_;
  Shape output_shape_;
  std::shared_ptr<const Activation> activation_;
  ParameterTensor weight_;
  ParameterTensor bias_;
  ParameterTensor activation_parameters_;  // of size 0 where there are none
  std::vector<T> gathered_;                // the patches of one image, or what goes back to them
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
    if (const std::size_t own = activation_->parameters(channels_); own > 0) {
      tensors.add("activation", ParameterGroup::activation, own, 1,
                  activation_->initial_parameter());
    }
  }
  double products(const Shape& input) const override {
    const Shape sums = image(input, activation_->units(channels_));
    return static_cast<double>(sums.size() * (window_.size * window_.size * input.channels + 1));
  }
  double kept_values(const Shape& input) const override {
    return 3 * static_cast<double>(image(input, activation_->units(channels_)).size());
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
