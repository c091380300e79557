// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

/// What a tensor is for. Update rules that treat matrices, biases or the two ends of a net
/// differently (Muon, Shampoo, weight decay) go by it.
enum class ParameterGroup { input, hidden, output, bias, norm, activation, recurrent };

std::string_view to_string(ParameterGroup group);

/// Where a tensor stands in the residual blocks of a net. A block inside a block is part of its branch.
struct BranchPlace {
  std::size_t branches = 0;  ///< of the net; 0: the tensor is in none
  std::size_t layers = 0;    ///< weight layers of its branch
  std::size_t layer = 0;     ///< among these, from 1; 0: before the first

  bool operator==(const BranchPlace&) const = default;
};

/// One tensor inside the flat parameter block: rows x cols values, row-major, from `offset` on. A
/// weight matrix is outputs x inputs; a bias is outputs x 1.
struct ParameterTensor {
  std::string name;       ///< "layer_3.weight"
  std::size_t layer = 0;  ///< weight layer, counted from 1 at the input side
  ParameterGroup group = ParameterGroup::hidden;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t offset = 0;
  /// Where all values start; empty where an initializer says so.
  std::optional<double> initial = {};
  /// Of a convolution: the places of its kernel, each of which has its share of the columns.
  std::size_t places = 1;
  BranchPlace branch = {};

  std::size_t size() const { return rows * cols; }
  /// Of a weight matrix: how many inputs a unit sees, and how many units see an input.
  std::size_t fan_in() const { return cols; }
  std::size_t fan_out() const { return rows * places; }
  bool is_weight_matrix() const {
    return group == ParameterGroup::input || group == ParameterGroup::hidden ||
           group == ParameterGroup::output || group == ParameterGroup::recurrent;
  }
  bool operator==(const ParameterTensor&) const = default;
};

/// Where each tensor of a network stands in its one flat parameter block. The gradient block and the
/// optimizer's states have the same layout. Tensors follow each other without gaps.
class ParameterLayout {
 public:
  /// Appends a tensor and returns its index.
  std::size_t add(std::string name, std::size_t layer, ParameterGroup group, std::size_t rows,
                  std::size_t cols, std::optional<double> initial = {}, std::size_t places = 1,
                  const BranchPlace& branch = {});

  const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  /// The number of values in the block.
  std::size_t size() const { return size_; }
  bool operator==(const ParameterLayout&) const = default;

 private:
  std::vector<ParameterTensor> tensors_;
  std::size_t size_ = 0;
};

}  // namespace plumbline
