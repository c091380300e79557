// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/datasets/bit_patterns.hpp"

namespace plumbline::datasets {

namespace {

// Class 1 where the number of ones is odd. Every single bit changes the class, so nothing short of all
// bits tells anything of it.
class Parity final : public DataSource {
 public:
  explicit Parity(Settings& settings) : patterns_(BitPatterns::read(settings, 8)) {}

  std::size_t features() const override { return patterns_.bits; }
  std::size_t outputs() const override { return 2; }
  SplitSizes sizes() const override { return patterns_.split.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    Examples examples;
    examples.inputs = patterns_.rows();
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const float* row = examples.inputs.data() + i * patterns_.bits;
      const auto ones = std::count(row, row + patterns_.bits, 1.0F);
      examples.labels.push_back(static_cast<std::int32_t>(ones % 2));
    }
    Dataset dataset = without_examples();
    patterns_.split.deal(examples, "parity", dataset);
    return dataset;
  }

 private:
  BitPatterns patterns_;
};

}  // namespace

DatasetEntry parity() {
  return dataset_entry<Parity>({
      .summary = "Patterns of bits, to be told apart by whether their number of ones is odd.",
      .formula = "x in {0, 1}^bits, class x_1 xor x_2 xor ... xor x_bits",
      .paper =
          "Minsky & Papert, Perceptrons, 1969; Rumelhart, Hinton & Williams, Learning internal "
          "representations by error propagation, 1986",
  });
}

}  // namespace plumbline::datasets
