// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/mean_field.hpp"

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
#include "tests/theory/reference_values.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// What the header promises of the quadrature, with room for rounding.
constexpr double kQuadrature = 2e-13;

// The reference values are rounded to 9 significant digits, and one row to 6: half a unit of the last
// digit, relative to a number that begins with 1.
constexpr double kNineDigits = 5.1e-9;
constexpr double kSixDigits = 5.1e-6;

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

// All analytic in a strip about the real line, of half width 1 at least.
constexpr auto kSmooth = std::to_array<const char*>(
    {"linear", "sigmoid", "tanh", "lecun_tanh", "arctan", "erf", "softplus", "gelu", "gelu_tanh",
     "silu", "mish", "sine", "gaussian", "squareplus"});

// E[f(z)], z standard normal, by the trapezoidal rule: for functions analytic in a strip of half
// width d it errs by exp(-2 pi d / h), and arctan(sqrt(q) z) has d = 1 / sqrt q, so at q = 100 by
// e^-62.
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

// The largest relative error of the two integrals over the smooth activations.
double largest_quadrature_error(const std::vector<double>& lengths) {
  double most = 0;
  for (const char* name : kSmooth) {
    for (const double q : lengths) {
      const double value = naive_mean_square(name, q);
      const double slope = naive_slope_power(name, q, 2);
      most = std::max({most, std::abs((*activation(name)).moments(q).square / value - 1),
                       std::abs((*activation(name)).moments(q).slope_square / slope - 1)});
    }
  }
  return most;
}

TEST(MeanSquareTest, IsTheIntegralThatTheTrapezoidalRuleGives) {
  EXPECT_LE(largest_quadrature_error({1e-6, 0.01, 0.3, 1.0, 4.0}), kQuadrature);
}

TEST(MeanSquareTest, IsTheIntegralUpToLengthsOfAHundred) {
  EXPECT_LE(largest_quadrature_error({10.0, 25.0, 100.0}), kQuadrature);
}

TEST(MeanSquareTest, HasItsClosedFormsForLinearAndRelu) {
  for (const double q : {1e-12, 0.3, 1.0, 100.0}) {
    EXPECT_NEAR((*activation("linear")).moments(q).square, q, kQuadrature * q);
    EXPECT_NEAR((*activation("linear")).moments(q).slope_square, 1, kQuadrature);
    EXPECT_NEAR((*activation("relu")).moments(q).square, q / 2, kQuadrature * q);
    EXPECT_NEAR((*activation("relu")).moments(q).slope_square, 0.5, kQuadrature);
  }
}

TEST(LengthFixedPointTest, AgreesWithTheReferenceValuesAndSoDoesItsChi) {
  for (const MeanFieldReference& row : kMeanFieldReferences) {
    const auto phi = activation(row.activation);
    const double q = length_fixed_point(*phi, row.weight_variance, row.bias_variance);
    constexpr double kVanished = 1e-12;  // where q* is 0
    const double digits = row.q_star == 0.193593 ? kSixDigits : kNineDigits;
    const std::string place = std::string(row.activation) + " (" +
                              std::to_string(row.weight_variance) + ", " +
                              std::to_string(row.bias_variance) + ")";
    EXPECT_NEAR(q, row.q_star, digits * row.q_star + kVanished) << place;
    // As q goes to 0: at 0 itself ReLU has no slope.
    const double chi = row.weight_variance * (*phi).moments(std::max(q, 1e-300)).slope_square;
    EXPECT_NEAR(chi, row.chi_1, digits * row.chi_1) << place;
  }
}

TEST(LengthFixedPointTest, IsReachedFromBothSides) {
  const auto phi = activation("tanh");
  const double from_below = length_fixed_point(*phi, 2.5, 0.05, 0.01);
  const double from_above = length_fixed_point(*phi, 2.5, 0.05, 30);
  // Both stop where a layer moves q by 1e-14; the map contracts by 0.55 a layer at this point.
  EXPECT_NEAR(from_below, from_above, 1e-13);
}

