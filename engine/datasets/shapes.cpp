// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kSide = 32;
constexpr std::size_t kPixels = kSide * kSide;
constexpr double kLeastRadius = 5;
constexpr double kMostRadius = 10;

enum class Kind { triangle, rectangle, ellipse };

// What the classes hold: each kind alone, then each pair without order.
constexpr std::array<std::pair<Kind, Kind>, 6> kPairs = {{{Kind::triangle, Kind::triangle},
                                                          {Kind::triangle, Kind::rectangle},
                                                          {Kind::triangle, Kind::ellipse},
                                                          {Kind::rectangle, Kind::rectangle},
                                                          {Kind::rectangle, Kind::ellipse},
                                                          {Kind::ellipse, Kind::ellipse}}};
constexpr std::size_t kKinds = 3;

double between_numbers(double low, double high, Random& random) {
  return low + (high - low) * random.uniform();
}

struct Point {
  double x = 0;
  double y = 0;
};

// The corners, counter-clockwise, at these angles on the circle of this radius around the origin.
std::vector<Point> corners_at(const std::vector<double>& angles, double radius) {
  std::vector<Point> corners;
  for (const double angle : angles) {
    corners.push_back({radius * std::cos(angle), radius * std::sin(angle)});
  }
  return corners;
}

bool is_left_of_all_sides(Point point, const std::vector<Point>& corners) {
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Point from = corners[i];
    const Point to = corners[(i + 1) % corners.size()];
    const double side = (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x);
    if (side < 0) return false;
  }
  return true;
}

// The pixels whose centre is inside a random object of this kind, which is inside the image.
std::vector<std::size_t> random_object(Kind kind, Random& random) {
  constexpr double kPi = std::numbers::pi;
  const double radius = between_numbers(kLeastRadius, kMostRadius, random);
  const Point centre = {between_numbers(radius, kSide - radius, random),
                        between_numbers(radius, kSide - radius, random)};
  const double turn = between_numbers(0, 2 * kPi, random);
  std::vector<Point> corners;
  double flatness = 1;
  if (kind == Kind::triangle) {
    const double second = turn + 2 * kPi / 3 + between_numbers(-kPi / 6, kPi / 6, random);
    const double third = turn + 4 * kPi / 3 + between_numbers(-kPi / 6, kPi / 6, random);
    corners = corners_at({turn, second, third}, radius);
  } else if (kind == Kind::rectangle) {
    const double half = between_numbers(kPi / 8, 3 * kPi / 8, random);
    corners = corners_at({turn - half, turn + half, turn + kPi - half, turn + kPi + half}, radius);
  } else {
    flatness = between_numbers(0.4, 1, random);
  }
  const Point axis = {std::cos(turn), std::sin(turn)};
  std::vector<std::size_t> pixels;
  for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
    const Point point = {static_cast<double>(pixel % kSide) + 0.5 - centre.x,
                         static_cast<double>(pixel / kSide) + 0.5 - centre.y};
    const double along = point.x * axis.x + point.y * axis.y;
    const double across = (point.y * axis.x - point.x * axis.y) / flatness;
    if (along * along + across * across > radius * radius) continue;
    if (is_left_of_all_sides(point, corners)) pixels.push_back(pixel);
  }
  return pixels;
}

// Both lists rise.
bool hides_more_than_half(const std::vector<std::size_t>& front,
                          const std::vector<std::size_t>& back) {
  std::vector<std::size_t> hidden;
  std::ranges::set_intersection(front, back, std::back_inserter(hidden));
  return 2 * hidden.size() > back.size();
}

// A simplified Shapeset-3x2: one or two objects on black, the second in front of the first, of which it
// hides at most half; which kinds there are is the class. Size, place, rotation and proportions are
// random, and so are the grey levels, in [1/4, 1]. It is simpler than the paper's in this: rectangles
// stand for parallelograms, a pixel is inside or outside without a grey edge, the grey levels of two
// objects are at least 1/8 apart, and examples are a fixed set in the place of an endless stream.
class Shapes final : public DataSource {
 public:
  explicit Shapes(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 10000, .valid = 1000})),
        pairs_(settings.integer("objects", 2, between(1, 2), "most objects in an image") == 2) {}

  std::size_t features() const override { return kPixels; }
  std::size_t outputs() const override { return kKinds + (pairs_ ? kPairs.size() : 0); }
  Shape shape() const override { return {.height = kSide, .width = kSide}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kImages = 1;  // part of the data stream; 0 deals
    Random random(split_.seed, RandomStream::data, kImages);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, kPixels}, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t label = i % outputs();
      draw(label, examples.inputs.data() + i * kPixels, random);
      examples.labels.push_back(static_cast<std::int32_t>(label));
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "shapes", dataset);
    return dataset;
  }

 private:
  static void draw(std::size_t label, float* image, Random& random) {
    constexpr double kDarkest = 0.25;
    constexpr double kApart = 0.125;
    const auto fill = [&](const std::vector<std::size_t>& pixels, double grey) {
      for (const std::size_t pixel : pixels) image[pixel] = static_cast<float>(grey);
    };
    const bool alone = label < kKinds;
    const auto pair = alone ? std::pair(static_cast<Kind>(label), Kind()) : kPairs[label - kKinds];
    const std::vector<std::size_t> back = random_object(pair.first, random);
    const double grey = between_numbers(kDarkest, 1, random);
    fill(back, grey);
    if (alone) return;
    std::vector<std::size_t> front;
    do {
      front = random_object(pair.second, random);
    } while (hides_more_than_half(front, back));
    double other = 0;
    do {
      other = between_numbers(kDarkest, 1, random);
    } while (std::abs(other - grey) < kApart);
    fill(front, other);
  }

  Split split_;
  bool pairs_;
};

}  // namespace

DatasetEntry shapes() {
  return dataset_entry<Shapes>({
      .summary =
          "Grey images of 32x32 pixels with one or two of triangle, rectangle and ellipse: a "
          "simplified Shapeset.",
      .formula = "9 classes: triangle, rectangle, ellipse alone; the 6 pairs of these",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010, section 2.1 (Shapeset-3x2), simplified",
  });
}

}  // namespace plumbline::datasets
