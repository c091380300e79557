// SPDX-License-Identifier: Apache-2.0
// The moments of mean-field theory: closed forms, and Simpson's rule over the oracle's functions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "tests/activations/cases.hpp"
#include "tests/oracle/naive_activation.hpp"

namespace plumbline {
namespace {

using std::numbers::pi;

GaussianMoments moments(const char* name, double q, const std::vector<Setting>& settings = {}) {
  return make_plugin(activation_catalogue(), name, settings)->moments(q);
}

// What the engine's quadrature promises, with room for rounding.
constexpr double kQuadrature = 1e-12;

void expect_moments(const GaussianMoments& measured, const GaussianMoments& expected,
                    double tolerance) {
  EXPECT_NEAR(measured.square, expected.square, tolerance * expected.square);
  EXPECT_NEAR(measured.slope_square, expected.slope_square, tolerance * expected.slope_square);
  EXPECT_NEAR(measured.slope_fourth, expected.slope_fourth, tolerance * expected.slope_fourth);
}

const std::vector<double> kLengths = {1e-4, 0.3, 1, 7, 100};

TEST(MomentsTest, HaveTheirClosedFormsForPiecesOfLines) {
  for (const double q : kLengths) {
    expect_moments(moments("linear", q), {q, 1, 1}, kQuadrature);
    expect_moments(moments("relu", q), {q / 2, 0.5, 0.5}, kQuadrature);
    const double s = 0.3;
    const GaussianMoments leaky = {q * (1 + s * s) / 2, (1 + s * s) / 2, (1 + std::pow(s, 4)) / 2};
    expect_moments(moments("leaky_relu", q, {{"slope", node(s)}}), leaky, kQuadrature);
    expect_moments(moments("prelu", q, {{"initial_slope", node(s)}}), leaky, kQuadrature);
    expect_moments(moments("crelu", q), {q / 2, 0.5, 0.5}, kQuadrature);
    // E[z^4; z > 0] = 3 q^2 / 2, E[(2 z)^2; z > 0] = 2 q, E[(2 z)^4; z > 0] = 24 q^2.
    expect_moments(moments("relu_squared", q), {1.5 * q * q, 2 * q, 24 * q * q}, kQuadrature);
  }
}

TEST(MomentsTest, HaveTheirClosedFormsForErf) {
  for (const double q : kLengths) {
    const double slope = 2 / std::sqrt(pi);
    expect_moments(moments("erf", q),
                   {2 / pi * std::asin(2 * q / (1 + 2 * q)), slope * slope / std::sqrt(1 + 4 * q),
                    std::pow(slope, 4) / std::sqrt(1 + 8 * q)},
                   kQuadrature);
  }
}

TEST(MomentsTest, HaveTheirClosedFormsForGaussian) {
  for (const double q : kLengths) {
    // E[z^2 e^(-c z^2)] = q (1 + 2 c q)^(-3/2), E[z^4 e^(-c z^2)] = 3 q^2 (1 + 2 c q)^(-5/2).
    expect_moments(moments("gaussian", q),
                   {1 / std::sqrt(1 + 4 * q), 4 * q * std::pow(1 + 4 * q, -1.5),
                    48 * q * q * std::pow(1 + 8 * q, -2.5)},
                   kQuadrature);
  }
}

TEST(MomentsTest, HaveTheirClosedFormsForSineAlsoOfAHighFrequency) {
  for (const double w : {1.0, 30.0}) {
    for (const double q : {1e-4, 0.3, 1.0, 7.0}) {
      const double once = std::exp(-2 * w * w * q);  // E cos(2 w z)
      const double twice = std::exp(-8 * w * w * q);
      expect_moments(moments("sine", q, {{"frequency", node(w)}}),
                     {-std::expm1(-2 * w * w * q) / 2, w * w * (1 + once) / 2,
                      std::pow(w, 4) * (3 + 4 * once + twice) / 8},
                     kQuadrature);
    }
  }
}

TEST(MomentsTest, HaveTheirClosedFormsForMaxout) {
  for (const double q : kLengths) {
    // The two squares of a pair have the mean q, and the larger number has either as often.
    expect_moments(moments("maxout", q), {q, 1, 1}, kQuadrature);
    expect_moments(moments("maxout", q, {{"pieces", node(1)}}), {q, 1, 1}, kQuadrature);
    expect_moments(moments("maxout", q, {{"pieces", node(3)}}),
                   {q * (1 + std::sqrt(3) / (2 * pi)), 1, 1}, kQuadrature);
  }
}

TEST(MomentsTest, AreNotNumbersForInfiniteLengthAndFiniteForZero) {
  for (const std::string& name : activation_catalogue().names()) {
    const GaussianMoments far = moments(name.c_str(), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(far.square) && std::isnan(far.slope_square) &&
                std::isnan(far.slope_fourth))
        << name;
  }
}

// E[f(z)], z ~ N(0, q): Simpson's rule on 2^14 intervals from each kink to the next, out to 12
// standard deviations. Its error is (b - a) h^4 / 180 times the fourth derivative, below 1e-10 here.
template <class Function>
double simpson_mean(const Function& f, const std::vector<double>& kinks, double q) {
  constexpr int kIntervals = 1 << 14;
  const double reach = 12 * std::sqrt(q);
  std::vector<double> ends = {-reach};
  for (const double kink : kinks) {
    if (std::abs(kink) < reach) ends.push_back(kink);
  }
  ends.push_back(reach);
  double sum = 0;
  for (std::size_t piece = 0; piece + 1 < ends.size(); ++piece) {
    const double width = ends[piece + 1] - ends[piece];
    for (int i = 0; i <= kIntervals; ++i) {
      // The two ends stand a little inside, on their own side of a kink.
      const double place = std::clamp(static_cast<double>(i) / kIntervals, 1e-13, 1 - 1e-13);
      const double z = ends[piece] + width * place;
      const double weight = i == 0 || i == kIntervals ? 1 : (i % 2 == 1 ? 4 : 2);
      sum += weight * width / kIntervals / 3 * std::exp(-z * z / (2 * q)) * f(z);
    }
  }
  return sum / std::sqrt(2 * pi * q);
}

class EveryElementwiseMoments : public testing::TestWithParam<std::string> {};

std::vector<std::string> elementwise_names() {
  std::vector<std::string> names;
  for (const auto& [name, phi] : oracle::naive_functions()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryElementwiseMoments, testing::ValuesIn(elementwise_names()),
                         [](const auto& param_info) { return param_info.param; });

TEST_P(EveryElementwiseMoments, AreSimpsonsIntegralsOfTheOraclesFunction) {
  constexpr double kSimpson = 1e-9;
  const oracle::NaiveFunction phi = oracle::naive_function(GetParam());
  for (const double q : {0.1, 1.0, 10.0}) {
    const auto mean = [&](const auto& f) { return simpson_mean(f, phi.kinks, q); };
    expect_moments(moments(GetParam().c_str(), q),
                   {mean([&](double z) { return std::pow(phi.value(z), 2); }),
                    mean([&](double z) { return std::pow(phi.slope(z), 2); }),
                    mean([&](double z) { return std::pow(phi.slope(z), 4); })},
                   kSimpson);
  }
}

TEST(EveryElementwiseMomentsTest, AreThoseOfEveryElementwiseActivationOfTheCatalogue) {
  for (const ActivationCase& example : elementwise_cases()) {
    EXPECT_NO_THROW(oracle::naive_function(example.name));
  }
}

}  // namespace
}  // namespace plumbline
