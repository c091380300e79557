// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "engine/datasets/original_file.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

/// A file of images and one of their labels, and the SHA-256 digests of both unpacked.
struct Part {
  const char* images;
  const char* images_sha256;
  const char* labels;
  const char* labels_sha256;
  std::size_t examples;
};

constexpr Part kTraining = {
    .images = "train-images-idx3-ubyte",
    .images_sha256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    .labels = "train-labels-idx1-ubyte",
    .labels_sha256 = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    .examples = 60000,
};
constexpr Part kTest = {
    .images = "t10k-images-idx3-ubyte",
    .images_sha256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    .labels = "t10k-labels-idx1-ubyte",
    .labels_sha256 = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    .examples = 10000,
};

// The original four IDX files, plain or gzipped, and no others. Validation examples come from the
// 60,000 of the training file; the test examples are the first of the test file.
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
    split_.deal(read(folders, kTraining), "mnist", dataset);
    const Examples test = read(folders, kTest);
    std::vector<std::uint32_t> first(split_.sizes.test);
    for (std::uint32_t i = 0; i < first.size(); ++i) first[i] = i;
    dataset.test = select(test, first);
    return dataset;
  }

 private:
  Examples read(const DataFolders& folders, const Part& part) const {
    constexpr double kWhite = 255;
    const auto images = require_file(folders, "mnist", part.images);
    const auto labels = require_file(folders, "mnist", part.labels);
    const std::vector<std::uint8_t> image_bytes = read_file(images);
    const IdxArray pixels = parse_idx(image_bytes, images.string());
    if (pixels.shape != std::vector<std::size_t>{part.examples, 28, 28}) {
      throw EnvironmentError(images.string() + ": expected " + std::to_string(part.examples) +
                             " images of 28x28 pixels");
    }
    const std::vector<std::uint8_t> label_bytes = read_file(labels);
    Examples examples = examples_of(pixels, parse_idx(label_bytes, labels.string()), kWhite,
                                    outputs(), images.string(), labels.string());
    require_original(image_bytes, part.images_sha256, images, "mnist");
    require_original(label_bytes, part.labels_sha256, labels, "mnist");
    return examples;
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
