// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "experiments/performance/training_step.hpp"

namespace plumbline {

/// The step of TrainingStep<float>, from the same start, written by hand for a ReLU net over three
/// calls of sgemm a layer: what one gets without this project. One thread where OpenBLAS has one.
class CblasStep {
 public:
  explicit CblasStep(const StepShape& shape) : CblasStep(shape, TrainingStep<float>(shape)) {}

  /// Takes one step; the mean loss of the batch before it.
  double step() {
    forward();
    const double loss = output_gradient();
    backward();
    adam();
    return loss;
  }

 private:
  struct Layer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t weight = 0;  // where outputs x inputs weights start in the parameters
    std::size_t bias = 0;
    std::vector<float> activated = {};     // batch x outputs; of the last layer the logits
    std::vector<float> error_signal = {};  // batch x outputs
  };

  CblasStep(const StepShape& shape, const TrainingStep<float>& start)
      : batch_(shape.batch),
        labels_(start.labels().begin(), start.labels().end()),
        parameters_(start.parameters().begin(), start.parameters().end()),
        gradient_(parameters_.size()),
        m_(parameters_.size()),
        v_(parameters_.size()) {
    if (!shape.is_mlp() || shape.activation != "relu") {
      throw std::invalid_argument("CblasStep knows dense layers with relu alone");
    }
    for (std::size_t row = 0; row < batch_; ++row) {
      const float* values = start.inputs().row(row);
      inputs_.insert(inputs_.end(), values, values + StepShape::kFeatures);
    }
    for (const ParameterTensor& tensor : start.layout().tensors()) {
      if (tensor.group == ParameterGroup::bias) {
        layers_.back().bias = tensor.offset;
      } else {
        layers_.push_back({tensor.cols, tensor.rows, tensor.offset});
        layers_.back().activated.resize(batch_ * tensor.rows);
        layers_.back().error_signal.resize(batch_ * tensor.rows);
      }
    }
  }

  static blasint size(std::size_t n) { return static_cast<blasint>(n); }
  const float* input_of(std::size_t l) const {
    return l == 0 ? inputs_.data() : layers_[l - 1].activated.data();
  }

  // a = relu(a_in W^T + b), without relu in the last layer.
  void forward() {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Layer& layer = layers_[l];
      const float* bias = &parameters_[layer.bias];
      for (std::size_t row = 0; row < batch_; ++row) {
        std::copy_n(bias, layer.outputs, &layer.activated[row * layer.outputs]);
      }
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(batch_), size(layer.outputs),
                  size(layer.inputs), 1, input_of(l), size(layer.inputs),
                  &parameters_[layer.weight], size(layer.inputs), 1, layer.activated.data(),
                  size(layer.outputs));
      if (l + 1 == layers_.size()) break;
      for (float& a : layer.activated) a = a > 0 ? a : 0;
    }
  }

  // softmax(logits) - target, over the batch's size; the mean of -log softmax of the labels.
  double output_gradient() {
    Layer& last = layers_.back();
    double loss = 0;
    for (std::size_t row = 0; row < batch_; ++row) {
      const float* logits = &last.activated[row * last.outputs];
      float* delta = &last.error_signal[row * last.outputs];
      const float most = *std::max_element(logits, logits + last.outputs);
      float sum = 0;
      for (std::size_t j = 0; j < last.outputs; ++j) sum += delta[j] = std::exp(logits[j] - most);
      const auto label = static_cast<std::size_t>(labels_[row]);
      loss += std::log(sum) - (logits[label] - most);
      const float scale = 1 / (sum * static_cast<float>(batch_));
      for (std::size_t j = 0; j < last.outputs; ++j) delta[j] *= scale;
      delta[label] -= 1 / static_cast<float>(batch_);
    }
    return loss / static_cast<double>(batch_);
  }

  // dW = delta^T a_in, db = sum of delta, delta_in = delta W relu'.
  void backward() {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      const float* delta = layer.error_signal.data();
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(layer.outputs), size(layer.inputs),
                  size(batch_), 1, delta, size(layer.outputs), input_of(l), size(layer.inputs), 0,
                  &gradient_[layer.weight], size(layer.inputs));
      float* bias = &gradient_[layer.bias];
      std::fill_n(bias, layer.outputs, 0.0f);
      for (std::size_t row = 0; row < batch_; ++row) {
        for (std::size_t j = 0; j < layer.outputs; ++j) bias[j] += delta[row * layer.outputs + j];
      }
      if (l == 0) break;
      Layer& below = layers_[l - 1];
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(batch_), size(layer.inputs),
                  size(layer.outputs), 1, delta, size(layer.outputs), &parameters_[layer.weight],
                  size(layer.inputs), 0, below.error_signal.data(), size(layer.inputs));
      for (std::size_t i = 0; i < below.activated.size(); ++i) {
        below.error_signal[i] = below.activated[i] > 0 ? below.error_signal[i] : 0;
      }
    }
  }

  // Kingma & Ba, Algorithm 1, with lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8.
  void adam() {
    ++steps_;
    const auto step_size = static_cast<float>(1e-3 / (1 - std::pow(0.9, steps_)));
    const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, steps_)));
    float* w = parameters_.data();
    const float* g = gradient_.data();
    float* m = m_.data();
    float* v = v_.data();
    const std::size_t n = parameters_.size();
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i) {
      m[i] = 0.9f * m[i] + 0.1f * g[i];
      v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
      w[i] -= step_size * m[i] / (std::sqrt(v[i]) * correction + 1e-8f);
    }
  }

  std::size_t batch_;
  std::vector<float> inputs_;  // batch x features, as all matrices here without padding
  std::vector<std::int32_t> labels_;
  std::vector<float> parameters_;
  std::vector<float> gradient_;
  std::vector<float> m_;
  std::vector<float> v_;
  std::vector<Layer> layers_;
  int steps_ = 0;
};

}  // namespace plumbline
