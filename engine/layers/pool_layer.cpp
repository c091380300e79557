// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pool_layer.hpp"

#include <algorithm>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/parallel.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/convolution_layer.hpp"

namespace plumbline {

namespace {

struct PoolWindow {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t stride = 1;
};

/// The most usual window, whose loops the compiler unrolls.
struct TwoByTwo {
  static constexpr std::size_t height = 2;
  static constexpr std::size_t width = 2;
};

/// Loads and stores a SIMD batch as a whole: masks cost some processors more than all else here.
template <class Batch>
struct AllLanes {
  using Values = Batch;
  template <typename T>
  Values load(const T* from) const {
    return Values::load_unaligned(from);
  }
  template <typename T>
  void store(T* to, const Values& values) const {
    values.store_unaligned(to);
  }
};

/// The same of the first lanes alone.
template <class Batch>
struct SomeLanes : FirstLanes<typename Batch::value_type, Batch> {
  using Values = Batch;
  using FirstLanes<typename Batch::value_type, Batch>::FirstLanes;
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
        overlap_(window.stride < std::max(window.height, window.width)),
        tiled_(window.stride == window.height && window.stride == window.width &&
               output.height * window.height == site.input.height &&
               output.width * window.width == site.input.width),
        output_(site.batch, output),
        output_gradient_(site.batch, output) {}

  MatrixView<const T> forward(std::span<const T> /*parameters*/, MatrixView<const T> input,
                              const Pass& /*pass*/) override {
    rows_ = input.rows;
    const MatrixView<T> y = output_.first_rows(rows_);
    const auto nothing = [](std::size_t /*image*/) {};
    for_each_window(nothing, [&](const auto& window, std::size_t image, std::size_t from,
                                 std::size_t to, const auto& lanes) {
      const T* in = input.row(image) + from;
      lanes.store(y.row(image) + to,
                  pooling_ == Pooling::mean ? mean(window, in, lanes) : largest(window, in, lanes));
    });
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> /*parameters*/, MatrixView<const T> input, T /*mean*/,
                std::span<T> /*gradient*/, MatrixView<T> input_gradient) override {
    if (input_gradient.empty()) return;
    const MatrixView<const T> y = output_.first_rows(rows_);
    const MatrixView<const T> dy = output_gradient();
    const auto clear = [&](std::size_t image) {
      if (!tiled_) std::fill_n(input_gradient.row(image), input_gradient.cols, T(0));
    };
    for_each_window(clear, [&](const auto& window, std::size_t image, std::size_t from,
                               std::size_t to, const auto& lanes) {
      T* by_pixel = input_gradient.row(image) + from;
      const auto slope = lanes.load(dy.row(image) + to);
      if (pooling_ == Pooling::mean) {
        add_to_all(window, slope * share(), by_pixel, lanes);
      } else {
        add_to_largest(window, input.row(image) + from, lanes.load(y.row(image) + to), slope,
                       by_pixel, lanes);
      }
    });
  }
  bool finite() const override { return true; }

 private:
  T share() const { return T(1) / static_cast<T>(window_.height * window_.width); }

  // Of some channels, here and below.
  template <class Extent, class Lanes>
  auto mean(const Extent& window, const T* in, const Lanes& lanes) const {
    typename Lanes::Values sum(T(0));
    for_each_pixel(window, [&](std::size_t pixel) { sum += lanes.load(in + pixel); });
    return sum * share();
  }
  // NaN takes the place of numbers and keeps it. (The != of xsimd 8 does not hold for NaN.)
  template <class Extent, class Lanes>
  auto largest(const Extent& window, const T* in, const Lanes& lanes) const {
    auto most = lanes.load(in);
    for_each_pixel(window, [&](std::size_t pixel) {
      const auto value = lanes.load(in + pixel);
      most = xsimd::select(value <= most || xsimd::isnan(most), most, value);
    });
    return most;
  }
  template <class Extent, class Lanes, class Values>
  void add_to_all(const Extent& window, const Values& slope, T* to, const Lanes& lanes) const {
    for_each_pixel(window, [&](std::size_t pixel) { add(slope, to + pixel, lanes); });
  }
  // To the first pixel that is the largest one, NaN where that is NaN.
  template <class Extent, class Lanes, class Values>
  void add_to_largest(const Extent& window, const T* in, const Values& most, Values slope, T* to,
                      const Lanes& lanes) const {
    const Values none(T(0));
    for_each_pixel(window, [&](std::size_t pixel) {
      const Values value = lanes.load(in + pixel);
      const auto found = value == most || xsimd::isnan(value);
      add(xsimd::select(found, slope, none), to + pixel, lanes);
      slope = xsimd::select(found, none, slope);
    });
  }
  // Nothing has been added where windows do not overlap, and reading it would wait for its zeros.
  template <class Lanes, class Values>
  void add(const Values& slope, T* to, const Lanes& lanes) const {
    lanes.store(to, overlap_ ? lanes.load(to) + slope : slope);
  }

  std::size_t grain() const {
    constexpr std::size_t kTaskValues = 32768;
    return std::max<std::size_t>(1, kTaskValues / input_shape_.values());
  }
  // begin(image), and function(window, image, values at which the window and its output begin, some
  // channels of both) for all of its windows
  template <class Begin, class Function>
  void for_each_window(const Begin& begin, const Function& function) const {
    const auto of_size = [&](const auto& window) {
      const auto of_window = [&](std::size_t image, std::size_t from, std::size_t to,
                                 const auto& lanes) { function(window, image, from, to, lanes); };
      if (input_shape_.channels <= HalfBatch<T>::size) {
        for_each_window_by<HalfBatch<T>>(begin, of_window);
      } else {
        for_each_window_by<Batch<T>>(begin, of_window);
      }
    };
    if (window_.height == 2 && window_.width == 2) {
      of_size(TwoByTwo());
    } else {
      of_size(window_);
    }
  }
  template <class Values, class Begin, class Function>
  void for_each_window_by(const Begin& begin, const Function& function) const {
    const std::size_t channels = input_shape_.channels;
    in_parallel(rows_, grain(), [&](std::size_t first, std::size_t last) {
      for (std::size_t image = first; image < last; ++image) {
        begin(image);
        std::size_t channel = 0;
        for (; channel + Values::size <= channels; channel += Values::size) {
          for_each_position(image, channel, AllLanes<Values>(), function);
        }
        if (channel == channels) continue;
        for_each_position(image, channel, SomeLanes<Values>(channels - channel), function);
      }
    });
  }
  template <class Lanes, class Function>
  void for_each_position(std::size_t image, std::size_t channel, const Lanes& lanes,
                         const Function& function) const {
    const std::size_t step = window_.stride * input_shape_.channels;
    std::size_t to = channel;
    for (std::size_t y = 0; y < output_shape_.height; ++y) {
      std::size_t from = y * step * input_shape_.width + channel;
      for (std::size_t x = 0; x < output_shape_.width; ++x) {
        function(image, from, to, lanes);
        from += step;
        to += input_shape_.channels;
      }
    }
  }
  // function(value at which a pixel of the window begins, counted from its corner)
  template <class Extent, class Function>
  void for_each_pixel(const Extent& window, const Function& function) const {
    for (std::size_t y = 0; y < window.height; ++y) {
      for (std::size_t x = 0; x < window.width; ++x) {
        function((y * input_shape_.width + x) * input_shape_.channels);
      }
    }
  }

  Pooling pooling_;
  PoolWindow window_;
  Shape input_shape_;
  Shape output_shape_;
  bool overlap_;
  bool tiled_;  // each pixel is in one window
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
    return 2 * static_cast<double>(output(input).size());
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
