// SPDX-License-Identifier: Apache-2.0
// Files as the initializer from_file reads them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/parameters.hpp"
#include "engine/core/random.hpp"
#include "tests/core/hdf5_file.hpp"

namespace plumbline {

/// The numbers that write_weights() stores for a tensor: they depend on its layer and size alone.
inline std::vector<double> stored_values(const ParameterTensor& tensor, std::int64_t seed = 1) {
  Random random(seed, RandomStream::data, static_cast<std::uint32_t>(tensor.layer));
  std::vector<double> values(tensor.size());
  for (double& value : values) value = random.normal();
  return values;
}

/// Weights and biases for these tensors.
inline void write_weights(const std::filesystem::path& path, const ParameterLayout& layout,
                          std::int64_t seed = 1, hid_t type = H5T_IEEE_F64LE) {
  Hdf5File file(path);
  for (const ParameterTensor& tensor : layout.tensors()) {
    std::vector<hsize_t> shape = {tensor.rows};
    if (tensor.is_weight_matrix()) shape.push_back(tensor.cols);
    file.add(tensor.name, shape, stored_values(tensor, seed), type);
  }
}

}  // namespace plumbline
