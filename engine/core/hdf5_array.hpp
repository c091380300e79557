// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace plumbline::hdf5 {

/// The numbers of a dataset in row-major order. A single number has the shape {}.
struct Array {
  std::vector<std::size_t> shape;
  std::vector<double> values;

  bool operator==(const Array&) const = default;
};

/// The names of all that stands in the root group of an HDF5 file, sorted. Throws
/// EnvironmentError with the path.
std::vector<std::string> names_in(const std::filesystem::path& path);

/// Reads a dataset of integers or floating-point numbers of any size and byte order; values that a
/// double cannot hold are rounded. Throws EnvironmentError with the path and the name.
Array read_array(const std::filesystem::path& path, const std::string& name);

}  // namespace plumbline::hdf5
