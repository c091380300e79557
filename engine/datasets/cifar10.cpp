// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/core/error.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kPixels = 3072;
constexpr std::size_t kRecord = 1 + kPixels;  // a label byte, then the red, green and blue planes
constexpr int kClasses = 10;
constexpr std::size_t kBatch = 10000;  // examples in each of the five training files
constexpr std::size_t kBatches = 5;

// Appends the records of one original binary file.
void append(const std::filesystem::path& path, std::vector<std::uint8_t>& records) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw EnvironmentError(path.string() + ": has " + std::to_string(bytes.size()) +
                           " bytes, which is not a whole number of records of 3073; is it "
                           "truncated?");
  }
  for (std::size_t i = 0; i < bytes.size(); i += kRecord) {
    if (bytes[i] >= kClasses) {
      throw EnvironmentError(path.string() + ": label " + std::to_string(bytes[i]) +
                             " of example " + std::to_string(i / kRecord) + " is not below 10");
    }
  }
  records.insert(records.end(), bytes.begin(), bytes.end());
}

Examples examples_of(const std::vector<std::uint8_t>& records, std::size_t n) {
  constexpr float kWhite = 255;
  Examples examples;
  examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, kPixels});
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint8_t* record = records.data() + i * kRecord;
    examples.labels.push_back(record[0]);
    std::transform(record + 1, record + kRecord, examples.inputs.data() + i * kPixels,
                   [](std::uint8_t value) { return static_cast<float>(value) / kWhite; });
  }
  return examples;
}

// The original binary files data_batch_1 to 5 and test_batch, plain or gzipped. As many training files
// are read, and needed, as train + valid examples fill, so that a part of the set can be used and a run
// does not depend on which files there happen to be.
class Cifar10 final : public DataSource {
 public:
  explicit Cifar10(Settings& settings) : split_(Split::read(settings, 45000, 5000)) {
    split_.sizes.test = static_cast<std::size_t>(
        settings.integer("test", 10000, between(0, 10000), "test examples, the first of the file"));
    if (asked() > kBatches * kBatch) {
      settings.problem("train", "and 'data.valid' ask for " + std::to_string(asked()) +
                                    " examples; there are 50000");
    }
  }

  std::size_t features() const override { return kPixels; }
  std::size_t outputs() const override { return kClasses; }
  Shape shape() const override { return {.channels = 3, .height = 32, .width = 32}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& folders) const override {
    std::vector<std::uint8_t> train;
    const std::size_t batches = (asked() + kBatch - 1) / kBatch;
    for (std::size_t batch = 1; batch <= batches; ++batch) {
      const auto path =
          require_file(folders, "cifar10", "data_batch_" + std::to_string(batch) + ".bin");
      append(path, train);
      if (train.size() != batch * kBatch * kRecord) {
        throw EnvironmentError(path.string() + ": does not hold 10000 examples");
      }
    }
    Dataset dataset = without_examples();
    split_.deal(examples_of(train, train.size() / kRecord), "cifar10", dataset);
    dataset.test = read_test(folders);
    return dataset;
  }

 private:
  Examples read_test(const DataFolders& folders) const {
    if (split_.sizes.test == 0) return examples_of({}, 0);
    auto path = find_file(folders, "cifar10", "test_batch.bin");
    if (path.empty()) path = find_file(folders, "cifar10", "test_batch_first_1000.bin");
    if (path.empty()) path = require_file(folders, "cifar10", "test_batch.bin");
    std::vector<std::uint8_t> records;
    append(path, records);
    if (records.size() / kRecord < split_.sizes.test) {
      throw EnvironmentError(path.string() + ": has " + std::to_string(records.size() / kRecord) +
                             " examples, but data.test is " + std::to_string(split_.sizes.test));
    }
    return examples_of(records, split_.sizes.test);
  }

  std::size_t asked() const { return split_.sizes.train + split_.sizes.valid; }

  Split split_;
};

}  // namespace

DatasetEntry cifar10() {
  return dataset_entry<Cifar10>({
      .summary =
          "50,000 + 10,000 colour photographs of 32x32 pixels, from the original binary files.",
      .formula = "x = pixel / 255 in [0, 1], 3 x 1,024 features plane by plane, 10 classes",
      .paper = "Krizhevsky, Learning multiple layers of features from tiny images, University of "
               "Toronto, 2009",
  });
}

}  // namespace plumbline::datasets
