// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kPixels = kSide * kSide;

struct Point {
  double x = 0;
  double y = 0;
};

// B(s) = (1 - s)^2 p_0 + 2 s (1 - s) p_1 + s^2 p_2.
Point on_curve(const std::array<Point, 3>& p, double s) {
  const double a = (1 - s) * (1 - s);
  const double b = 2 * s * (1 - s);
  const double c = s * s;
  return {a * p[0].x + b * p[1].x + c * p[2].x, a * p[0].y + b * p[1].y + c * p[2].y};
}

// A pixel is clamp(3/2 - d, 0, 1), d the distance of its centre from the curve in pixels: a line two
// pixels wide with soft edges.
void draw(const std::array<Point, 3>& points, float* image) {
  constexpr int kSteps = 256;  // at most 0.3 pixels apart
  constexpr double kReach = 1.5;
  for (int step = 0; step <= kSteps; ++step) {
    const Point at = on_curve(points, static_cast<double>(step) / kSteps);
    const auto first = [](double centre) {
      return static_cast<std::size_t>(std::max(0.0, std::ceil(centre - kReach - 0.5)));
    };
    const auto end = [](double centre) {
      return std::min(kSide, static_cast<std::size_t>(std::floor(centre + kReach - 0.5)) + 1);
    };
    for (std::size_t row = first(at.y); row < end(at.y); ++row) {
      for (std::size_t column = first(at.x); column < end(at.x); ++column) {
        const double distance = std::hypot(static_cast<double>(column) + 0.5 - at.x,
                                           static_cast<double>(row) + 0.5 - at.y);
        const double ink = std::clamp(kReach - distance, 0.0, 1.0);
        float& pixel = image[row * kSide + column];
        pixel = std::max(pixel, static_cast<float>(ink));
      }
    }
  }
}

// Images of one curve each, to be reproduced through a bottleneck: six numbers tell an image wholly, and
// a net has to find them. After Sutskever's set, and not that set itself: here the curve is the quadratic
// Bezier curve of three points that are uniform in the square of the 24 x 24 pixels in the middle. The
// targets are the inputs.
class Curves final : public DataSource {
 public:
  explicit Curves(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 20000, .valid = 1000})) {}

  std::size_t features() const override { return kPixels; }
  std::size_t outputs() const override { return kPixels; }
  bool has_labels() const override { return false; }
  Shape shape() const override { return {.height = kSide, .width = kSide}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kPoints = 1;  // part of the data stream; 0 deals
    constexpr double kMargin = 2;
    Random random(split_.seed, RandomStream::data, kPoints);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, kPixels}, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      std::array<Point, 3> points;
      for (Point& point : points) {
        point.x = kMargin + (kSide - 2 * kMargin) * random.uniform();
        point.y = kMargin + (kSide - 2 * kMargin) * random.uniform();
      }
      draw(points, examples.inputs.data() + i * kPixels);
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "curves", dataset);
    for (Examples* part : {&dataset.train, &dataset.valid, &dataset.test}) {
      part->values = part->inputs;
    }
    return dataset;
  }

 private:
  Split split_;
};

}  // namespace

DatasetEntry curves() {
  return dataset_entry<Curves>({
      .summary =
          "Images of 28x28 pixels with a random curve, to be reproduced: an autoencoder task.",
      .formula = "curve B(s) = (1 - s)^2 p_0 + 2 s (1 - s) p_1 + s^2 p_2 of three random points, "
                 "pixel = clamp(3/2 - distance, 0, 1); targets = inputs",
      .paper = "Hinton & Salakhutdinov, Reducing the dimensionality of data with neural networks, "
               "Science 313, 2006, doi:10.1126/science.1127647; Martens, Deep learning via "
               "Hessian-free optimization, ICML 2010",
  });
}

}  // namespace plumbline::datasets
