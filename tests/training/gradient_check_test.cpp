// SPDX-License-Identifier: Apache-2.0
#include "engine/training/gradient_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::SizeIs;

using Block = std::vector<double>;

// Two tensors, 3 x 4 and 5.
ParameterLayout two_tensors() {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::hidden, 3, 4);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, 5, 1);
  return layout;
}

Block some_parameters() {
  Block parameters;
  for (int i = 0; i < 17; ++i) parameters.push_back(std::sin(1.0 + i));
  return parameters;
}

// f(w) = sum_i c_i e^(w_i), c_i = 1 + i / 10, whose gradient is its own terms.
double exponentials(std::span<const double> w) {
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    sum += (1 + static_cast<double>(i) / 10) * std::exp(w[i]);
  return sum;
}
Block gradient_of_exponentials(const Block& w) {
  Block gradient;
  for (std::size_t i = 0; i < w.size(); ++i) {
    gradient.push_back((1 + static_cast<double>(i) / 10) * std::exp(w[i]));
  }
  return gradient;
}

std::vector<std::string> verdicts(const GradientCheck& check) {
  std::vector<std::string> all;
  for (const TensorCheck& tensor : check.tensors) all.emplace_back(to_string(tensor.verdict));
  return all;
}

TEST(CheckGradient, FindsARightGradientRight) {
  const Block w = some_parameters();
  const GradientCheck check =
      check_gradient(exponentials, two_tensors(), w, gradient_of_exponentials(w), {});
  EXPECT_TRUE(check.holds());
  EXPECT_THAT(verdicts(check), testing::ElementsAre("agrees", "agrees"));
  EXPECT_EQ(check.tensors[0].checked, 12U);
  EXPECT_EQ(check.tensors[1].checked, 5U);
  EXPECT_EQ(check.tensors[0].skipped, 0U);
  for (const TensorCheck& tensor : check.tensors) {
    EXPECT_LE(tensor.largest_difference, kGradientTolerance);
    EXPECT_LE(tensor.rounding, 1e-10);
  }
  EXPECT_NEAR(check.loss, exponentials(w), 1e-12);
}

TEST(CheckGradient, FindsOneWrongElementInItsTensorAlone) {
  const Block w = some_parameters();
  // A part in a million of one element is ten times the tolerance.
  for (const double fault : {1e-6, -1e-6, 0.5, -2.0}) {
    Block gradient = gradient_of_exponentials(w);
    gradient[14] *= 1 + fault;
    const GradientCheck check = check_gradient(exponentials, two_tensors(), w, gradient, {});
    EXPECT_FALSE(check.holds());
    EXPECT_THAT(verdicts(check), testing::ElementsAre("agrees", "differs")) << fault;
  }
}

TEST(CheckGradient, FindsAWrongElementThatIsSmallBesideTheOthers) {
  Block w = some_parameters();
  w[3] = -12;  // e^-12 = 6e-6
  Block gradient = gradient_of_exponentials(w);
  gradient[3] *= 1.001;
  EXPECT_THAT(verdicts(check_gradient(exponentials, two_tensors(), w, gradient, {})),
              testing::ElementsAre("differs", "agrees"));
}

TEST(CheckGradient, FindsMissingAndNonFiniteElements) {
  const Block w = some_parameters();
  for (const double wrong : {0.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    Block gradient = gradient_of_exponentials(w);
    gradient[0] = wrong;
    const GradientCheck check = check_gradient(exponentials, two_tensors(), w, gradient, {});
    EXPECT_THAT(verdicts(check), testing::ElementsAre("differs", "agrees")) << wrong;
  }
}

TEST(CheckGradient, ChecksASampleOfALargeTensor) {
  const Block w = some_parameters();
  std::vector<double> tried(w.size());
  const ParameterLoss watched = [&](std::span<const double> at) {
    std::size_t moved = 0;
    std::size_t which = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i] != w[i]) ++moved, which = i;
    }
    if (moved == 1) tried[which] = 1;
    return exponentials(at);
  };
  const Block gradient = gradient_of_exponentials(w);
  const auto sampled = [&](std::int64_t seed) {
    tried.assign(w.size(), 0);
    const GradientCheck check =
        check_gradient(watched, two_tensors(), w, gradient, {.most = 5, .seed = seed});
    EXPECT_EQ(check.tensors[0].checked, 5U);
    EXPECT_EQ(check.tensors[1].checked, 5U) << "as many as it has";
    return tried;
  };
  const std::vector<double> first = sampled(1);
  EXPECT_EQ(std::count(first.begin(), first.begin() + 12, 1.0), 5);
  EXPECT_EQ(sampled(1), first);
  EXPECT_NE(sampled(2), first);
}

