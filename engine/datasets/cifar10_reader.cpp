// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/cifar10_reader.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"

namespace plumbline {

Cifar10Records parse_cifar10(std::vector<std::uint8_t> bytes, const std::string& name) {
  constexpr std::size_t kRecord = Cifar10Records::kRecord;
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw EnvironmentError(name + ": has " + std::to_string(bytes.size()) +
                           " bytes, which is not a whole number of records of 3073; is it "
                           "truncated?");
  }
  for (std::size_t i = 0; i < bytes.size(); i += kRecord) {
    if (bytes[i] >= Cifar10Records::kClasses) {
      throw EnvironmentError(name + ": label " + std::to_string(bytes[i]) + " of example " +
                             std::to_string(i / kRecord) + " is not below 10");
    }
  }
  return {std::move(bytes)};
}

Examples examples_of(const Cifar10Records& records, std::size_t n) {
  constexpr std::size_t kPixels = Cifar10Records::kPixels;
  constexpr float kWhite = 255;
  Examples examples;
  examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, kPixels});
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint8_t* record = records.bytes.data() + i * Cifar10Records::kRecord;
    examples.labels.push_back(record[0]);
    std::transform(record + 1, record + Cifar10Records::kRecord,
                   examples.inputs.data() + i * kPixels,
                   [](std::uint8_t value) { return static_cast<float>(value) / kWhite; });
  }
  return examples;
}

}  // namespace plumbline
