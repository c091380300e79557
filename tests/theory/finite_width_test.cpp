// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/finite_width.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "tests/oracle/naive_activation.hpp"
#include "tests/theory/reference_table.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

// E[f(z)], z standard normal, by the trapezoidal rule, which errs by exp(-2 pi d / h) where f is analytic
// in a strip of half width d.
template <class Function>
double trapezoid_mean(const Function& f) {
  constexpr double kStep = 0.01;
  double sum = 0;
  for (int i = -1200; i <= 1200; ++i) {
    const double z = kStep * i;
    sum += kStep * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) * f(z);
  }
  return sum;
}

double naive_mean_square(const std::string& name, double q) {
  const auto phi = oracle::naive_function(name);
  return trapezoid_mean([&](double z) { return std::pow(phi.value(std::sqrt(q) * z), 2); });
}
double naive_slope_power(const std::string& name, double q, int power) {
  const auto phi = oracle::naive_function(name);
  return trapezoid_mean([&](double z) { return std::pow(phi.slope(std::sqrt(q) * z), power); });
}

std::vector<TheoryLayer> equal_layers(std::size_t depth, double width, double weight_variance,
                                      double bias_variance = 0) {
  return {depth, {width, weight_variance / width, bias_variance}};
}

TEST(ErrorSignalTheoryTest, HasItsClosedFormsForLinearAndRelu) {
  // chi = sigma_w^2 (linear) or half of it (relu); kappa = 3 E[phi'^4] / E[phi'^2]^2 - 1 = 2 or 5.
  struct Net {
    const char* activation;
    double chi_of_unit_variance;
    double kappa;
  };
  constexpr std::size_t kDepth = 20;
  constexpr double kWidth = 40;
  constexpr double kRounding = 1e-11;  // 20 layers of the quadrature's error
  for (const Net& net : {Net{"linear", 1, 2}, Net{"relu", 0.5, 5}}) {
    for (const double weight_variance : {0.7, 1.0, 2.0}) {
      const double chi = net.chi_of_unit_variance * weight_variance;
      const ErrorSignalTheory theory = error_signal_theory(
          *activation(net.activation), equal_layers(kDepth, kWidth, weight_variance), kWidth);
      ASSERT_EQ(theory.rms.size(), kDepth);
      for (std::size_t l = 1; l <= kDepth; ++l) {
        const auto layers = static_cast<double>(kDepth - l);
        const double variance = layers * net.kappa / kWidth;
        const double mean = layers * std::log(chi) - variance / 2;
        const double reach = 1.959964 * std::sqrt(variance);  // 97.5 % of a normal, 7 digits
        const double rms = std::pow(chi, layers / 2);
        EXPECT_NEAR(theory.rms[l - 1], rms, kRounding * rms) << net.activation << l;
        EXPECT_NEAR(2 * std::log(theory.low[l - 1]), mean - reach, 1e-6) << net.activation << l;
        EXPECT_NEAR(2 * std::log(theory.high[l - 1]), mean + reach, 1e-6) << net.activation << l;
      }
    }
  }
}

TEST(ErrorSignalTheoryTest, CountsTheWidthBetweenTwoLayersAndTheFanInOfTheUpperOne) {
  // Widths 10, 20, 40 between four layers of weight variance 1, 0.1, 0.2, 0.3: chi_l = n_l v_{l+1}.
  const std::vector<TheoryLayer> layers = {{7, 1, 0}, {10, 0.1, 0}, {20, 0.2, 0}, {40, 0.3, 0}};
  const ErrorSignalTheory theory = error_signal_theory(*activation("linear"), layers, 7);
  EXPECT_NEAR(std::pow(theory.rms[2], 2), 12, 1e-10);
  EXPECT_NEAR(std::pow(theory.rms[1], 2), 12 * 4, 1e-10);
  EXPECT_NEAR(std::pow(theory.rms[0], 2), 12 * 4 * 1, 1e-10);
  // The band's width in ln|delta|^2 is 2 x 1.96 sqrt(sum kappa / n), kappa = 2.
  const double width = 2 * std::log(theory.high[0] / theory.low[0]);
  EXPECT_NEAR(width, 2 * 1.959964 * std::sqrt(2.0 / 10 + 2.0 / 20 + 2.0 / 40), 1e-5);
}

