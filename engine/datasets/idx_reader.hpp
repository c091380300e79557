// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The content of an IDX file of unsigned bytes: two zero bytes, type 0x08, the number of
/// dimensions, each size as a big-endian 32-bit integer, then the values in row-major order (LeCun,
/// Cortes and Burges, "The MNIST database of handwritten digits").
struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> values;
};

/// Reads unpacked IDX bytes; `name` is what an error calls them. Throws EnvironmentError where the
/// magic number, the dimensions or the length is wrong.
IdxArray parse_idx(const std::vector<std::uint8_t>& bytes, const std::string& name);

/// Images (n x rows x columns) and labels (n) as examples with one feature a pixel: value / white.
/// Throws EnvironmentError where the two don't belong together, of which it calls both by `name`, or a
/// label is not below `classes`, which is said of `labels_name`.
Examples examples_of(const IdxArray& images, const IdxArray& labels, double white,
                     std::size_t classes, const std::string& name, const std::string& labels_name);

}  // namespace plumbline
