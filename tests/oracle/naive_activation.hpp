// SPDX-License-Identifier: Apache-2.0
// The activations once more, from their formulas, one number at a time; nothing of the engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/oracle/rows.hpp"

namespace plumbline::oracle {

/// a = phi(z) for each unit by itself, with the engine's default settings.
struct NaiveFunction {
  double (*value)(double z) = nullptr;
  double (*slope)(double z) = nullptr;
  std::vector<double> kinks = {};  ///< where phi' or phi'' jumps
};

inline double naive_sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
inline double naive_softplus(double z) { return z > 30 ? z : std::log1p(std::exp(z)); }

inline const std::map<std::string, NaiveFunction>& naive_functions() {
  using std::numbers::pi;
  static const std::map<std::string, NaiveFunction> known = {
      {"linear", {[](double z) { return z; }, [](double) { return 1.0; }}},
      // phi' = 1 / (2 cosh(z/2))^2
      {"sigmoid",
       {[](double z) { return z < 0 ? std::exp(z) / (1 + std::exp(z)) : naive_sigmoid(z); },
        [](double z) { return std::pow(2 * std::cosh(z / 2), -2); }}},
      {"hard_sigmoid",
       {[](double z) { return std::clamp((z + 1) / 2, 0.0, 1.0); },
        [](double z) { return std::abs(z) < 1 ? 0.5 : 0.0; },
        {-1, 1}}},
      // phi' = 1 / cosh^2 z
      {"tanh",
       {[](double z) { return std::tanh(z); },
        [](double z) { return std::pow(std::cosh(z), -2); }}},
      {"lecun_tanh",
       {[](double z) { return 1.7159 * std::tanh(2 * z / 3); },
        [](double z) { return 1.7159 * 2 / 3 * std::pow(std::cosh(2 * z / 3), -2); }}},
      {"hard_tanh",
       {[](double z) { return std::clamp(z, -1.0, 1.0); },
        [](double z) { return std::abs(z) < 1 ? 1.0 : 0.0; },
        {-1, 1}}},
      {"arctan",
       {[](double z) { return std::atan(z); },
        [](double z) { return std::pow(std::cos(std::atan(z)), 2); }}},
      {"erf",
       {[](double z) { return std::erf(z); },
        [](double z) { return 2 / std::sqrt(pi) * std::exp(-z * z); }}},
      {"softsign",
       {[](double z) { return z / (1 + std::abs(z)); },
        [](double z) { return std::pow(1 + std::abs(z), -2); },
        {0}}},
      {"softplus", {naive_softplus, naive_sigmoid}},
      {"relu",
       {[](double z) { return z > 0 ? z : 0.0; }, [](double z) { return z > 0 ? 1.0 : 0.0; }, {0}}},
      {"leaky_relu",
       {[](double z) { return z > 0 ? z : 0.01 * z; },
        [](double z) { return z > 0 ? 1 : 0.01; },
        {0}}},
      {"elu",
       {[](double z) { return z > 0 ? z : std::exp(z) - 1; },
        [](double z) { return z > 0 ? 1 : std::exp(z); },
        {0}}},
      {"celu",
       {[](double z) { return std::max(0.0, z) + std::min(0.0, std::exp(z) - 1); },
        [](double z) { return std::exp(std::min(0.0, z)); },
        {0}}},
      {"selu",
       {[](double z) {
          return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543773 * (std::exp(z) - 1));
        },
        [](double z) {
          return 1.0507009873554805 * (z > 0 ? 1 : 1.6732632423543773 * std::exp(z));
        },
        {0}}},
      // phi = z Phi(z); phi' = Phi(z) + z Phi'(z)
      {"gelu",
       {[](double z) { return z * std::erfc(-z / std::numbers::sqrt2) / 2; },
        [](double z) {
          return std::erfc(-z / std::numbers::sqrt2) / 2 +
                 z * std::exp(-z * z / 2) / std::sqrt(2 * pi);
        }}},
      // u = sqrt(2/pi) (z + 0.044715 z^3)
      {"gelu_tanh",
       {[](double z) {
          return z / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (z + 0.044715 * z * z * z)));
        },
        [](double z) {
          const double t = std::tanh(std::sqrt(2 / pi) * (z + 0.044715 * z * z * z));
          const double u_slope = std::sqrt(2 / pi) * (1 + 3 * 0.044715 * z * z);
          return (1 + t) / 2 + z / 2 * (1 - t * t) * u_slope;
        }}},
      {"silu",
       {[](double z) { return z * naive_sigmoid(z); },
        [](double z) { return naive_sigmoid(z) * (1 + z * (1 - naive_sigmoid(z))); }}},
      {"mish",
       {[](double z) { return z * std::tanh(naive_softplus(z)); },
        [](double z) {
          const double t = std::tanh(naive_softplus(z));
          return t + z * (1 - t * t) * naive_sigmoid(z);
        }}},
      {"relu_squared",
       {[](double z) { return z > 0 ? z * z : 0.0; },
        [](double z) { return z > 0 ? 2 * z : 0.0; },
        {0}}},
      {"sine", {[](double z) { return std::sin(z); }, [](double z) { return std::cos(z); }}},
      {"gaussian",
       {[](double z) { return std::exp(-z * z); },
        [](double z) { return -2 * z * std::exp(-z * z); }}},
      {"squareplus",
       {[](double z) { return (z + std::sqrt(z * z + 4)) / 2; },
        [](double z) { return (1 + z / std::sqrt(z * z + 4)) / 2; }}},
  };
  return known;
}

