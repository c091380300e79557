// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The records of a binary file of CIFAR-10: a label byte, then the red, green and blue planes of 32 x 32
/// bytes (Krizhevsky, Learning multiple layers of features from tiny images, 2009).
struct Cifar10Records {
  static constexpr std::size_t kPixels = 3072;
  static constexpr std::size_t kRecord = 1 + kPixels;
  static constexpr int kClasses = 10;

  std::vector<std::uint8_t> bytes;

  std::size_t size() const { return bytes.size() / kRecord; }
};

/// Reads unpacked bytes; `name` is what an error calls them. Throws EnvironmentError where they are not
/// one or more whole records, or a label is not below 10.
Cifar10Records parse_cifar10(std::vector<std::uint8_t> bytes, const std::string& name);

/// The first n records as examples, pixel / 255; there must be so many.
Examples examples_of(const Cifar10Records& records, std::size_t n);

}  // namespace plumbline
