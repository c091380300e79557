// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "engine/datasets/cifar10_reader.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "tests/fuzz/clean.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

bool read_idx(Input input) {
  constexpr std::array<std::uint8_t, 4> kLabels = {0, 0, 8, 1};
  const auto labels_begin = std::ranges::find_end(input, kLabels).begin();
  return takes([&] {
    const IdxArray images = parse_idx({input.begin(), labels_begin}, "images");
    const IdxArray labels = parse_idx({labels_begin, input.end()}, "labels");
    constexpr double kWhite = 255;
    constexpr std::size_t kClasses = 10;
    examples_of(images, labels, kWhite, kClasses, "images with labels", "labels");
  });
}

bool read_cifar10(Input input) {
  return takes([&] {
    const Cifar10Records records = parse_cifar10({input.begin(), input.end()}, "batch");
    examples_of(records, records.size() / 2);
  });
}

}  // namespace plumbline::fuzz