TEST(ErrorSignalTheoryTest, FollowsTheRealProfileOfLengthsAndNotTheFixedPoint) {
  constexpr double kInput = 30;  // far from q*
  const auto layers = equal_layers(6, 50, 1.5, 0.2);
  for (const char* name : {"tanh", "sigmoid", "gelu", "silu", "softplus"}) {
    const ErrorSignalTheory theory = error_signal_theory(*activation(name), layers, kInput);
    double q = 0.2 + 1.5 / 50 * kInput;
    std::vector<double> chi;
    std::vector<double> spread;
    for (int layer = 0; layer < 5; ++layer) {
      const double square = naive_slope_power(name, q, 2);
      chi.push_back(1.5 * square);
      spread.push_back((3 * naive_slope_power(name, q, 4) / (square * square) - 1) / 50);
      q = 0.2 + 1.5 * naive_mean_square(name, q);
    }
    double log_square = 0;
    double variance = 0;
    for (std::size_t l = 5; l-- > 0;) {
      log_square += std::log(chi[l]);
      variance += spread[l];
      EXPECT_NEAR(2 * std::log(theory.rms[l]), log_square, 1e-11) << name << l;
      EXPECT_NEAR(std::log(theory.high[l] * theory.low[l]), log_square - variance / 2, 1e-11);
      EXPECT_NEAR(2 * std::log(theory.high[l] / theory.low[l]),
                  2 * 1.959963984540054 * std::sqrt(variance), 1e-8)
          << name << l;
    }
  }
}

// V(q) = sigma_w^2 E[max(0, z)^4] q^2 = (3/2) sigma_w^2 q^2: from 1 lengths double their exponent in each layer, and
// shrink as fast where they begin below 2 / (3 sigma_w^2).
TEST(ErrorSignalTheoryTest, SaysNothingBelowLengthsThatLeaveTheRangeOfDouble) {
  for (const double weight_variance : {2.0, 0.01}) {
    const ErrorSignalTheory near =
        error_signal_theory(*activation("relu_squared"), equal_layers(5, 10, weight_variance), 10);
    double q = weight_variance;
    double log_square = 0;
    for (int layer = 0; layer < 4; ++layer) {
      log_square += std::log(2 * weight_variance * q);  // chi = sigma_w^2 E[4 max(0, h)^2]
      q = 1.5 * weight_variance * q * q;
    }
    EXPECT_NEAR(2 * std::log(near.rms[0]), log_square, 1e-10 * std::abs(log_square));
    EXPECT_LT(near.low[0], near.high[0]);
    const ErrorSignalTheory far =
        error_signal_theory(*activation("relu_squared"), equal_layers(40, 10, weight_variance), 10);
    for (std::size_t l = 0; l < 39; ++l) {
      EXPECT_TRUE(std::isnan(far.rms[l]) && std::isnan(far.low[l]) && std::isnan(far.high[l])) << l;
    }
    EXPECT_EQ(far.rms[39], 1);
  }
  // What is beyond double by finite factors is infinite, and 0 where it is below.
  const ErrorSignalTheory grown =
      error_signal_theory(*activation("tanh"), equal_layers(700, 100, 1e4), 100);
  EXPECT_EQ(grown.rms[0], HUGE_VAL);
  EXPECT_EQ(error_signal_theory(*activation("sigmoid"), equal_layers(700, 100, 1), 10).high[0], 0);
}

TEST(ErrorSignalTheoryTest, IsOneForANetOfOneLayer) {
  const ErrorSignalTheory theory =
      error_signal_theory(*activation("relu"), equal_layers(1, 5, 2), 5);
  EXPECT_EQ(theory.rms, std::vector<double>{1});
  EXPECT_EQ(theory.low, std::vector<double>{1});
  EXPECT_EQ(theory.high, std::vector<double>{1});
}

// 9 digits, half a unit of the last one.
constexpr double kNineDigits = 5.1e-9;

TEST(LogGainTest, IsThatOfEveryRowOfTheReference) {
  std::size_t rows = 0;
  for (const ReferenceRow& row : reference_rows("width_fluctuations.csv")) {
    const auto n = static_cast<std::size_t>(number(row, "n"));
    const LogGain relu = relu_log_gain(n);
    const LogGain linear = linear_log_gain(n);
    const auto near = [&](double found, const char* column) {
      const double expected = number(row, column);
      EXPECT_NEAR(found, expected, kNineDigits * std::abs(expected)) << column << " at " << n;
    };
    near(relu.mean, "relu_he_mean_log_gain2");
    near(relu.variance, "relu_he_var_log_gain2");
    near(linear.mean, "linear_mean_log_gain2");
    near(linear.variance, "linear_var_log_gain2");
    ++rows;
  }
  EXPECT_EQ(rows, 17U);
}

TEST(LogGainTest, HasTheLeadingOrderOfTheSpread) {
  // kappa / n and -kappa / (2n), kappa = gain_spread; the reference's second moments are 1 + kappa / n.
  for (const ReferenceRow& row : reference_rows("width_fluctuations.csv")) {
    const double n = number(row, "n");
    const auto spread = [](const char* name) {
      const auto phi = activation(name);
      return phi->gain_spread(phi->moments(1));
    };
    EXPECT_NEAR(1 + spread("relu") / n, number(row, "relu_2nd_moment_factor_1+5/n"), 5.1e-7);
    EXPECT_NEAR(1 + spread("linear") / n, number(row, "linear_2nd_moment_factor_1+2/n"), 5.1e-7);
  }
  constexpr double kWide = 4096;  // the next order is of relative size 5 / n
  EXPECT_NEAR(relu_log_gain(4096).mean * kWide, -2.5, 2.5 * 5 / kWide);
  EXPECT_NEAR(relu_log_gain(4096).variance * kWide, 5, 5 * 5 / kWide);
}

