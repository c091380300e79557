// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/idx_reader.hpp"

#include <algorithm>
#include <limits>

#include "engine/core/error.hpp"

namespace plumbline {

IdxArray parse_idx(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  constexpr std::uint8_t kUnsignedByte = 0x08;
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != kUnsignedByte ||
      bytes[3] == 0) {
    throw EnvironmentError(name + ": is not an IDX file of unsigned bytes (wrong magic number)");
  }
  const std::size_t dimensions = bytes[3];
  const std::size_t header = 4 + 4 * dimensions;
  if (bytes.size() < header) throw EnvironmentError(name + ": is truncated in its header");
  IdxArray array;
  std::size_t size = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[4 + 4 * d + i];
    array.shape.push_back(length);
    if (length > 0 && size > std::numeric_limits<std::size_t>::max() / length) {
      throw EnvironmentError(name + ": its header gives sizes whose product is beyond any file");
    }
    size *= length;
  }
  if (bytes.size() - header != size) {
    throw EnvironmentError(name + ": holds " + std::to_string(bytes.size() - header) +
                           " values, and its header says " + std::to_string(size) +
                           (bytes.size() - header < size ? "; is it truncated?" : ""));
  }
  array.values.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return array;
}

Examples examples_of(const IdxArray& images, const IdxArray& labels, double white,
                     std::size_t classes, const std::string& name, const std::string& labels_name) {
  if (images.shape.size() != 3 || labels.shape.size() != 1) {
    throw EnvironmentError(name + ": expected images in 3 dimensions and labels in 1");
  }
  if (images.shape[0] != labels.shape[0]) {
    throw EnvironmentError(name + ": " + std::to_string(images.shape[0]) + " images, but " +
                           std::to_string(labels.shape[0]) + " labels");
  }
  const std::size_t n = images.shape[0];
  const std::size_t features = images.shape[1] * images.shape[2];
  Examples examples;
  examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features});
  std::ranges::transform(images.values, examples.inputs.data(),
                         [white](std::uint8_t value) { return static_cast<float>(value / white); });
  examples.labels.assign(labels.values.begin(), labels.values.end());
  for (std::size_t i = 0; i < n; ++i) {
    if (examples.labels[i] >= static_cast<std::int32_t>(classes)) {
      throw EnvironmentError(labels_name + ": label " + std::to_string(examples.labels[i]) +
                             " of example " + std::to_string(i) + " is not below " +
                             std::to_string(classes));
    }
  }
  return examples;
}

}  // namespace plumbline
