// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "engine/probes/probe.hpp"

namespace plumbline {

/// The most values that the tensors of one layer have together which `counts` accepts: a recurrent layer
/// has one for each gate, and WeightLayer::weight() is all of them.
template <class Predicate>
std::size_t largest_layer(const ParameterLayout& layout, const Predicate& counts) {
  std::map<std::size_t, std::size_t> sizes;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (counts(tensor)) sizes[tensor.layer] += tensor.size();
  }
  std::size_t largest = 0;
  for (const auto& [layer, size] : sizes) largest = std::max(largest, size);
  return largest;
}

/// values[l] = function(weight tensor of layer l) for every weight layer. Layers with the same weights, as
/// the steps of an unrolled one, have the value of the first of them, and cost nothing more.
template <typename T, class Function>
void for_each_weight(const Network<T>& network, std::span<double> values,
                     const Function& function) {
  for (std::size_t l = 0; l < network.depth(); ++l) {
    const ParameterTensor& weight = network.layer(l).weight();
    const bool is_shared = l > 0 && network.layer(l - 1).weight().offset == weight.offset;
    values[l] = is_shared ? values[l - 1] : function(weight);
  }
}

template <typename T>
std::span<const T> part_of(std::span<const T> block, const ParameterTensor& tensor) {
  return block.subspan(tensor.offset, tensor.size());
}

/// after - before of one tensor at a time, in double, which holds the difference of two floats.
template <typename T>
class TensorUpdate {
 public:
  explicit TensorUpdate(const ProbedRun& run) : difference_(largest(run)) {}

  static double memory(const ProbedRun& run) {
    return static_cast<double>(sizeof(double) * largest(run));
  }

  /// Holds until the next call.
  std::span<const double> of(const Update<T>& update, const ParameterTensor& tensor) {
    const T* const before = update.before.data() + tensor.offset;
    const T* const after = update.after.data() + tensor.offset;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      difference_[i] = static_cast<double>(after[i]) - static_cast<double>(before[i]);
    }
    return std::span(difference_).first(tensor.size());
  }

 private:
  static std::size_t largest(const ProbedRun& run) {
    return largest_layer(run.layout,
                         [](const ParameterTensor& tensor) { return tensor.is_weight_matrix(); });
  }

  std::vector<double> difference_;
};

}  // namespace plumbline
