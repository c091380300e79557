// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "engine/network/network.hpp"
#include "engine/training/batches.hpp"

namespace plumbline {

/// How well a net does on a set of examples.
struct Evaluation {
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< mean of L_i over all targets
  double accuracy =
      std::numeric_limits<double>::quiet_NaN();  ///< share of labels predicted; NaN without labels
};

/// Runs all examples forward, a batch at a time in their order. All NaN for a set without examples, and
/// where `stop` came true before the end.
template <typename T>
Evaluation evaluate(Network<T>& network, std::span<const T> parameters, const Loss& loss,
                    const Examples& examples, GatheredBatch<T>& batch,
                    const std::atomic<bool>* stop = nullptr) {
  if (examples.size() == 0) return {};
  double sum = 0;
  std::size_t evaluated = 0;
  std::size_t correct = 0;
  for (std::size_t first = 0; first < examples.size(); first += network.batch()) {
    if (stop != nullptr && *stop) return {};
    const std::size_t rows = std::min(network.batch(), examples.size() - first);
    batch.gather(examples, rows, [first](std::size_t row) { return first + row; });
    const MatrixView<const T> outputs =
        network.forward(parameters, batch.inputs(), {.training = false});
    const Targets<T> targets = batch.targets();
    sum += loss.evaluate(outputs, targets, {});
    evaluated += batch.target_rows();
    for (std::size_t i = 0; i < targets.labels.size(); ++i) {
      const T* row = outputs.row(i);
      const auto predicted = std::max_element(row, row + outputs.cols) - row;
      if (predicted == targets.labels[i]) ++correct;
    }
  }
  const auto n = static_cast<double>(evaluated);
  Evaluation evaluation;
  evaluation.loss = sum / n;
  // Outputs that are no numbers predict nothing.
  if (!examples.labels.empty() && !std::isnan(evaluation.loss))
    evaluation.accuracy = static_cast<double>(correct) / n;
  return evaluation;
}

}  // namespace plumbline
