// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// Each unit has k = `connections` incoming weights N(0, std^2), from inputs chosen at random without
// repetition, or from all where there are fewer; the others are 0 (section 5, "sparse initialization").
// Var(w) = std^2 min(k, fan_in) / fan_in: what reaches a unit does not depend on the width.
// With a spectral radius a square matrix is then multiplied by radius / (largest |eigenvalue|), and std
// has no part in it: for weights over the state of a recurrent layer, where Sutskever et al. 2013
// (section 4) have 15 connections and 1.1; each gate has a matrix of its own.
class Sparse final : public Initializer {
 public:
  explicit Sparse(Settings& settings)
      : connections_(static_cast<std::size_t>(settings.integer(
            "connections", 15, between(1, 1000000), "incoming weights of a unit that are not 0"))),
        std_(settings.number("std", 1, kNonNegative, "standard deviation of these")),
        radius_(settings.number("spectral_radius", 0, kNonNegative,
                                "largest |eigenvalue| of a square matrix; 0: as drawn")) {
    if (radius_ == 0) settings.restates("spectral_radius");
    if (radius_ > 0 && std_ == 0) {
      settings.problem("std", "is 0, and no matrix of zeros has a spectral radius above 0");
    }
  }

  std::string problem(const ParameterLayout& layout) const override {
    if (radius_ == 0) return {};
    for (const ParameterTensor& tensor : layout.tensors()) {
      // The recurrent initializer has those.
      if (tensor.group == ParameterGroup::recurrent) continue;
      if (!tensor.is_weight_matrix() || tensor.rows == tensor.cols) continue;
      return "is more than 0, and square matrices alone have one; " + tensor.name + " is " +
             std::to_string(tensor.rows) + " x " + std::to_string(tensor.cols);
    }
    return {};
  }
  std::string problem_setting() const override { return "spectral_radius"; }

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& random) const override {
    std::vector<std::size_t> inputs(weights.cols);
    std::iota(inputs.begin(), inputs.end(), std::size_t{0});
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::fill_n(weights.row(i), weights.cols, 0.0);
      // The first steps of a shuffle (Fisher and Yates), from whatever order the last unit left.
      for (std::size_t k = 0; k < std::min(connections_, weights.cols); ++k) {
        std::swap(inputs[k], inputs[k + static_cast<std::size_t>(random.below(weights.cols - k))]);
        weights(i, inputs[k]) = std_ * random.normal();
      }
    }
    if (radius_ > 0) scale(tensor, weights);
  }
  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    if (radius_ > 0) return std::nullopt;
    return std_ * std_ * static_cast<double>(std::min(connections_, fan_in)) /
           static_cast<double>(fan_in);
  }
  bool independent_weights() const override { return false; }

 private:
  void scale(const ParameterTensor& tensor, MatrixView<double> weights) const {
    if (weights.rows != weights.cols) {
      throw std::invalid_argument("sparse: " + tensor.name +
                                  " is not square and has no spectral radius");
    }
    const double factor = radius_ / spectral_radius(weights);
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) weights(i, j) *= factor;
    }
  }

  std::size_t connections_;
  double std_;
  double radius_;
};

}  // namespace

InitializerEntry sparse() {
  return initializer_entry<Sparse>({
      .summary =
          "A few large incoming weights for each unit, whatever the width; the others are 0.",
      .formula = "w ~ N(0, std^2) for `connections` random inputs of each unit, else 0; b = 0; "
                 "of a given spectral radius: W <- radius / max |eigenvalue| W",
      .paper = "Martens, Deep learning via Hessian-free optimization, ICML 2010; with a spectral "
               "radius: Sutskever, Martens, Dahl & Hinton, On the importance of initialization and "
               "momentum in deep learning, ICML 2013",
  });
}

}  // namespace plumbline::initializers
