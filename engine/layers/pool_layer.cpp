// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pool_layer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/layers/buffer.hpp"
#include "engine/layers/convolution_layer.hpp"

namespace plumbline {

namespace {

struct PoolWindow {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t stride = 1;
};

/// Backward: the mean shares its slope out among the pixels of its window; of the largest pixel's
/// window that pixel has all of it.
template <typename T>
class Pool final : public Layer<T> {
 public:
  Pool(Pooling pooling, const PoolWindow& window, const Shape& output, const Site& site)
      : pooling_(pooling),
        window_(window),
        input_shape_(site.input),
        output_shape_(output),
        chosen_(pooling == Pooling::largest ? site.batch * output.size() : 0),
        output_(site.batch, output),
        output_gradient_(site.batch, output) {}

  MatrixView<const T> forward(std::span<const T> /*parameters*/, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    rows_ = input.rows;
    const MatrixView<T> y = output_.first_rows(rows_);
    const T share = T(1) / static_cast<T>(window_.height * window_.width);
    for_each_position([&](std::size_t image, std::size_t position, std::size_t corner) {
      const std::size_t channels = input_shape_.channels;
      const T* in = input.row(image);
      T* out = y.row(image) + position * channels;
      if (pooling_ == Pooling::mean) {
        std::fill_n(out, channels, T(0));
        for_each_pixel(corner, [&](std::size_t pixel) {
          for (std::size_t c = 0; c < channels; ++c) out[c] += in[pixel + c];
        });
        for (std::size_t c = 0; c < channels; ++c) out[c] *= share;
        return;
      }
      std::uint32_t* chosen = chosen_.data() + image * output_shape_.size() + position * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        out[c] = in[corner + c];
        chosen[c] = static_cast<std::uint32_t>(corner + c);
      }
      for_each_pixel(corner, [&](std::size_t pixel) {
        for (std::size_t c = 0; c < channels; ++c) {
          const T value = in[pixel + c];
          if (!(value > out[c] || std::isnan(value)) || std::isnan(out[c])) continue;
          out[c] = value;
          chosen[c] = static_cast<std::uint32_t>(pixel + c);
        }
      });
    });
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> /*parameters*/, MatrixView<const T> /*input*/, T /*mean*/,
                std::span<T> /*gradient*/, MatrixView<T> input_gradient) override {
    if (input_gradient.empty()) return;
    const MatrixView<const T> dy = output_gradient();
    const T share = T(1) / static_cast<T>(window_.height * window_.width);
    for (std::size_t image = 0; image < rows_; ++image) {
      std::fill_n(input_gradient.row(image), input_gradient.cols, T(0));
    }
    for_each_position([&](std::size_t image, std::size_t position, std::size_t corner) {
      const std::size_t channels = input_shape_.channels;
      const T* slope = dy.row(image) + position * channels;
      T* to = input_gradient.row(image);
      if (pooling_ == Pooling::mean) {
        for_each_pixel(corner, [&](std::size_t pixel) {
          for (std::size_t c = 0; c < channels; ++c) to[pixel + c] += share * slope[c];
        });
        return;
      }
      const std::uint32_t* chosen =
          chosen_.data() + image * output_shape_.size() + position * channels;
      for (std::size_t c = 0; c < channels; ++c) to[chosen[c]] += slope[c];
    });
  }
  bool finite() const override { return true; }

 private:
  // function(image, position, value at which the window's corner begins)
  template <class Function>
  void for_each_position(const Function& function) const {
    for (std::size_t image = 0; image < rows_; ++image) {
      for (std::size_t y = 0; y < output_shape_.height; ++y) {
        for (std::size_t x = 0; x < output_shape_.width; ++x) {
          function(image, y * output_shape_.width + x,
                   (y * window_.stride * input_shape_.width + x * window_.stride) *
                       input_shape_.channels);
        }
      }
    }
  }
  // function(value at which a pixel of the window begins)
  template <class Function>
  void for_each_pixel(std::size_t corner, const Function& function) const {
    for (std::size_t y = 0; y < window_.height; ++y) {
      for (std::size_t x = 0; x < window_.width; ++x) {
        function(corner + (y * input_shape_.width + x) * input_shape_.channels);
      }
    }
  }

  Pooling pooling_;
  PoolWindow window_;
  Shape input_shape_;
  Shape output_shape_;
  std::vector<std::uint32_t> chosen_;  // of each output, the value of its image that it is
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  std::size_t rows_ = 0;
};

class PoolKind final : public LayerKindOf<PoolKind> {
 public:
  PoolKind(Pooling pooling, std::size_t size, std::size_t stride)
      : pooling_(pooling), size_(size), stride_(stride) {}

  std::string problem(const Shape& input) const override {
    if (size_ == 0) return input.steps == 1 ? "" : "needs images";
    return Window{.size = size_, .stride = stride_}.problem(input);
  }
  Shape output(const Shape& input) const override {
    if (size_ == 0) return Shape::image(input.channels, 1, 1);
    const Window window{.size = size_, .stride = stride_};
    return Shape::image(input.channels, window.positions(input.height),
                        window.positions(input.width));
  }
  void declare(const Shape& /*input*/, TensorList& /*tensors*/) const override {}
  double products(const Shape& /*input*/) const override { return 0; }
  double kept_values(const Shape& input) const override {
    return 3 * static_cast<double>(output(input).size());
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    const PoolWindow window = size_ == 0 ? PoolWindow{site.input.height, site.input.width, 1}
                                         : PoolWindow{size_, size_, stride_};
    return std::make_unique<Pool<T>>(pooling_, window, output(site.input), site);
  }

 private:
  Pooling pooling_;
  std::size_t size_;
  std::size_t stride_;
};

}  // namespace

std::shared_ptr<const LayerKind> pool_kind(Pooling pooling, std::size_t size, std::size_t stride) {
  return std::make_shared<PoolKind>(pooling, size, stride);
}

std::shared_ptr<const LayerKind> read_pool(Settings& settings, Pooling pooling) {
  const std::int64_t size =
      settings.integer("size", 2, between(1, 10000), "pixels along a side of the window");
  const std::int64_t stride = settings.integer("stride", size, between(1, 10000),
                                               "pixels from window to window; by default its size");
  return pool_kind(pooling, static_cast<std::size_t>(size), static_cast<std::size_t>(stride));
}

}  // namespace plumbline
