// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/convolution_products.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "engine/kernels/parallel.hpp"
#include "engine/kernels/window_product.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/patch_products.hpp"

namespace plumbline {

namespace {

/// A larger image with an image in it, `top` lines and `left` columns from its corner, and zeros around.
struct Frame {
  std::size_t top = 0;
  std::size_t left = 0;
  std::size_t height = 0;
  std::size_t width = 0;

  template <typename T>
  void put(const T* image, const Shape& shape, T* to) const {
    const std::size_t before = left * shape.channels;
    const std::size_t inside = shape.width * shape.channels;
    const std::size_t line = width * shape.channels;
    std::fill_n(to, top * line, T(0));
    to += top * line;
    for (std::size_t y = 0; y < shape.height; ++y, image += inside, to += line) {
      std::fill_n(to, before, T(0));
      std::copy_n(image, inside, to + before);
      std::fill_n(to + before + inside, line - before - inside, T(0));
    }
    std::fill_n(to, (height - top - shape.height) * line, T(0));
  }
};

/// Along one side of the image: the pixels x with one residue of x + padding modulo the stride, and what
/// they are summed from.
struct Residue {
  // x + padding = stride q + residue is seen through window column residue + stride t at position q - t.
  Residue(const Window& window, std::size_t residue, std::size_t length)
      : value(residue),
        taps(residue < window.size ? (window.size - residue - 1) / window.stride + 1 : 0) {
    const std::size_t short_of = window.padding > residue ? window.padding - residue : 0;
    first_q = (short_of + window.stride - 1) / window.stride;
    const std::size_t end = window.padding + length;  // of x + padding
    count = end > residue ? (end - residue - 1) / window.stride + 1 - first_q : 0;
  }

  std::size_t value;
  std::size_t taps;
  std::size_t first_q = 0;
  std::size_t count = 0;
};

/// Pixels whose gradients are sums over as many lines of delta.
struct PixelGroup {
  Walk walk;                      // through what the window over delta sees
  std::size_t first_row = 0;      // of the weights: those before it are of lines above delta
  std::vector<std::size_t> from;  // where the walk of each pixel begins in the framed delta
  std::vector<std::size_t> to;
};

/// The pixels of two residues: their gradient is a convolution of delta with stride 1, whose windows have
/// the weights of these taps in reverse order.
template <typename T>
struct ResidueClass {
  Residue y;
  Residue x;
  Panels<T> weights;  // a row for each tap and channel of delta
  std::vector<PixelGroup> groups = {};
};

/// Multiplies images where they stand: windows are never copied.
template <typename T>
class WindowProducts final : public ConvolutionProducts<T> {
 public:
  WindowProducts(const Window& window, const Shape& input, std::size_t channels, std::size_t batch)
      : window_(window),
        input_(input),
        delta_(
            Shape::image(channels, window.positions(input.height), window.positions(input.width))),
        framed_input_{window.padding, window.padding, input.height + 2 * window.padding,
                      input.width + 2 * window.padding},
        weights_(window.size * window.size * input.channels, channels,
                 window.size * input.channels % 2 == 0),
        parts_(parts_of_weight_gradient()),
        weight_sums_(parts_ * weights_.rows() * channels) {
    if (window.padding > 0) {
      framed_ =
          Buffer<T>(batch, Shape::image(input.channels, framed_input_.height, framed_input_.width));
    }
    const std::size_t line = framed_input_.width * input.channels;
    for (std::size_t y = 0; y < delta_.height; ++y) {
      for (std::size_t x = 0; x < delta_.width; ++x) {
        windows_.push_back(y * window.stride * line + x * window.stride * input.channels);
        sums_.push_back((y * delta_.width + x) * channels);
      }
    }
    for (std::size_t y = 0; y < window.size; ++y) {
      for (std::size_t i = 0; i < window.size * input.channels; ++i) {
        places_in_window_.push_back(y * line + i);
      }
    }
    through_window_ = {window.size, window.size * input.channels, 1, line};
    through_positions_ = {delta_.height, delta_.width, window.stride * input.channels,
                          window.stride * line};
    plan_input_gradient();
  }

