// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/bit_patterns.hpp"

namespace plumbline::datasets {

namespace {

// Class 1 where the pattern reads the same from both ends. Of all patterns 2^ceil(bits/2) do, one in
// eight of 6 bits and hardly one in longer ones, so of sampled patterns the second half of every other
// one is made the mirror image of its first.
class MirrorSymmetry final : public DataSource {
 public:
  explicit MirrorSymmetry(Settings& settings) : patterns_(BitPatterns::read(settings, 6)) {}

  std::size_t features() const override { return patterns_.bits; }
  std::size_t outputs() const override { return 2; }
  SplitSizes sizes() const override { return patterns_.split.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    const std::size_t bits = patterns_.bits;
    Examples examples;
    examples.inputs = patterns_.rows();
    for (std::size_t i = 0; i < examples.size(); ++i) {
      float* row = examples.inputs.data() + i * bits;
      bool symmetric = true;
      for (std::size_t j = 0; j < bits / 2; ++j) {
        if (patterns_.sampled && i % 2 == 1) row[bits - 1 - j] = row[j];
        symmetric = symmetric && row[bits - 1 - j] == row[j];
      }
      examples.labels.push_back(symmetric ? 1 : 0);
    }
    Dataset dataset = without_examples();
    patterns_.split.deal(examples, "mirror_symmetry", dataset);
    return dataset;
  }

 private:
  BitPatterns patterns_;
};

}  // namespace

DatasetEntry mirror_symmetry() {
  return dataset_entry<MirrorSymmetry>({
      .summary = "Patterns of bits, to be told apart by whether they are their own mirror image.",
      .formula = "x in {0, 1}^bits, class 1 where x_j = x_(bits + 1 - j) for all j, else 0",
      .paper = "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, "
               "Nature 323, 1986, doi:10.1038/323533a0; Sejnowski, Kienker & Hinton, Learning "
               "symmetry groups with hidden units: beyond the perceptron, Physica D 22, 1986",
  });
}

}  // namespace plumbline::datasets
