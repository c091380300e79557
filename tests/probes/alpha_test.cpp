// SPDX-License-Identifier: Apache-2.0
// The step on the parabola: by weighted least squares in full, and where loss surfaces are parabolas.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/probes/single_examples.hpp"

namespace plumbline {
namespace {

// Means and variances over 11 examples, and slopes of thousands of products: some 1e-13; the probe promises
// 1e-10.
constexpr double kPromised = 1e-10;

using Real = long double;
using Vector3 = std::array<Real, 3>;

// By Gaussian elimination with pivots.
Vector3 solved(std::array<Vector3, 3> a, Vector3 b) {
  for (std::size_t k = 0; k < 3; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < 3; ++i) {
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    }
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < 3; ++i) {
      const Real factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < 3; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = 3; k-- > 0;) {
    for (std::size_t j = k + 1; j < 3; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

std::pair<Real, Real> mean_and_variance(const Row& values) {
  Real mean = 0;
  for (const double value : values)
    mean += static_cast<Real>(value) / static_cast<Real>(values.size());
  Real squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, squares / static_cast<Real>(values.size() - 1)};
}

// The parabola w0 + w1 t + w2 t^2 in the distance t along the update, by the normal equations of four
// observations with weights 1 / variance; a step of 2 t w2 / -w1 in units of the way to its minimum.
double naive_alpha(SingleExamples& examples, const std::vector<double>& after) {
  Row direction(after.size());
  for (std::size_t j = 0; j < after.size(); ++j) direction[j] = after[j] - examples.parameters[j];
  const Real length = std::sqrt(static_cast<Real>(naive_product(direction, direction)));
  std::array<Vector3, 3> normal{};
  Vector3 right{};
  Real t = 0;
  for (const std::vector<double>* at : {&std::as_const(examples.parameters), &after}) {
    Row slopes;
    for (const Row& g : examples.gradients(*at)) {
      slopes.push_back(static_cast<double>(naive_product(g, direction) / length));
    }
    const std::array<Vector3, 2> seen = {Vector3{1, t, t * t}, Vector3{0, 1, 2 * t}};
    const std::array<std::pair<Real, Real>, 2> found = {mean_and_variance(examples.losses(*at)),
                                                        mean_and_variance(slopes)};
    for (std::size_t o = 0; o < 2; ++o) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j)
          normal[i][j] += seen[o][i] * seen[o][j] / found[o].second;
        right[i] += seen[o][i] * found[o].first / found[o].second;
      }
    }
    t = length;
  }
  const Vector3 w = solved(normal, right);
  if (w[2] < 0) return -1;
  return static_cast<double>(-2 * length * w[2] / w[1] - 1);
}

double alpha_of(SingleExamples& examples, const Update<double>& update) {
  NoExamples none;
  const RunningNet<double> net{examples.network, *examples.run.loss, none};
  ProbeAlone<double> probe("alpha", {}, examples.run.probed());
  probe->after_update(update, net, probe.readings());
  return probe["alpha"][0];
}

class AlphaOf : public testing::TestWithParam<ModelCase> {};
INSTANTIATE_TEST_SUITE_P(Models, AlphaOf, testing::ValuesIn(models_of_single_examples()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(AlphaOf, IsThatOfWeightedLeastSquares) {
  SingleExamples examples(GetParam().settings);
  examples.step(examples.parameters);
  std::vector<double> after = examples.parameters;
  Random random(7, RandomStream::noise, 0);
  for (std::size_t j = 0; j < after.size(); ++j) {
    after[j] -= 0.4 * examples.gradient[j] + 1e-3 * random.normal();
  }
  const double expected = naive_alpha(examples, after);
  EXPECT_NE(expected, -1) << "else no fit is tested";
  for (const int threads : {1, 2}) {
    OnThreads on_threads(threads);
    on_threads.run([&] {
      EXPECT_NEAR(alpha_of(examples, examples.update(after)), expected,
                  kPromised * (1 + std::abs(expected)));
    });
  }
}

// Of a linear net without hidden layers the mean squared error is a parabola along every line.
class AlphaOnAParabola : public testing::Test {
 protected:
  AlphaOnAParabola()
      : examples_({{"model.depth", node(0)}, {"loss.name", node("mean_squared_error")}}) {
    examples_.step(examples_.parameters);
    gradient_ = examples_.gradient;
  }
  std::vector<double> moved(double rate) const {
    std::vector<double> after = examples_.parameters;
    for (std::size_t j = 0; j < after.size(); ++j) after[j] -= rate * gradient_[j];
    return after;
  }
  // The rate with which gradient descent is at the lowest point along the gradient, from two slopes.
  double best_rate() {
    constexpr double kProbe = 0.5;
    examples_.step(moved(kProbe));
    const double slope = naive_product(gradient_, gradient_);
    return kProbe * slope / (slope - naive_product(examples_.gradient, gradient_));
  }

  SingleExamples examples_;
  std::vector<double> gradient_;
};

TEST_F(AlphaOnAParabola, IsTheRateInUnitsOfTheBestLessOne) {
  const double best = best_rate();
  ASSERT_GT(best, 0);
  for (const double rate : {-0.5, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0}) {
    EXPECT_NEAR(alpha_of(examples_, examples_.update(moved(rate * best))), rate - 1, kPromised)
        << rate;
  }
}

TEST_F(AlphaOnAParabola, IsMinusOneWhereNothingMoves) {
  EXPECT_EQ(alpha_of(examples_, examples_.update(examples_.parameters)), -1);
}

TEST_F(AlphaOnAParabola, IsUndefinedWhereNoTwoExamplesDiffer) {
  Update<double> update = examples_.update(examples_.parameters);
  const std::vector<double> after = moved(0.1);
  update.after = after;
  update.inputs.stride = 0;
  const std::vector<std::int32_t> labels(examples_.rows(), 1);
  update.targets.labels = labels;
  EXPECT_TRUE(std::isnan(alpha_of(examples_, update)));
}

// A layer of sigmoids, whose biases go from one value to another, nearly all at which targets are 0.
double alpha_of_sigmoids(double from, double to) {
  SingleExamples examples({{"model.depth", node(0)},
                           {"model.output_activation", node("sigmoid")},
                           {"loss.name", node("mean_squared_error")}});
  const ParameterTensor& bias = examples.network.layer(0).bias();
  for (double& value : examples.parameters) value *= 0.01;
  std::vector<double> after = examples.parameters;
  for (std::size_t unit = 0; unit < bias.rows; ++unit) {
    examples.parameters[bias.offset + unit] = from;
    after[bias.offset + unit] = to;
  }
  EXPECT_EQ(naive_alpha(examples, after), -1) << "else the parabola does not open downward";
  return alpha_of(examples, examples.update(after));
}

// Far out on their flat side the slope grows as it goes down.
TEST(AlphaTest, IsMinusOneWhereTheLossGoesDownAndBendsDown) {
  EXPECT_EQ(alpha_of_sigmoids(6, 5), -1);
}

// Over the slope to the flat side beyond it.
TEST(AlphaTest, IsUndefinedWhereTheLossRisesAndBendsDown) {
  EXPECT_TRUE(std::isnan(alpha_of_sigmoids(1, 6)));
}

}  // namespace
}  // namespace plumbline
