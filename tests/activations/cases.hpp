// SPDX-License-Identifier: Apache-2.0
// Every activation of the catalogue with its defaults, and those with settings once more with others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

struct ActivationCase {
  std::string name;
  std::vector<Setting> settings = {};
  std::string label = name;

  std::shared_ptr<const Activation> made() const {
    return make_plugin(activation_catalogue(), name, settings);
  }
};

inline void PrintTo(const ActivationCase& example, std::ostream* stream) {
  *stream << example.label;
}

inline std::vector<ActivationCase> activation_cases() {
  std::vector<ActivationCase> cases;
  for (const std::string& name : activation_catalogue().names()) cases.push_back({name});
  const std::vector<ActivationCase> with_settings = {
      {"hard_sigmoid", {{"slope", node(0.2)}}, "hard_sigmoid_of_slope_02"},
      {"leaky_relu", {{"slope", node(0.3)}}, "leaky_relu_of_slope_03"},
      {"prelu", {{"shared", node(true)}, {"initial_slope", node(-0.5)}}, "prelu_shared"},
      {"elu", {{"alpha", node(1.5)}}, "elu_of_alpha_15"},
      {"celu", {{"alpha", node(0.75)}}, "celu_of_alpha_075"},
      {"softplus", {{"beta", node(2.0)}}, "softplus_of_beta_2"},
      {"silu", {{"beta", node(1.5)}}, "silu_of_beta_15"},
      {"sine", {{"frequency", node(2.0)}}, "sine_of_frequency_2"},
      {"squareplus", {{"b", node(1.0)}}, "squareplus_of_b_1"},
      {"maxout", {{"pieces", node(3)}}, "maxout_of_3_pieces"},
      {"maxout", {{"pieces", node(1)}}, "maxout_of_1_piece"},
  };
  cases.insert(cases.end(), with_settings.begin(), with_settings.end());
  return cases;
}

inline std::vector<ActivationCase> elementwise_cases() {
  std::vector<ActivationCase> cases;
  for (const ActivationCase& example : activation_cases()) {
    if (std::dynamic_pointer_cast<const ElementwiseActivation>(example.made()) != nullptr) {
      cases.push_back(example);
    }
  }
  return cases;
}

/// `rows` rows of `cols` values in a buffer whose rows are `padding` numbers longer; those are NaN.
template <typename T>
class PaddedRows {
 public:
  PaddedRows(std::size_t rows, std::size_t cols, std::size_t padding = 0)
      : rows_(rows),
        cols_(cols),
        stride_(cols + padding),
        values_(rows * stride_, std::numeric_limits<T>::quiet_NaN()) {
    for (std::size_t i = 0; i < rows; ++i) std::fill_n(values_.begin() + at(i), cols, T(0));
  }
  PaddedRows(std::size_t rows, std::size_t cols, const std::vector<T>& values,
             std::size_t padding = 0)
      : PaddedRows(rows, cols, padding) {
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(values.data() + i * cols, cols, values_.begin() + at(i));
    }
  }

  MatrixView<T> view() { return {values_.data(), rows_, cols_, stride_}; }
  MatrixView<const T> view() const { return {values_.data(), rows_, cols_, stride_}; }
  /// The values without the padding, row by row.
  std::vector<T> packed() const {
    std::vector<T> all;
    for (std::size_t i = 0; i < rows_; ++i) {
      all.insert(all.end(), values_.begin() + at(i),
                 values_.begin() + at(i) + static_cast<std::ptrdiff_t>(cols_));
    }
    return all;
  }

 private:
  std::ptrdiff_t at(std::size_t row) const { return static_cast<std::ptrdiff_t>(row * stride_); }

  std::size_t rows_;
  std::size_t cols_;
  std::size_t stride_;
  std::vector<T> values_;
};

/// forward() on one row, for an activation without parameters.
template <typename T>
std::vector<T> applied(const Activation& activation, const std::vector<T>& z) {
  const PaddedRows<T> input(1, z.size(), z);
  PaddedRows<T> a(1, activation.outputs(z.size() / activation.units(1)));
  activation.forward(input.view(), {}, a.view());
  return a.packed();
}

/// backward() on one row where every dL/da is `factor`, for an element-wise activation.
template <typename T>
std::vector<T> slopes(const Activation& activation, const std::vector<T>& z, T factor = 1) {
  const PaddedRows<T> input(1, z.size(), z);
  const PaddedRows<T> a(1, z.size(), applied(activation, z));
  const PaddedRows<T> upstream(1, z.size(), std::vector<T>(z.size(), factor));
  PaddedRows<T> delta(1, z.size());
  activation.backward(input.view(), a.view(), {}, upstream.view(), delta.view(), {});
  return delta.packed();
}

}  // namespace plumbline
