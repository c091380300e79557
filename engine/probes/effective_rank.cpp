// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/probes/activations_of.hpp"
#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// erank(A) = exp(-sum_k p_k ln p_k), p_k = sigma_k / sum_j sigma_j, with 0 ln 0 = 0: from 1 of a matrix of
// one direction to min(rows, cols) where all singular values sigma_k are equal, and at most the rank. Of
// the activations A that a layer hands on, a row for each example of the batch and none taken off the
// mean, and of dL/dW_l. NaN of a matrix of zeros. By the singular values themselves: the eigenvalues of
// A^T A know only those above 1e-8 of the largest. Roy & Vetterli 2007.
// A singular value decomposition of each, some 4 rows cols min(rows, cols) operations: schedule it sparsely.
template <typename T>
class EffectiveRank final : public Probe<T> {
 public:
  explicit EffectiveRank(const ProbedRun& run) : gradient_(run) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"activation_effective_rank",
             "exp of the entropy of the normalized singular values of the activations that a layer "
             "hands on, examples x units."},
            {"gradient_effective_rank",
             "exp of the entropy of the normalized singular values of dL/dW_l."}};
  }
  static double memory(const ProbedRun& run) {
    SingularValues::Room room;
    const Shape outputs = run.model.layers(run.outputs)
                              .for_each(run.input, [&](const LayerKind&, const Shape& handed_on) {
                                room.count(run.batch * handed_on.steps, handed_on.values());
                              });
    room.count(run.batch * outputs.steps, outputs.values());
    for (const ParameterTensor& tensor : run.layout.tensors()) {
      if (tensor.is_weight_matrix()) room.count(tensor.rows, tensor.cols);
    }
    return room.bytes() + LayerGradient<T>::memory(run);
  }
  static double cost(const ProbedRun& run) {
    double cost = run.look_cost() + LayerGradient<T>::cost(run);
    run.model.layers(run.outputs).for_each(run.input, [&](const LayerKind& kind, const Shape& at) {
      const Shape out = kind.output(at);
      if (kind.products(at) == 0) return;
      cost += static_cast<double>(out.steps) * SingularValues::cost(run.batch, out.values());
    });
    for (const ParameterTensor& tensor : run.layout.tensors()) {
      if (!tensor.is_weight_matrix()) continue;
      const bool is_shared = tensor.group == ParameterGroup::recurrent;
      cost += static_cast<double>(is_shared ? run.input.steps : 1) *
              SingularValues::cost(tensor.rows, tensor.cols);
    }
    return cost;
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      values[0][l] = effective_rank(activations_of(at.network, l));
      const ParameterTensor& weight = at.network.layer(l).weight();
      const MatrixView<const T> gradient = gradient_.of(at, l);
      if (gradient.empty()) continue;
      values[1][l] = effective_rank({gradient.data, weight.rows, weight.cols, weight.cols});
    }
  }

 private:
  double effective_rank(MatrixView<const T> a) {
    const std::span<const double> sigma = decomposition_.of(a);
    const double sum = sum_of(sigma.size(), [&](std::size_t k) { return sigma[k]; });
    if (!(sum > 0)) return std::numeric_limits<double>::quiet_NaN();
    return std::exp(-sum_of(sigma.size(), [&](std::size_t k) {
      const double p = sigma[k] / sum;
      return p == 0 ? 0 : p * std::log(p);
    }));
  }

  LayerGradient<T> gradient_;
  SingularValues decomposition_;
};

}  // namespace

ProbeEntry effective_rank() {
  return simple_probe<EffectiveRank>({
      .summary = "How many directions the activations of a layer, and the gradient of its weights, "
                 "fill: 1 where all examples look alike to it.",
      .formula = "exp(-sum_k p_k ln p_k), p_k = sigma_k / sum_j sigma_j",
      .paper = "Roy & Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO "
               "2007",
  });
}

}  // namespace plumbline::probes
