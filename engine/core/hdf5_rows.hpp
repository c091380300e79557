// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

/// A dataset of numbers whose first axis counts rows, open to be read a range of rows at a time, from
/// any thread. Everything throws EnvironmentError with the path and the name.
class RowReader {
 public:
  RowReader(const std::filesystem::path& path, const std::string& name);

  /// At least one side.
  const std::vector<std::size_t>& shape() const { return shape_; }
  std::size_t rows() const { return shape_.front(); }
  /// Numbers in a row.
  std::size_t row_size() const { return row_size_; }
  /// Whether the file holds integers; else it holds floating-point numbers.
  bool holds_integers() const { return holds_integers_; }

  /// Reads rows `first` to `first + count - 1` in row-major order; `values` has room for exactly these.
  /// Values that the type cannot hold become infinite, or the nearest that it can.
  void read(std::size_t first, std::size_t count, std::span<float> values) const;
  void read(std::size_t first, std::size_t count, std::span<std::int64_t> values) const;

 private:
  void read(std::size_t first, std::size_t count, hid_t type, void* values) const;

  Check check_;
  std::string quoted_;
  Handle file_;
  Handle dataset_;
  std::vector<std::size_t> shape_;
  std::size_t row_size_ = 1;
  bool holds_integers_ = false;
};

}  // namespace plumbline::hdf5
