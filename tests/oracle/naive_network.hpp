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

/// z_l = W_l a_{l-1} + b_l, a_l = phi(z_l; p_l), a_0 the input, for l = 1, ..., L. The parameters are
/// one row: W_1 (units x inputs, row by row), b_1, the activation's own p_1 where it has any, W_2, ...
struct NaiveNetwork {
  std::vector<std::size_t> sizes;  ///< features, width of each hidden layer, outputs
  std::string activation;
  std::string output_activation = "linear";

  std::size_t depth() const { return sizes.size() - 1; }

  const NaiveActivation& activation_of(std::size_t layer) const {
    return naive_activation(layer == depth() ? output_activation : activation);
  }
  /// The length of z_l.
  std::size_t units(std::size_t layer) const { return sizes[layer] * activation_of(layer).units; }
  /// The length of a_l.
  std::size_t outputs(std::size_t layer) const {
    return layer == 0 ? sizes[0] : sizes[layer] * activation_of(layer).outputs;
  }

  /// Where W_l begins; b_l begins units(l) * outputs(l - 1) later, and p_l units(l) after that.
  std::size_t offset(std::size_t layer) const {
    std::size_t sum = 0;
    for (std::size_t l = 1; l < layer; ++l) {
      sum += units(l) * (outputs(l - 1) + 1) + sizes[l] * activation_of(l).parameters;
    }
    return sum;
  }
  std::size_t parameter_count() const { return offset(depth() + 1); }

  /// p_l.
  Row own_parameters(const Row& parameters, std::size_t layer) const {
    const double* p = parameters.data() + offset(layer) + units(layer) * (outputs(layer - 1) + 1);
    return {p, p + sizes[layer] * activation_of(layer).parameters};
  }

  /// What one example leaves in each layer; index 0 is the input's place, where z stays empty.
  struct Pass {
    Rows z;
    Rows a;
  };

  Pass forward(const Row& parameters, const Row& input) const {
    Pass pass{{{}}, {input}};
    for (std::size_t l = 1; l <= depth(); ++l) {
      const Row& below = pass.a[l - 1];
      const double* w = parameters.data() + offset(l);
      const double* b = w + units(l) * below.size();
      Row z(units(l));
      for (std::size_t i = 0; i < z.size(); ++i) {
        for (std::size_t j = 0; j < below.size(); ++j) z[i] += w[i * below.size() + j] * below[j];
        z[i] += b[i];
      }
      pass.z.push_back(z);
      pass.a.push_back(activation_of(l).value(z, own_parameters(parameters, l)));
    }
    return pass;
  }

  /// delta_l = dL/dz_l of one example (index 0 stays empty), from dL/dy of its outputs; adds
  /// dL/dW_l = delta_l a_{l-1}^T, dL/db_l = delta_l and dL/dp_l to `gradient`.
  Rows backward(const Row& parameters, const Pass& pass, const Row& output_slope,
                Row& gradient) const {
    Rows delta(depth() + 1);
    Row upstream = output_slope;  // dL/da_l
    for (std::size_t l = depth(); l >= 1; --l) {
      const Row& below = pass.a[l - 1];
      const NaiveActivation& phi = activation_of(l);
      const Row p = own_parameters(parameters, l);
      delta[l] = times(upstream, phi.slopes(pass.z[l], p), units(l));
      const std::size_t weights = offset(l);
      const std::size_t biases = weights + units(l) * below.size();
      Row downstream(below.size());
      for (std::size_t i = 0; i < units(l); ++i) {
        const double d = delta[l][i];
        gradient[biases + i] += d;
        for (std::size_t j = 0; j < below.size(); ++j) {
          gradient[weights + i * below.size() + j] += d * below[j];
          downstream[j] += d * parameters[weights + i * below.size() + j];
        }
      }
      const Row own = times(upstream, phi.parameter_slopes(pass.z[l], p), p.size());
      for (std::size_t i = 0; i < p.size(); ++i) gradient[biases + units(l) + i] += own[i];
      upstream = downstream;
    }
    return delta;
  }

  /// The row vector upstream^T J.
  static Row times(const Row& upstream, const Rows& jacobian, std::size_t cols) {
    Row product(cols);
    for (std::size_t i = 0; i < upstream.size(); ++i) {
      for (std::size_t j = 0; j < cols; ++j) product[j] += upstream[i] * jacobian[i][j];
    }
    return product;
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
