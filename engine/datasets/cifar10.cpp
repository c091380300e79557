// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "engine/core/error.hpp"
#include "engine/datasets/cifar10_reader.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/original_file.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kBatch = 10000;  // examples in each of the five training files

// SHA-256 digests of the unpacked files; those of the training files in their order.
constexpr std::array kBatchSha256 = {
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
};
constexpr std::size_t kBatches = kBatchSha256.size();

/// The test examples, or the first of them.
struct TestFile {
  const char* name;
  const char* sha256;
};
constexpr std::array<TestFile, 2> kTestFiles = {{
    {"test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
    {"test_batch_first_1000.bin",
     "8314c96d7cd65618193bab23acdd5d4c4af15bf6dd00a1781d55beedf3be1ef5"},
}};

Cifar10Records read(const std::filesystem::path& path) {
  return parse_cifar10(read_file(path), path.string());
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

  std::size_t features() const override { return Cifar10Records::kPixels; }
  std::size_t outputs() const override { return Cifar10Records::kClasses; }
  Shape shape() const override { return {.channels = 3, .height = 32, .width = 32}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& folders) const override {
    Cifar10Records train;
    const std::size_t batches = (asked() + kBatch - 1) / kBatch;
    for (std::size_t batch = 1; batch <= batches; ++batch) {
      const auto path =
          require_file(folders, "cifar10", "data_batch_" + std::to_string(batch) + ".bin");
      const Cifar10Records records = read(path);
      if (records.size() != kBatch) {
        throw EnvironmentError(path.string() + ": does not hold 10000 examples");
      }
      require_original(records.bytes, kBatchSha256[batch - 1], path, "cifar10");
      train.bytes.insert(train.bytes.end(), records.bytes.begin(), records.bytes.end());
    }
    Dataset dataset = without_examples();
    split_.deal(examples_of(train, train.size()), "cifar10", dataset);
    dataset.test = read_test(folders);
    return dataset;
  }

 private:
  Examples read_test(const DataFolders& folders) const {
    if (split_.sizes.test == 0) return examples_of({}, 0);
    for (const TestFile& file : kTestFiles) {
      const auto path = find_file(folders, "cifar10", file.name);
      if (path.empty()) continue;
      const Cifar10Records records = read(path);
      if (records.size() < split_.sizes.test) {
        throw EnvironmentError(path.string() + ": has " + std::to_string(records.size()) +
                               " examples, but data.test is " + std::to_string(split_.sizes.test));
      }
      require_original(records.bytes, file.sha256, path, "cifar10");
      return examples_of(records, split_.sizes.test);
    }
    require_file(folders, "cifar10", kTestFiles.front().name);  // throws
    return {};
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
