// SPDX-License-Identifier: Apache-2.0
// A stack of dense layers in double, one example and one number at a time: slow, readable, and
// nothing of the engine. It is not for training anything that takes more than a second.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/oracle/naive_activation.hpp"
#include "tests/oracle/naive_loss.hpp"

namespace plumbline::oracle {

/// z_l = W_l a_{l-1} + b_l, a_l = phi(z_l), a_0 the input, for l = 1, ..., L. The parameters are one
/// row: W_1 (outputs x inputs, row by row), b_1, W_2, b_2, ...
struct NaiveNetwork {
  std::vector<std::size_t> sizes;  ///< features, units of each hidden layer, outputs
  std::string activation;
  std::string output_activation = "linear";

  std::size_t depth() const { return sizes.size() - 1; }

  NaiveActivation activation_of(std::size_t layer) const {
    return naive_activation(layer == depth() ? output_activation : activation);
  }

  /// Where W_l begins; b_l begins sizes[l] * sizes[l - 1] later.
  std::size_t offset(std::size_t layer) const {
    std::size_t sum = 0;
    for (std::size_t l = 1; l < layer; ++l) sum += sizes[l] * (sizes[l - 1] + 1);
    return sum;
  }
  std::size_t parameter_count() const { return offset(depth() + 1); }

  /// What one example leaves in each layer; index 0 is the input's place, where z stays empty.
  struct Pass {
    Rows z;
    Rows a;
  };

  Pass forward(const Row& parameters, const Row& input) const {
    Pass pass{{{}}, {input}};
    for (std::size_t l = 1; l <= depth(); ++l) {
      const double* w = parameters.data() + offset(l);
      const double* b = w + sizes[l] * sizes[l - 1];
      Row z(sizes[l]);
      Row a(sizes[l]);
      for (std::size_t i = 0; i < sizes[l]; ++i) {
        for (std::size_t j = 0; j < sizes[l - 1]; ++j)
          z[i] += w[i * sizes[l - 1] + j] * pass.a[l - 1][j];
        z[i] += b[i];
        a[i] = activation_of(l).value(z[i]);
      }
      pass.z.push_back(z);
      pass.a.push_back(a);
    }
    return pass;
  }

  /// delta_l = dL/dz_l of one example (index 0 stays empty), from dL/dy of its outputs; adds
  /// dL/dW_l = delta_l a_{l-1}^T and dL/db_l = delta_l to `gradient`.
  Rows backward(const Row& parameters, const Pass& pass, const Row& output_slope,
                Row& gradient) const {
    Rows delta(depth() + 1);
    Row upstream = output_slope;  // dL/da_l
    for (std::size_t l = depth(); l >= 1; --l) {
      const std::size_t weights = offset(l);
      const std::size_t biases = weights + sizes[l] * sizes[l - 1];
      Row downstream(sizes[l - 1]);
      for (std::size_t i = 0; i < sizes[l]; ++i) {
        const double d = upstream[i] * activation_of(l).slope(pass.z[l][i]);
        delta[l].push_back(d);
        gradient[biases + i] += d;
        for (std::size_t j = 0; j < sizes[l - 1]; ++j) {
          gradient[weights + i * sizes[l - 1] + j] += d * pass.a[l - 1][j];
          downstream[j] += d * parameters[weights + i * sizes[l - 1] + j];
        }
      }
      upstream = downstream;
    }
    return delta;
  }
};

/// One batch forward and back: the mean loss and its gradient, and for each example its outputs and
/// error signals dL_i/dz_l, L_i its own loss.
struct NaiveStep {
  double loss = 0;
  Rows outputs;
  std::vector<Rows> error_signals;  ///< [layer][example][unit]; layer 0 stays empty
  Row gradient;
};

inline NaiveStep naive_step(const NaiveNetwork& network, const std::string& loss_name,
                            const Row& parameters, const Rows& inputs, const Rows& targets) {
  const NaiveLoss loss = naive_loss(loss_name);
  const auto examples = static_cast<double>(inputs.size());
  NaiveStep step;
  step.error_signals.resize(network.depth() + 1);
  step.gradient.resize(network.parameter_count());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NaiveNetwork::Pass pass = network.forward(parameters, inputs[i]);
    const Row& y = pass.a.back();
    step.loss += loss.value(y, targets[i]) / examples;
    step.outputs.push_back(y);
    const Rows delta = network.backward(parameters, pass, loss.slope(y, targets[i]), step.gradient);
    for (std::size_t l = 1; l <= network.depth(); ++l) step.error_signals[l].push_back(delta[l]);
  }
  for (double& g : step.gradient) g /= examples;
  return step;
}

}  // namespace plumbline::oracle
