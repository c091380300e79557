// SPDX-License-Identifier: Apache-2.0
// The objective of a golden case: a quadratic, with the samples and passes that the file lists.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/optimizers/quadratic_objective.hpp"

namespace plumbline {

template <typename T>
class GoldenObjective final : public QuadraticObjective<T> {
 public:
  GoldenObjective(const nlohmann::json& description, const ParameterLayout& layout)
      : QuadraticObjective<T>(description.at("curvature").get<std::vector<double>>(),
                              description.at("center").get<std::vector<double>>(),
                              description.value("coupling", 0.0)),
        description_(description),
        layout_(layout) {}

  // By the curvature alone: with a coupling the quadratic model is then wrong, as it is in a net.
  void gauss_newton_product(std::span<const T> /*parameters*/, std::span<const T> direction,
                            std::span<T> product) override {
    const auto curvature = description_.at("curvature").get<std::vector<double>>();
    std::ranges::transform(direction, curvature, product.begin(),
                           [](T v, double h) { return static_cast<T>(h) * v; });
  }
  void sampled_gradient(std::span<const T> /*parameters*/, std::uint32_t draw,
                        std::span<T> gradient) override {
    draw_ = draw;
    if (!description_.contains("sampled_gradients")) return;
    const auto listed =
        description_.at("sampled_gradients").at(draw - 1).get<std::vector<double>>();
    std::ranges::transform(listed, gradient.begin(), [](double g) { return static_cast<T>(g); });
  }
  typename Objective<T>::LayerPass layer_pass(std::size_t tensor) override {
    std::size_t weight = 0;  // counted among the weights
    for (std::size_t i = 0; i < tensor; ++i) {
      if (layout_.tensors()[i].group != ParameterGroup::bias) ++weight;
    }
    const auto& pass = description_.at("layer_passes").at(draw_ - 1).at(weight);
    return {matrix(pass.at("inputs"), inputs_), matrix(pass.at("error_signals"), error_signals_)};
  }
  std::size_t examples() const override { return description_.value("examples", std::size_t{1}); }

 private:
  static MatrixView<const T> matrix(const nlohmann::json& listed, std::vector<T>& storage) {
    storage.clear();
    for (const auto& row : listed) {
      for (const auto& value : row) storage.push_back(static_cast<T>(value.get<double>()));
    }
    const std::size_t cols = listed.at(0).size();
    return {storage.data(), listed.size(), cols, cols};
  }

  nlohmann::json description_;
  ParameterLayout layout_;
  std::uint32_t draw_ = 0;
  std::vector<T> inputs_;
  std::vector<T> error_signals_;
};

}  // namespace plumbline
