// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
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

/// What has been found of a set of examples that are run forward, a batch at a time in their order.
template <typename T>
class RunningEvaluation {
 public:
  /// All must outlive the evaluation.
  RunningEvaluation(Network<T>& network, std::span<const T> parameters, const Loss& loss,
                    GatheredBatch<T>& batch, const std::atomic<bool>* stop)
      : network_(network), parameters_(parameters), loss_(loss), batch_(batch), stop_(stop) {}

  /// Returns false where `stop` came true before the end.
  bool add(const Examples& examples) {
    for (std::size_t first = 0; first < examples.size(); first += network_.batch()) {
      if (stop_ != nullptr && *stop_) return false;
      const std::size_t rows = std::min(network_.batch(), examples.size() - first);
      batch_.gather(examples, rows, [first](std::size_t row) { return first + row; });
      const MatrixView<const T> outputs =
          network_.forward(parameters_, batch_.inputs(), {.training = false});
      const Targets<T> targets = batch_.targets();
      sum_ += loss_.evaluate(outputs, targets, {});
      evaluated_ += batch_.target_rows();
      labelled_ += targets.labels.size();
      for (std::size_t i = 0; i < targets.labels.size(); ++i) {
        const T* row = outputs.row(i);
        const auto predicted = std::max_element(row, row + outputs.cols) - row;
        if (predicted == targets.labels[i]) ++correct_;
      }
    }
    return true;
  }

  /// All NaN where there was no example.
  Evaluation result() const {
    const auto n = static_cast<double>(evaluated_);
    Evaluation evaluation;
    if (evaluated_ == 0) return evaluation;
    evaluation.loss = sum_ / n;
    // Outputs that are no numbers predict nothing.
    if (labelled_ > 0 && !std::isnan(evaluation.loss)) {
      evaluation.accuracy = static_cast<double>(correct_) / n;
    }
    return evaluation;
  }

 private:
  Network<T>& network_;
  std::span<const T> parameters_;
  const Loss& loss_;
  GatheredBatch<T>& batch_;
  const std::atomic<bool>* stop_;
  double sum_ = 0;
  std::size_t evaluated_ = 0;
  std::size_t labelled_ = 0;
  std::size_t correct_ = 0;
};

/// Runs all examples forward, a batch at a time in their order. All NaN for a set without examples, and
/// where `stop` came true before the end.
template <typename T>
Evaluation evaluate(Network<T>& network, std::span<const T> parameters, const Loss& loss,
                    const Examples& examples, GatheredBatch<T>& batch,
                    const std::atomic<bool>* stop = nullptr) {
  RunningEvaluation<T> evaluation(network, parameters, loss, batch, stop);
  return evaluation.add(examples) ? evaluation.result() : Evaluation();
}

/// The same block by block, the next of which is read on a thread of its own. Throws what reading throws.
template <typename T>
Evaluation evaluate(Network<T>& network, std::span<const T> parameters, const Loss& loss,
                    const ExampleStream& stream, GatheredBatch<T>& batch,
                    const std::atomic<bool>* stop = nullptr) {
  RunningEvaluation<T> evaluation(network, parameters, loss, batch, stop);
  const auto reading = [&](std::size_t block) {
    return std::async(std::launch::async, [&stream, block] {
      return block < stream.blocks() ? stream.read(block) : Examples();
    });
  };
  std::future<Examples> next = reading(0);
  for (std::size_t block = 0; block < stream.blocks(); ++block) {
    const Examples examples = next.get();
    next = reading(block + 1);
    if (!evaluation.add(examples)) return {};
  }
  return evaluation.result();
}

}  // namespace plumbline
