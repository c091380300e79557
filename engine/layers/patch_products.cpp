// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/patch_products.hpp"

#include <algorithm>
#include <vector>

namespace plumbline {

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

template <typename T>
class PatchProducts final : public ConvolutionProducts<T> {
 public:
  PatchProducts(const Window& window, const Shape& input)
      : patches_(window, input), gathered_(patches_.positions() * patches_.values()) {}

  void forward(MatrixView<const T> weights, const T* bias, MatrixView<const T> input,
               MatrixView<T> sums) override {
    for (std::size_t image = 0; image < input.rows; ++image) {
      patches_.gather(input.row(image), gathered_.data());
      multiply_by_blas(as_is<T>(patches()), transposed<T>(weights),
                       {sums.row(image), patches_.positions(), weights.rows, weights.rows},
                       Start<T>(bias));
    }
  }
  void weight_gradient(MatrixView<const T> delta, MatrixView<const T> input, T mean,
                       MatrixView<T> gradient) override {
    for (std::size_t image = 0; image < input.rows; ++image) {
      patches_.gather(input.row(image), gathered_.data());
      multiply_by_blas(transposed<T>(of_image(delta, image, gradient.rows)), as_is<T>(patches()),
                       gradient, image == 0 ? Start<T>() : Start<T>::at_result(),
                       image + 1 == input.rows ? mean : T(1));
    }
  }
  void input_gradient(MatrixView<const T> weights, MatrixView<const T> delta,
                      MatrixView<T> gradient) override {
    for (std::size_t image = 0; image < delta.rows; ++image) {
      multiply_by_blas(as_is<T>(of_image(delta, image, weights.rows)), as_is<T>(weights),
                       patches());
      patches_.scatter(gathered_.data(), gradient.row(image));
    }
  }

 private:
  MatrixView<T> patches() {
    return {gathered_.data(), patches_.positions(), patches_.values(), patches_.values()};
  }
  // One row for each position.
  MatrixView<const T> of_image(MatrixView<const T> batch, std::size_t image,
                               std::size_t channels) const {
    return {batch.row(image), patches_.positions(), channels, channels};
  }

  Patches patches_;
  std::vector<T> gathered_;  // the patches of one image, or what goes back to them
};

}  // namespace

template <typename T>
std::unique_ptr<ConvolutionProducts<T>> patch_products(const Window& window, const Shape& input) {
  return std::make_unique<PatchProducts<T>>(window, input);
}
template std::unique_ptr<ConvolutionProducts<float>> patch_products(const Window&, const Shape&);
template std::unique_ptr<ConvolutionProducts<double>> patch_products(const Window&, const Shape&);

}  // namespace plumbline
