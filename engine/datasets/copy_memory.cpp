// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/symbol_encoding.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kCopied = 10;  // symbols to be remembered
constexpr std::size_t kSymbols = 8;  // what these are drawn from: 0 to 7
constexpr std::size_t kBlank = 8;
constexpr std::size_t kDelimiter = 9;
constexpr std::size_t kInputSymbols = 10;
constexpr std::size_t kClasses = 9;  // the delimiter is never to be said

// Ten random symbols, `delay` - 1 blanks, a delimiter, ten blanks: `delay` + 20 steps. The
// target is a class at each step: blanks, and at the last ten steps the ten symbols. Without memory the
// best is blanks and then any symbol, of cross-entropy 10 ln 8 / (delay + 20).
class CopyMemory final : public DataSource {
 public:
  explicit CopyMemory(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 10000, .valid = 1000})),
        delay_(static_cast<std::size_t>(settings.integer(
            "delay", 100, between(1, 1e6), "steps from the last symbol to the delimiter: T"))),
        encoding_(settings) {}

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override { return kClasses; }
  Shape shape() const override { return encoding_.shape(steps(), kInputSymbols); }
  std::size_t target_steps() const override { return steps(); }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kSequences = 1;  // part of the data stream; 0 deals
    Random random(split_.seed, RandomStream::data, kSequences);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features()}, 0.0F);
    examples.labels.assign(n * steps(), kBlank);
    for (std::size_t i = 0; i < n; ++i) {
      const auto set = [&](std::size_t t, std::size_t symbol) {
        encoding_.put(examples.inputs.data() + i * features(), t, symbol, kInputSymbols);
      };
      for (std::size_t t = 0; t < kCopied; ++t) {
        const std::size_t symbol = random.below(kSymbols);
        set(t, symbol);
        examples.labels[(i + 1) * steps() - kCopied + t] = static_cast<std::int32_t>(symbol);
      }
      const std::size_t delimiter = kCopied + delay_ - 1;
      for (std::size_t t = kCopied; t < steps(); ++t) set(t, t == delimiter ? kDelimiter : kBlank);
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "copy_memory", dataset);
    return dataset;
  }

 private:
  std::size_t steps() const { return delay_ + 2 * kCopied; }

  Split split_;
  std::size_t delay_;
  SymbolEncoding encoding_;
};

}  // namespace

DatasetEntry copy_memory() {
  return dataset_entry<CopyMemory>({
      .summary = "Ten symbols, a long blank and a delimiter, after which to say the ten again.",
      .formula = "T + 20 steps: a_1 ... a_10 of 8 symbols, T - 1 blanks, a delimiter, 10 blanks; "
                 "targets T + 10 blanks, a_1 ... a_10",
      .paper =
          "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997; as in "
          "Arjovsky, Shah & Bengio, Unitary evolution recurrent neural networks, ICML 2016, "
          "arXiv:1511.06464",
  });
}

}  // namespace plumbline::datasets
