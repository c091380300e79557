// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/examples.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// The four pairs of bits with their exclusive or as class.
class Xor final : public DataSource {
 public:
  explicit Xor(Settings& /*settings*/) {}

  std::size_t features() const override { return 2; }
  std::size_t outputs() const override { return 2; }
  SplitSizes sizes() const override { return {.train = 4}; }

  Dataset load(const DataFolders& /*folders*/) const override {
    Dataset dataset = without_examples();
    dataset.train.inputs = Matrix<float>{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    dataset.train.labels = {0, 1, 1, 0};
    dataset.valid = select(dataset.train, {});
    dataset.test = select(dataset.train, {});
    return dataset;
  }
};

}  // namespace

// `xor` is a word of the C++ language; the catalogue drops the closing underscore.
DatasetEntry xor_() {
  return dataset_entry<Xor>({
      .summary = "The four pairs of bits, to be told apart by their exclusive or.",
      .formula = "x in {0, 1}^2, class x_1 xor x_2",
      .paper = "Rumelhart, Hinton & Williams, Learning internal representations by error "
               "propagation, 1986",
  });
}

}  // namespace plumbline::datasets
