// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/embedded_digits.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kImages = 1797;
constexpr std::size_t kClasses = 10;

// 8x8 images of handwritten digits, 1,797 of them, inside the program: pixel values 0 to 16 over 16.
class Digits final : public DataSource {
 public:
  explicit Digits(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 1500, .valid = 297})) {
    split_.ask_for_at_most(kImages, settings);
  }

  std::size_t features() const override { return 64; }
  std::size_t outputs() const override { return kClasses; }
  Shape shape() const override { return {.height = 8, .width = 8}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr double kWhite = 16;
    const IdxArray images =
        parse_idx(unpack(embedded_digits::kImages, "digits"), "the embedded digit images");
    const IdxArray labels =
        parse_idx(unpack(embedded_digits::kLabels, "digits"), "the embedded digit labels");
    Dataset dataset = without_examples();
    split_.deal(examples_of(images, labels, kWhite, kClasses, "digits", "digits"), "digits",
                dataset);
    return dataset;
  }

 private:
  Split split_;
};

}  // namespace

DatasetEntry digits() {
  return dataset_entry<Digits>({
      .summary = "1,797 handwritten digits of 8x8 pixels, inside the program.",
      .formula = "x = pixel / 16 in [0, 1], 64 features, 10 classes",
      .paper = "Alpaydin & Kaynak, Optical recognition of handwritten digits, UCI Machine Learning "
               "Repository, 1998, doi:10.24432/C50P49",
  });
}

}  // namespace plumbline::datasets
