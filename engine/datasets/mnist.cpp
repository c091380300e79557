// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// The original four IDX files, plain or gzipped. Validation examples come from the 60,000 of the
// training file; the test examples are the first of the test file.
class Mnist final : public DataSource {
 public:
  explicit Mnist(Settings& settings) : split_(Split::read(settings, 55000, 5000)) {
    split_.sizes.test = static_cast<std::size_t>(
        settings.integer("test", 10000, between(0, 10000), "test examples, the first of the file"));
    if (split_.sizes.train + split_.sizes.valid > 60000) {
      settings.problem("train", "and 'data.valid' ask for " +
                                    std::to_string(split_.sizes.train + split_.sizes.valid) +
                                    " examples; there are 60000");
    }
  }

  std::size_t features() const override { return 784; }
  std::size_t outputs() const override { return 10; }
  Shape shape() const override { return {.height = 28, .width = 28}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& folders) const override {
    Dataset dataset = without_examples();
    split_.deal(read(folders, "train", 60000), "mnist", dataset);
    const Examples test = read(folders, "t10k", 10000);
    std::vector<std::uint32_t> first(split_.sizes.test);
    for (std::uint32_t i = 0; i < first.size(); ++i) first[i] = i;
    dataset.test = select(test, first);
    return dataset;
  }

 private:
  Examples read(const DataFolders& folders, const std::string& part, std::size_t expected) const {
    constexpr double kWhite = 255;
    const auto images = require_file(folders, "mnist", part + "-images-idx3-ubyte");
    const auto labels = require_file(folders, "mnist", part + "-labels-idx1-ubyte");
    const IdxArray pixels = parse_idx(read_file(images), images.string());
    if (pixels.shape != std::vector<std::size_t>{expected, 28, 28}) {
      throw EnvironmentError(images.string() + ": expected " + std::to_string(expected) +
                             " images of 28x28 pixels");
    }
    return examples_of(pixels, parse_idx(read_file(labels), labels.string()), kWhite, outputs(),
                       images.string(), labels.string());
  }

  Split split_;
};

}  // namespace

DatasetEntry mnist() {
  return dataset_entry<Mnist>({
      .summary = "60,000 + 10,000 handwritten digits of 28x28 pixels, from the original IDX files.",
      .formula = "x = pixel / 255 in [0, 1], 784 features, 10 classes",
      .paper = "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document "
               "recognition, Proceedings of the IEEE 86, 1998, doi:10.1109/5.726791",
  });
}

}  // namespace plumbline::datasets