TEST(LengthFixedPointTest, IsInfiniteWhereTheLengthGrowsWithoutBound) {
  EXPECT_TRUE(std::isinf(length_fixed_point(*activation("relu"), 2.2, 0)));
  EXPECT_TRUE(std::isinf(length_fixed_point(*activation("linear"), 1.5, 0.05)));
}

TEST(LengthFixedPointTest, IsNotANumberWhereTheLengthFallsTooSlowly) {
  // At (1, 0) q falls as 1 / (2 l), for ever.
  EXPECT_TRUE(std::isnan(length_fixed_point(*activation("tanh"), 1, 0)));
}

// The factor of the gradient's norm a layer, 50 layers from q = 1, without biases: the table of the
// project's theory page, rounded as it is printed.
TEST(LengthMapTest, HasTheFactorsOfTheTableAfterFiftyLayers) {
  struct Row {
    const char* activation;
    double weight_variance;
    double chi;
    double half_digit;
  };
  for (const Row& row :
       {Row{"sigmoid", 1, 0.0557, 5e-5}, Row{"sigmoid", 2, 0.1010, 5e-5},
        Row{"tanh", 1, 0.980, 5e-4}, Row{"tanh", 2, 1.1055, 5e-5}, Row{"relu", 1, 0.5, 1e-12},
        Row{"relu", 2, 1, 1e-12}, Row{"gelu", 1, 0.25, 5e-3}, Row{"gelu", 2, 0.50, 5e-3}}) {
    const auto phi = activation(row.activation);
    double q = 1;
    for (int layer = 0; layer < 50; ++layer) q = row.weight_variance * (*phi).moments(q).square;
    EXPECT_NEAR(row.weight_variance * (*phi).moments(q).slope_square, row.chi, row.half_digit)
        << row.activation << " at " << row.weight_variance;
  }
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

TEST(ErrorSignalTheoryTest, IsOneForANetOfOneLayer) {
  const ErrorSignalTheory theory =
      error_signal_theory(*activation("relu"), equal_layers(1, 5, 2), 5);
  EXPECT_EQ(theory.rms, std::vector<double>{1});
  EXPECT_EQ(theory.low, std::vector<double>{1});
  EXPECT_EQ(theory.high, std::vector<double>{1});
}

// Moments of ln((2/n) chi^2_K), K ~ Binomial(n, 1/2) and not 0: what one ReLU layer of width n with
// weight variance 2/n does to |delta|^2, exactly (Hanin 2018, arXiv:1801.03744, and the coin flips
// of its proof). E ln chi^2_k = psi(k/2) + ln 2 and Var ln chi^2_k = psi'(k/2).
struct LogGain {
  double mean = 0;
  double variance = 0;
};

LogGain exact_relu_log_gain(int n) {
  constexpr double pi = std::numbers::pi;
  double share = std::pow(0.5, n);  // of K = 0
  const double alive = 1 - share;
  double psi[2] = {-std::numbers::egamma, -std::numbers::egamma - 2 * std::numbers::ln2};
  double psi1[2] = {pi * pi / 6, pi * pi / 2};  // at 1 (even k = 2) and at 1/2 (odd k = 1)
  double first = 0;
  double second = 0;
  for (int k = 1; k <= n; ++k) {
    share *= static_cast<double>(n - k + 1) / k;
    const int odd = k % 2;
    if (k > 2) {
      const double x = k / 2.0 - 1;
      psi[odd] += 1 / x;
      psi1[odd] -= 1 / (x * x);
    }
    const double mean = psi[odd] + std::log(2) + std::log(2.0 / n);
    first += share / alive * mean;
    second += share / alive * (mean * mean + psi1[odd]);
  }
  return {first, second - first * first};
}

TEST(ExactReluLogGainTest, HasThePublishedMoments) {
  // The project's reference values for these widths, to 6 digits.
  EXPECT_NEAR(exact_relu_log_gain(50).mean, -0.0517388, 1e-7);
  EXPECT_NEAR(exact_relu_log_gain(50).variance, 0.108168, 1e-6);
  EXPECT_NEAR(exact_relu_log_gain(300).mean, -0.00837915, 1e-8);
  EXPECT_NEAR(exact_relu_log_gain(300).variance, 0.0168754, 1e-7);
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
  const LogGain layer = exact_relu_log_gain(kWidth);
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