/// Throws std::out_of_range with the name of an element-wise activation that the oracle does not have.
inline NaiveFunction naive_function(const std::string& name) {
  const auto found = naive_functions().find(name);
  if (found != naive_functions().end()) return found->second;
  throw std::out_of_range("tests/oracle/naive_activation.hpp does not have '" + name + "'");
}

/// What a layer of some width makes of its row z of pre-activations and its own parameters p: a row a
/// of outputs, and the Jacobian da/dz, outputs x units, and da/dp, outputs x parameters.
struct NaiveActivation {
  std::size_t units =
      1;  ///< these three for a layer of width 1; others have as many times the width
  std::size_t outputs = 1;
  std::size_t parameters = 0;
  std::function<Row(const Row& z, const Row& p)> value;
  std::function<Rows(const Row& z, const Row& p)> slopes;
  std::function<Rows(const Row& z, const Row& p)> parameter_slopes = [](const Row& z, const Row&) {
    return Rows(z.size());
  };
  /// Which of its smooth pieces the activation is on; empty function: there is one piece.
  std::function<std::vector<std::size_t>(const Row& z)> pieces = {};
};

inline Rows zeros(std::size_t rows, std::size_t cols) { return Rows(rows, Row(cols)); }

/// For each unit by itself: how many of the kinks are below z.
inline std::vector<std::size_t> pieces_between(const std::vector<double>& kinks, const Row& z) {
  std::vector<std::size_t> pieces;
  for (const double at : z) {
    pieces.push_back(static_cast<std::size_t>(
        std::ranges::count_if(kinks, [at](double kink) { return kink < at; })));
  }
  return pieces;
}

inline NaiveActivation naive_elementwise(const NaiveFunction& phi) {
  NaiveActivation activation;
  activation.value = [phi](const Row& z, const Row&) {
    Row a;
    for (const double at : z) a.push_back(phi.value(at));
    return a;
  };
  activation.slopes = [phi](const Row& z, const Row&) {
    Rows j = zeros(z.size(), z.size());
    for (std::size_t i = 0; i < z.size(); ++i) j[i][i] = phi.slope(z[i]);
    return j;
  };
  if (!phi.kinks.empty()) {
    activation.pieces = [phi](const Row& z) { return pieces_between(phi.kinks, z); };
  }
  return activation;
}

/// a_i = z_i where z_i > 0, p_i z_i elsewhere.
inline NaiveActivation naive_prelu() {
  NaiveActivation activation;
  activation.parameters = 1;
  activation.value = [](const Row& z, const Row& p) {
    Row a;
    for (std::size_t i = 0; i < z.size(); ++i) a.push_back(z[i] > 0 ? z[i] : p[i] * z[i]);
    return a;
  };
  activation.slopes = [](const Row& z, const Row& p) {
    Rows j = zeros(z.size(), z.size());
    for (std::size_t i = 0; i < z.size(); ++i) j[i][i] = z[i] > 0 ? 1 : p[i];
    return j;
  };
  activation.parameter_slopes = [](const Row& z, const Row&) {
    Rows j = zeros(z.size(), z.size());
    for (std::size_t i = 0; i < z.size(); ++i) j[i][i] = std::min(0.0, z[i]);
    return j;
  };
  activation.pieces = [](const Row& z) { return pieces_between({0}, z); };
  return activation;
}

/// a = [max(0, z), max(0, -z)].
inline NaiveActivation naive_crelu() {
  NaiveActivation activation;
  activation.outputs = 2;
  activation.value = [](const Row& z, const Row&) {
    Row a;
    for (const double at : z) a.push_back(std::max(0.0, at));
    for (const double at : z) a.push_back(std::max(0.0, -at));
    return a;
  };
  activation.slopes = [](const Row& z, const Row&) {
    Rows j = zeros(2 * z.size(), z.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
      (z[i] > 0 ? j[i][i] : j[z.size() + i][i]) = z[i] > 0 ? 1 : -1;
    }
    return j;
  };
  activation.pieces = [](const Row& z) { return pieces_between({0}, z); };
  return activation;
}

/// a_i = max(z_{2 i}, z_{2 i + 1}).
inline NaiveActivation naive_maxout() {
  NaiveActivation activation;
  activation.units = 2;
  activation.value = [](const Row& z, const Row&) {
    Row a;
    for (std::size_t i = 0; i < z.size(); i += 2) a.push_back(std::max(z[i], z[i + 1]));
    return a;
  };
  activation.slopes = [](const Row& z, const Row&) {
    Rows j = zeros(z.size() / 2, z.size());
    for (std::size_t i = 0; i < z.size(); i += 2) j[i / 2][z[i] >= z[i + 1] ? i : i + 1] = 1;
    return j;
  };
  activation.pieces = [](const Row& z) {
    std::vector<std::size_t> winners;
    for (std::size_t i = 0; i < z.size(); i += 2) winners.push_back(z[i] >= z[i + 1] ? i : i + 1);
    return winners;
  };
  return activation;
}

/// Throws std::out_of_range with the name of an activation that the oracle does not have.
inline const NaiveActivation& naive_activation(const std::string& name) {
  static const std::map<std::string, NaiveActivation> known = [] {
    std::map<std::string, NaiveActivation> all = {
        {"prelu", naive_prelu()}, {"crelu", naive_crelu()}, {"maxout", naive_maxout()}};
    for (const auto& [elementwise, phi] : naive_functions()) {
      all[elementwise] = naive_elementwise(phi);
    }
    return all;
  }();
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  throw std::out_of_range("tests/oracle/naive_activation.hpp does not have '" + name + "'");
}

inline bool has_activation(const std::string& name) {
  try {
    naive_activation(name);
    return true;
  } catch (const std::out_of_range&) {
    return false;
  }
}

}  // namespace plumbline::oracle
