// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Each output unit's gradient over its incoming weights loses its mean, equation 1 of the paper:
//   g_ij <- g_ij - mean_j g_ij
// so that the sum of a unit's incoming weights stays, as far as the inner rule keeps to the gradient.
// Weight matrices alone, and only those with more than one input: a vector's mean is not a unit's.
template <typename T>
class GradientCentralization final : public OptimizerWrapper<T> {
 public:
  GradientCentralization(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout), centered_(layout.size()) {
    this->refuse_inner_that_asks_for_gradients(settings);
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (tensor.is_weight_matrix() && tensor.cols > 1) matrices_.push_back(tensor);
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    std::ranges::copy(gradient, centered_.begin());
    for (const ParameterTensor& matrix : matrices_) {
      for (std::size_t i = 0; i < matrix.rows; ++i) {
        T* row = centered_.data() + matrix.offset + i * matrix.cols;
        const double sum = std::accumulate(row, row + matrix.cols, 0.0);
        const auto mean = static_cast<T>(sum / static_cast<double>(matrix.cols));
        for (std::size_t j = 0; j < matrix.cols; ++j) row[j] -= mean;
      }
    }
    inner_->step(parameters, centered_, context);
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    const bool centered = std::ranges::find(matrices_, tensor) != matrices_.end();
    return centered ? OptimizerWrapper<T>::rules(tensor) : inner_->rules(tensor);
  }
  std::size_t state_size() const override { return centered_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  std::vector<ParameterTensor> matrices_;
  std::vector<T> centered_;
};

}  // namespace

OptimizerEntry gradient_centralization() {
  return optimizer_entry<GradientCentralization>(
      {
          .summary = "Takes its mean from each unit's weight gradient before another rule sees it.",
          .formula = "g_ij <- g_ij - mean_j g_ij, in weight matrices",
          .paper =
              "Yong, Huang, Hua & Zhang, Gradient centralization: a new optimization technique "
              "for deep neural networks, ECCV 2020, arXiv:2004.01461, equation 1",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