  void forward(MatrixView<const T> weights, const T* bias, MatrixView<const T> input,
               MatrixView<T> sums) override {
    for (std::size_t j = 0; j < weights.rows; ++j) weights_.set_column(j, weights.row(j));
    const MatrixView<const T> images = framed(input);
    in_parallel(input.rows, grain(), [&](std::size_t first, std::size_t last) {
      for (std::size_t image = first; !framed_.empty() && image < last; ++image) {
        framed_input_.put(input.row(image), input_, framed_.first_rows(image + 1).row(image));
      }
      multiply_windows({images.row(first), last - first, images.stride, windows_}, through_window_,
                       weights_, bias, {sums.row(first), last - first, sums.stride, sums_});
    });
  }

  void weight_gradient(MatrixView<const T> delta, MatrixView<const T> input, T mean,
                       MatrixView<T> gradient) override {
    const MatrixView<const T> images = framed(input);
    const std::size_t channels = delta_.channels;
    const MatrixView<T> sums{weight_sums_.data(), parts_ * weights_.rows(), channels, channels};
    multiply_over_images({images.data, images.rows, images.stride, places_in_window_},
                         through_positions_, delta, sums, parts_);
    for (std::size_t j = 0; j < gradient.rows; ++j) {
      for (std::size_t k = 0; k < gradient.cols; ++k) gradient(j, k) = mean * sums(k, j);
    }
  }

  void input_gradient(MatrixView<const T> weights, MatrixView<const T> delta,
                      MatrixView<T> gradient) override {
    const std::size_t channels = input_.channels;
    for (ResidueClass<T>& residue : residues_) {
      std::size_t row = 0;
      for_each_tap(residue, [&](std::size_t place) {
        for (std::size_t o = 0; o < delta_.channels; ++o) {
          residue.weights.set_row(row++, weights.row(o) + place * channels);
        }
      });
    }
    in_parallel(delta.rows, grain(), [&](std::size_t first, std::size_t last) {
      for (std::size_t image = first; image < last; image += images_per_call()) {
        const std::size_t count = std::min(images_per_call(), last - image);
        const auto [from, stride] = framed_delta(delta, image, count);
        for (const ResidueClass<T>& residue : residues_) {
          for (const PixelGroup& group : residue.groups) {
            multiply_windows({from, count, stride, group.from}, group.walk, residue.weights,
                             static_cast<const T*>(nullptr),
                             {gradient.row(image), count, gradient.stride, group.to},
                             group.first_row);
          }
        }
      }
    });
  }

 private:
  // So many images are worth a task.
  std::size_t grain() const {
    const std::size_t products = windows_.size() * weights_.rows() * weights_.cols();
    return std::max<std::size_t>(1, kSharedProduct / 2 / products);
  }
  // Lines of some images are multiplied together, so that the tiles are full.
  std::size_t images_per_call() const {
    constexpr std::size_t kPixels = 64;
    return std::max<std::size_t>(1, kPixels / input_.width);
  }
  // Few weights make too few pieces of work for many threads, and parts of them take little room.
  std::size_t parts_of_weight_gradient() const {
    constexpr std::size_t kValues = 2048;
    constexpr std::size_t kMost = 16;
    return std::clamp<std::size_t>(kValues / (weights_.rows() * weights_.cols()), 1, kMost);
  }
  MatrixView<const T> framed(MatrixView<const T> input) const {
    return framed_.empty() ? input : framed_.first_rows(input.rows);
  }

  // Images [first, first + count) of delta with their frames, and the stride between them. What needs
  // no frame stands where it is; else in memory of the thread's own, until its next call.
  std::pair<const T*, std::size_t> framed_delta(MatrixView<const T> delta, std::size_t first,
                                                std::size_t count) const {
    if (framed_delta_.width == delta_.width) return {delta.row(first), delta.stride};
    thread_local std::vector<T> memory;
    const std::size_t stride = framed_delta_.height * framed_delta_.width * delta_.channels;
    if (memory.size() < count * stride) memory.resize(images_per_call() * stride);
    for (std::size_t image = 0; image < count; ++image) {
      framed_delta_.put(delta.row(first + image), delta_, memory.data() + image * stride);
    }
    return {memory.data(), stride};
  }

