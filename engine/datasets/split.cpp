// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/split.hpp"

#include <algorithm>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"

namespace plumbline {

Split Split::read(Settings& settings, std::size_t train, std::size_t valid) {
  Split split;
  const auto count = [&](const char* name, std::size_t size, double least, const char* meaning) {
    return static_cast<std::size_t>(
        settings.integer(name, static_cast<std::int64_t>(size), between(least, 1e9), meaning));
  };
  split.sizes.train = count("train", train, 1, "training examples");
  split.sizes.valid = count("valid", valid, 0, "validation examples");
  split.seed = settings.integer("split_seed", 0, between(0, 9007199254740991.0),
                                "which examples go to training and which to validation");
  return split;
}

void Split::deal(const Examples& examples, const std::string& name, Dataset& dataset) const {
  const std::size_t asked = sizes.train + sizes.valid;
  if (asked > examples.size()) {
    throw EnvironmentError(name + ": has " + std::to_string(examples.size()) +
                           " examples, but data.train + data.valid is " + std::to_string(asked));
  }
  constexpr std::uint32_t kDealing = 0;
  const std::vector<std::uint32_t> order =
      Random(seed, RandomStream::data, kDealing).permutation(examples.size());
  const std::span<const std::uint32_t> dealt(order);
  dataset.train = select(examples, dealt.first(sizes.train));
  dataset.valid = select(examples, dealt.subspan(sizes.train, sizes.valid));
}

Examples select(const Examples& examples, std::span<const std::uint32_t> indices) {
  const auto rows_of = [&](const Matrix<float>& from) {
    const std::size_t cols = from.shape()[1];
    Matrix<float> to(Matrix<float>::shape_type{from.shape()[0] == 0 ? 0 : indices.size(), cols});
    for (std::size_t row = 0; row < to.shape()[0]; ++row) {
      std::copy_n(from.data() + indices[row] * cols, cols, to.data() + row * cols);
    }
    return to;
  };
  Examples selected;
  selected.inputs = rows_of(examples.inputs);
  selected.values = rows_of(examples.values);
  if (!examples.labels.empty()) {
    for (const std::uint32_t index : indices) selected.labels.push_back(examples.labels[index]);
  }
  return selected;
}

}  // namespace plumbline
