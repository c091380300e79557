// SPDX-License-Identifier: Apache-2.0
// The activations once more, from their formulas, one number at a time; nothing of the engine.
#pragma once

#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>

namespace plumbline::oracle {

struct NaiveActivation {
  double (*value)(double z) = nullptr;
  double (*slope)(double z) = nullptr;
  bool kink_at_zero = false;  ///< the slope jumps there, so finite differences must stay away
};

/// Throws std::out_of_range with the name of an activation that the oracle does not have.
inline NaiveActivation naive_activation(const std::string& name) {
  static const std::map<std::string, NaiveActivation> known = {
      {"linear", {[](double z) { return z; }, [](double) { return 1.0; }}},
      // phi = 1 / (1 + e^-z); phi' = 1 / (2 cosh(z/2))^2
      {"sigmoid",
       {[](double z) { return z < 0 ? std::exp(z) / (1 + std::exp(z)) : 1 / (1 + std::exp(-z)); },
        [](double z) { return std::pow(2 * std::cosh(z / 2), -2); }}},
      // phi' = 1 / cosh^2 z
      {"tanh",
       {[](double z) { return std::tanh(z); },
        [](double z) { return std::pow(std::cosh(z), -2); }}},
      {"relu",
       {[](double z) { return z > 0 ? z : 0.0; }, [](double z) { return z > 0 ? 1.0 : 0.0; },
        true}},
      // phi = z Phi(z); phi' = Phi(z) + z Phi'(z)
      {"gelu",
       {[](double z) { return z * std::erfc(-z / std::numbers::sqrt2) / 2; },
        [](double z) {
          return std::erfc(-z / std::numbers::sqrt2) / 2 +
                 z * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
        }}},
  };
  const auto found = known.find(name);
  if (found == known.end()) {
    throw std::out_of_range("tests/oracle/naive_activation.hpp does not have '" + name + "'");
  }
  return found->second;
}

}  // namespace plumbline::oracle