  // function(number of the pixel in the window), in the order in which the windows over delta see them
  template <class Function>
  void for_each_tap(const ResidueClass<T>& residue, const Function& function) const {
    for (std::size_t y = residue.y.taps; y-- > 0;) {
      for (std::size_t x = residue.x.taps; x-- > 0;) {
        function((residue.y.value + y * window_.stride) * window_.size + residue.x.value +
                 x * window_.stride);
      }
    }
  }

  void plan_input_gradient() {
    const std::size_t stride = window_.stride;
    const std::size_t before = (window_.size - 1) / stride;
    const std::size_t whole =
        std::max(delta_.width, (window_.padding + input_.width - 1) / stride + 1);
    framed_delta_ = {0, before, delta_.height, before + whole};
    for (std::size_t row = 0; row < stride; ++row) {
      const Residue y(window_, row, input_.height);
      for (std::size_t col = 0; y.count > 0 && col < stride; ++col) {
        const Residue x(window_, col, input_.width);
        if (x.count == 0) continue;
        residues_.push_back({y,
                             x,
                             {y.taps * x.taps * delta_.channels, input_.channels,
                              x.taps * delta_.channels % 2 == 0}});
        for (std::size_t i = y.first_q; i < y.first_q + y.count; ++i) add_line(residues_.back(), i);
      }
    }
  }
  // The pixels of a line of the image, to the group of the line before where they see as many lines.
  void add_line(ResidueClass<T>& residue, std::size_t q) const {
    const Residue& y = residue.y;
    const Residue& x = residue.x;
    const std::size_t line = framed_delta_.width * delta_.channels;
    const std::size_t values_of_line = x.taps * delta_.channels;
    // The window sees lines [q + 1 - taps, q + 1) of delta, so far as they exist.
    const std::size_t above = q + 1 < y.taps ? y.taps - q - 1 : 0;
    const std::size_t first = q + 1 + above - y.taps;
    const std::size_t end = std::min(q + 1, delta_.height);
    const std::size_t lines = x.taps > 0 && end > first ? end - first : 0;
    std::vector<PixelGroup>& groups = residue.groups;
    if (groups.empty() || groups.back().walk.lines != lines ||
        groups.back().first_row != above * values_of_line) {
      groups.push_back({{lines, values_of_line, 1, line}, above * values_of_line, {}, {}});
    }
    const std::size_t left = framed_delta_.left;
    for (std::size_t j = x.first_q; j < x.first_q + x.count; ++j) {
      groups.back().from.push_back(
          lines > 0 ? first * line + (j + left + 1 - x.taps) * delta_.channels : 0);
      groups.back().to.push_back(((window_.stride * q + y.value - window_.padding) * input_.width +
                                  window_.stride * j + x.value - window_.padding) *
                                 input_.channels);
    }
  }

  Window window_;
  Shape input_;
  Shape delta_;
  Frame framed_input_;
  Frame framed_delta_;
  Panels<T> weights_;
  std::size_t parts_;
  std::vector<T> weight_sums_;  // transposed: as many rows as a patch has values
  Buffer<T> framed_;            // the last inputs; empty where there is no padding
  std::vector<std::size_t> windows_;
  std::vector<std::size_t> sums_;
  std::vector<std::size_t> places_in_window_;
  Walk through_window_;
  Walk through_positions_;
  std::vector<ResidueClass<T>> residues_;
};

}  // namespace

template <typename T>
std::unique_ptr<ConvolutionProducts<T>> convolution_products(Gemm gemm, const Window& window,
                                                             const Shape& input,
                                                             std::size_t channels,
                                                             std::size_t batch) {
  if (gemm == Gemm::blas) return patch_products<T>(window, input);
  return std::make_unique<WindowProducts<T>>(window, input, channels, batch);
}
template std::unique_ptr<ConvolutionProducts<float>> convolution_products(Gemm, const Window&,
                                                                          const Shape&, std::size_t,
                                                                          std::size_t);
template std::unique_ptr<ConvolutionProducts<double>> convolution_products(Gemm, const Window&,
                                                                           const Shape&,
                                                                           std::size_t,
                                                                           std::size_t);

}  // namespace plumbline
