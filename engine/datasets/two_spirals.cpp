// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// Two arms of 3 turns each: a point of arm c is (-1)^c r (sin, cos)(6 pi s), with
// r = 1 - s (1 - 1/16.25) for s from 0 to 1, after the program of Lang and Witbrock, whose radius is
// scaled to 1 here; 97 points an arm by default.
class TwoSpirals final : public DataSource {
 public:
  explicit TwoSpirals(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 194})) {
    noise_ =
        settings.number("noise", 0, kNonNegative, "standard deviation added to each coordinate");
  }

  std::size_t features() const override { return 2; }
  std::size_t outputs() const override { return 2; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kPoints = 1;  // part of the data stream; 0 deals
    constexpr double kLeastRadius = 1 / 16.25;
    Random random(split_.seed, RandomStream::data, kPoints);
    const std::size_t n = split_.sizes.all();
    const std::size_t on_arm = (n + 1) / 2;
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, 2});
    for (std::size_t i = 0; i < n; ++i) {
      const auto arm = static_cast<std::int32_t>(i % 2);
      const double s =
          on_arm == 1 ? 0 : static_cast<double>(i / 2) / static_cast<double>(on_arm - 1);
      const double radius = (arm == 0 ? 1 : -1) * (1 - s * (1 - kLeastRadius));
      const double angle = 6 * std::numbers::pi * s;
      examples.inputs(i, 0) =
          static_cast<float>(radius * std::sin(angle) + noise_ * random.normal());
      examples.inputs(i, 1) =
          static_cast<float>(radius * std::cos(angle) + noise_ * random.normal());
      examples.labels.push_back(arm);
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "two_spirals", dataset);
    return dataset;
  }

 private:
  Split split_;
  double noise_ = 0;
};

}  // namespace

DatasetEntry two_spirals() {
  return dataset_entry<TwoSpirals>({
      .summary = "Points on two interlocked spirals of three turns, to be told apart.",
      .formula = "x = +-r (sin, cos)(6 pi s), r = 1 - s (1 - 1/16.25), s from 0 to 1; 2 classes",
      .paper = "Lang & Witbrock, Learning to tell two spirals apart, Connectionist Models Summer "
               "School, 1988",
  });
}

}  // namespace plumbline::datasets