// A kink at `place` of each parameter: f = sum |w_i - place_i| + w_i^2, and its gradient right of it.
struct Kinked {
  Block place;
  double operator()(std::span<const double> w) const {
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) sum += std::abs(w[i] - place[i]) + w[i] * w[i];
    return sum;
  }
  Block gradient(const Block& w) const {
    Block result;
    for (std::size_t i = 0; i < w.size(); ++i) {
      result.push_back((w[i] >= place[i] ? 1 : -1) + 2 * w[i]);
    }
    return result;
  }
};

TEST(CheckGradient, SkipsParametersBesideAKinkAndAtIt) {
  const Block w = some_parameters();
  Kinked kinked{Block(w.size(), 100)};
  kinked.place[2] = w[2];         // at it
  kinked.place[3] = w[3] + 1e-8;  // nearer than the shortest step
  kinked.place[4] = w[4] - 1e-7;
  const GradientCheck check = check_gradient(kinked, two_tensors(), w, kinked.gradient(w), {});
  EXPECT_THAT(verdicts(check), testing::ElementsAre("agrees", "agrees"));
  EXPECT_EQ(check.tensors[0].skipped, 3U);
  EXPECT_EQ(check.tensors[0].checked, 9U);
  EXPECT_EQ(check.tensors[1].skipped, 0U);
}

TEST(CheckGradient, ShortensItsStepToStayOffAKink) {
  const Block w = some_parameters();
  Kinked kinked{w};
  for (double& place : kinked.place) place += 1e-4;
  Block gradient = kinked.gradient(w);
  const GradientCheck check = check_gradient(kinked, two_tensors(), w, gradient, {});
  EXPECT_THAT(verdicts(check), testing::ElementsAre("agrees", "agrees"));
  EXPECT_EQ(check.tensors[0].skipped, 0U);
  gradient[5] += 2;  // the slope on the other side
  EXPECT_THAT(verdicts(check_gradient(kinked, two_tensors(), w, gradient, {})),
              testing::ElementsAre("differs", "agrees"));
}

// Jumps of the curvature near each parameter, as relu_squared has them for each example and unit:
// f = sum_i w_i + c sum_ik max(w_i - p_ik, 0)^2, p_ik within 0.02 of the w_i that it is made around.
struct Bent {
  static constexpr std::size_t kJumps = 64;
  static constexpr double kCurvature = 0.01;
  Block places;
  explicit Bent(const Block& w) {
    Random random(3, RandomStream::noise, 0);
    for (const double center : w) {
      for (std::size_t k = 0; k < kJumps; ++k) {
        places.push_back(center + 0.04 * (random.uniform() - 0.5));
      }
    }
  }
  double operator()(std::span<const double> w) const {
    double sum = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const double over = std::max(w[i / kJumps] - places[i], 0.0);
      sum += kCurvature * over * over;
    }
    return std::accumulate(w.begin(), w.end(), sum);
  }
  Block gradient(const Block& w) const {
    Block result(w.size(), 1);
    for (std::size_t i = 0; i < places.size(); ++i) {
      result[i / kJumps] += 2 * kCurvature * std::max(w[i / kJumps] - places[i], 0.0);
    }
    return result;
  }
};

TEST(CheckGradient, IsNotMisledByJumpsOfTheCurvature) {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::hidden, 20, 20);
  Block w;
  for (int i = 0; i < 400; ++i) w.push_back(std::sin(1.0 + i));
  const Bent bent(w);
  const Block right = bent.gradient(w);
  const GradientCheck check = check_gradient(bent, layout, w, right, {});
  EXPECT_THAT(verdicts(check), testing::ElementsAre("agrees"));
  EXPECT_GE(check.tensors[0].checked, 390U);
  for (const std::size_t wrong : {0U, 123U, 399U}) {
    Block gradient = right;
    gradient[wrong] *= 1 + 1e-5;
    EXPECT_THAT(verdicts(check_gradient(bent, layout, w, gradient, {})),
                testing::ElementsAre("differs"));
  }
}

TEST(CheckGradient, SaysWhereEveryParameterHasAKink) {
  const Block w = some_parameters();
  const Kinked kinked{w};
  const GradientCheck check = check_gradient(kinked, two_tensors(), w, kinked.gradient(w), {});
  EXPECT_THAT(verdicts(check), testing::ElementsAre("not smooth", "not smooth"));
  EXPECT_TRUE(check.holds());
}