TEST(LogGainTest, HasItsClosedFormsForOneUnit) {
  // psi(1/2) = -gamma - 2 ln 2 and psi'(1/2) = pi^2 / 2; one ReLU that is not dead has the factor 2 x^2.
  constexpr double kRounding = 1e-14;
  const double pi = std::numbers::pi;
  const double psi = -std::numbers::egamma - 2 * std::numbers::ln2;
  EXPECT_NEAR(linear_log_gain(1).mean, psi + std::numbers::ln2, kRounding);
  EXPECT_NEAR(linear_log_gain(1).variance, pi * pi / 2, kRounding);
  EXPECT_NEAR(relu_log_gain(1).mean, psi + 2 * std::numbers::ln2, kRounding);
  EXPECT_NEAR(relu_log_gain(1).variance, pi * pi / 2, 10 * kRounding);
}

TEST(ErrorSignalTheoryTest, HasTheBandOfRandomReluNetsOfWidthForty) {
  constexpr std::size_t kWidth = 40;
  constexpr std::size_t kLayers = 20;
  constexpr int kNets = 1500;
  constexpr double kNetsRoot = 38.73;

  ModelSettings model;
  model.widths.assign(kLayers, kWidth);
  model.activation = activation("relu");
  model.output_activation = activation("linear");
  model.initializer =
      make_plugin(initializer_catalogue(), "mean_field", {{"weight_variance", node(2.0)}});
  Network<double> network(model, kWidth, kWidth, 1);
  std::vector<double> parameters(network.layout().size());
  std::vector<double> gradient(network.layout().size());
  const ErrorSignalTheory theory =
      error_signal_theory(*model.activation, equal_layers(kLayers + 1, kWidth, 2), kWidth);

  const auto square = [&](std::size_t layer) {
    const MatrixView<const double> delta = network.layer(layer).error_signal();
    double sum = 0;
    for (std::size_t j = 0; j < delta.cols; ++j) sum += delta(0, j) * delta(0, j);
    return sum;
  };
  double sum = 0;
  double sum_of_squares = 0;
  int inside = 0;
  for (int net = 0; net < kNets; ++net) {
    network.initialize(*model.initializer, net, parameters);
    Random random(net, RandomStream::data, 0);
    std::vector<double> x(kWidth);
    for (double& value : x) value = random.normal();
    network.forward(parameters, {x.data(), 1, kWidth, kWidth});
    const MatrixView<double> upstream = network.output_gradient();
    for (std::size_t j = 0; j < kWidth; ++j) upstream(0, j) = random.normal();
    network.backward(parameters, {x.data(), 1, kWidth, kWidth}, gradient);
    const double log_gain = std::log(square(0) / square(kLayers));
    sum += log_gain;
    sum_of_squares += log_gain * log_gain;
    const double rms = std::exp(log_gain / 2);
    if (theory.low[0] < rms && rms < theory.high[0]) ++inside;
  }
  const double mean = sum / kNets;
  const double deviation = std::sqrt(sum_of_squares / kNets - mean * mean);
  const LogGain layer = relu_log_gain(kWidth);
  const double exact_mean = kLayers * layer.mean;
  const double exact_deviation = std::sqrt(kLayers * layer.variance);
  std::cout << "[ measured ] relu, n = 40, L = 20: mean ln gain " << mean << " (exact "
            << exact_mean << "), sd " << deviation << " (exact " << exact_deviation << "), "
            << 100.0 * inside / kNets << " % inside the band\n";

  // Four standard errors of the mean and of the deviation (a normal's is sd / sqrt(2 N)).
  EXPECT_NEAR(mean, exact_mean, 4 * deviation / kNetsRoot);
  EXPECT_NEAR(deviation, exact_deviation, 4 * deviation / kNetsRoot / std::numbers::sqrt2);
  // The theory keeps the leading order of 1/n; the next is of relative size (kappa + 1) / n = 0.15
  // at most. Without its finite-width terms the mean would be 0.
  const double theory_mean = std::log(theory.low[0] * theory.high[0]);
  const double theory_deviation = 2 * std::log(theory.high[0] / theory.low[0]) / (2 * 1.959964);
  EXPECT_NEAR(theory_mean, exact_mean, 0.1 * std::abs(exact_mean));
  EXPECT_NEAR(theory_deviation, exact_deviation, 0.1 * exact_deviation);
  // 95 % but for a deviation that is 5 % too small, which costs 1.3 %; and 0.6 % of chance.
  EXPECT_GT(static_cast<double>(inside) / kNets, 0.92);
  EXPECT_LT(static_cast<double>(inside) / kNets, 0.96);
}

}  // namespace
}  // namespace plumbline
