// SPDX-License-Identifier: Apache-2.0
// The gradients of the single examples of a batch, by what probes add up of them.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/probes/probe.hpp"

namespace plumbline {

/// What is wanted of g_1, ..., g_B, g_i the gradient of L_i, the loss of example i (the mean over its
/// targets), in all parameters. The batch's gradient is g = (1/B) sum_i g_i. An empty span is not wanted.
template <typename T>
struct IndividualSums {
  std::span<double> squares = {};  ///< of each example: |g_i|^2
  /// Of each weight layer: sum_i |dL_i/dW_l|^2, biases not included.
  std::span<double> layer_squares = {};
  std::span<double> second_moments = {};  ///< of each parameter: (1/B) sum_i g_ij^2
  std::span<double> projections = {};     ///< of each example: g_i . direction
  std::span<const T> direction = {};      ///< as long as the parameters
};

/// Two ways to them. Where all parameters are weights and biases of dense layers and each example is a row, no
/// gradient is made: that of a layer with input a_i and error signal delta_i is delta_i a_i^T, so that
///   |dL_i/dW|^2 = |a_i|^2 |delta_i|^2,  |dL_i/db|^2 = |delta_i|^2,
///   sum_i g_ij^2 = (delta * delta)^T (a * a), and
///   g_i . D = delta_i . (D_W a_i + D_b), summed over the layers
/// (Goodfellow, Efficient per-example gradient computations, 2015, arXiv:1510.01799; Dangel, Kunstner &
/// Hennig, BackPACK: packing more into backprop, ICLR 2020, arXiv:1912.10985). Elsewhere, as where steps or
/// positions share weights, a net for one example runs each by itself: the work of a training step without
/// the speed of large products, and a pass over the parameters for each example.
template <typename T>
class IndividualGradients {
 public:
  virtual ~IndividualGradients() = default;

  /// At a snapshot right after the backward pass over its batch; looks at the net alone.
  virtual void look(const Snapshot<T>& at, const IndividualSums<T>& wanted) = 0;
  /// Anywhere: at `at.parameters`, for the batch of `at`, whose net and gradient are not read. It may run
  /// `network`. Fills `losses` with L_i.
  virtual void run(const Snapshot<T>& at, Network<T>& network, std::span<double> losses,
                   const IndividualSums<T>& wanted) = 0;
};

/// What a probe will ask for, by which memory goes.
struct IndividualNeeds {
  bool second_moments = false;
  bool projections = false;
  bool runs = false;
};

/// Why there are no such gradients, or nothing to compare them with, as ProbeKind::undefined(); else empty.
std::string problem_of_individual_gradients(const ProbedRun& run);

/// Bytes of an IndividualGradients, without the spans that it fills.
double memory_of_individual_gradients(const ProbedRun& run, const IndividualNeeds& needs);

/// Operations of one look() or run(), and of a look at what they fill.
double cost_of_individual_gradients(const ProbedRun& run, const IndividualNeeds& needs);

template <typename T>
std::unique_ptr<IndividualGradients<T>> individual_gradients(const ProbedRun& run);

extern template std::unique_ptr<IndividualGradients<float>> individual_gradients(const ProbedRun&);
extern template std::unique_ptr<IndividualGradients<double>> individual_gradients(const ProbedRun&);

}  // namespace plumbline