TEST(CheckGradient, SaysWhereAGradientIsTooSmallToSee) {
  const Block w = some_parameters();
  const ParameterLoss flat = [](std::span<const double> at) {
    return 1 + 1e-18 * exponentials(at);
  };
  Block gradient = gradient_of_exponentials(w);
  for (double& g : gradient) g *= 1e-18;
  const GradientCheck check = check_gradient(flat, two_tensors(), w, gradient, {});
  EXPECT_THAT(verdicts(check), testing::ElementsAre("below rounding", "below rounding"));
  // A gradient that is not small all the same is wrong.
  gradient[1] = 1e-3;
  EXPECT_FALSE(check_gradient(flat, two_tensors(), w, gradient, {}).holds());
}

// A small gradient of the wrong sign, which the rounding of short steps would hide, beside larger ones.
TEST(CheckGradient, IsNotMisledByTheRoundingOfShortSteps) {
  const Block w = some_parameters();
  for (const double small : {1e-9, 1e-8, 1e-7, 1e-5}) {
    const ParameterLoss loss = [small](std::span<const double> at) {
      return 2.3 + small * std::sin(at[3]) + 1e-3 * std::sin(at[4]);
    };
    Block right(w.size(), 0.0);
    right[3] = small * std::cos(w[3]);
    right[4] = 1e-3 * std::cos(w[4]);
    EXPECT_THAT(verdicts(check_gradient(loss, two_tensors(), w, right, {})),
                testing::ElementsAre("agrees", "below rounding"));
    for (const double factor : {-1.0, 0.0, 0.9}) {
      Block gradient = right;
      gradient[3] *= factor;
      EXPECT_THAT(verdicts(check_gradient(loss, two_tensors(), w, gradient, {})),
                  testing::ElementsAre("differs", "below rounding"))
          << small << " times " << factor;
    }
  }
}

TEST(CheckGradient, ChecksNothingWhereTheLossIsNotFinite) {
  const Block w = some_parameters();
  const GradientCheck check =
      check_gradient([](std::span<const double>) { return std::nan(""); }, two_tensors(), w, w, {});
  EXPECT_TRUE(std::isnan(check.loss));
  EXPECT_THAT(check.tensors, SizeIs(0));
}

std::vector<Setting> net_with(const char* activation, const char* precision) {
  return {{"data.name", node("digits")},
          {"data.train", node(200)},
          {"data.valid", node(50)},
          {"model.depth", node(2)},
          {"model.width", node(13)},
          {"model.activation", node(activation)},
          {"model.precision", node(precision)},
          {"train.batch", node(16)},
          {"model.output_activation", node("tanh")}};
}

TEST(CheckGradientOfARun, HoldsForTheEngineInFloat64WhateverTheRunHas) {
  for (const char* activation : {"tanh", "relu", "gelu", "relu_squared", "elu", "softsign"}) {
    for (const char* precision : {"float32", "float64"}) {
      const RunConfiguration run = configured(net_with(activation, precision));
      const GradientCheck check = check_gradient(run, run.data->load({}), {.most = 40});
      ASSERT_THAT(check.tensors, SizeIs(6));
      for (const TensorCheck& tensor : check.tensors) {
        SCOPED_TRACE(std::string(activation) + " in " + precision + ": " + tensor.tensor.name);
        EXPECT_EQ(tensor.verdict, GradientVerdict::agrees);
        EXPECT_GE(tensor.checked, 10U);
        EXPECT_LE(tensor.largest_difference, 1e-6) << "float32 would be off by more";
      }
    }
  }
}

// tanh with a slope that is right but for one part in ten thousand.
class WrongSlope {
 public:
  explicit WrongSlope(Settings& /*settings*/) {}
  template <typename V>
  V value(V z) const {
    using std::tanh;
    return tanh(z);
  }
  template <typename V>
  V slope(V /*z*/, V a) const {
    return constant<V>(1.0001) - a * a;
  }
  template <typename V>
  V curvature(V /*z*/, V a) const {
    return a;
  }
};

TEST(CheckGradientOfARun, CatchesAWrongSlopeInTheLayersBelowIt) {
  RunConfiguration run = configured(net_with("tanh", "float64"));
  run.model.output_activation =
      configured(with(net_with("tanh", "float64"), {{"model.output_activation", node("linear")}}))
          .model.output_activation;
  const SettingsTable empty;
  SettingsReport report;
  Settings none(empty, "", report);
  run.model.activation = std::make_shared<FunctorActivation<WrongSlope>>(none);
  const GradientCheck check = check_gradient(run, run.data->load({}), {.most = 40});
  EXPECT_THAT(verdicts(check),
              testing::ElementsAre("differs", "differs", "differs", "differs", "agrees", "agrees"));
}

}  // namespace
}  // namespace plumbline
