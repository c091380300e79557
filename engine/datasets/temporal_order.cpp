// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/symbol_encoding.hpp"

namespace plumbline::datasets {

namespace {

// The symbols E, B, a, b, c, d, X, Y in this order.
enum Symbol : std::size_t { kBegin, kTrigger, kFirstDistractor, kX = 6, kY = 7, kSymbols = 8 };
constexpr std::size_t kDistractors = 4;

// A sequence of T symbols begins with E and ends with B, the trigger; each step between has one of
// a, b, c, d, but for an X or Y at step t1 and another at t2. The class is their order: X X 0, X Y 1,
// Y X 2, Y Y 3. Steps count from 0; t1 is uniform in [T/10, T/5) and t2 in [T/2, 3T/5), which are the
// ranges of the paper's task 6a at T = 100; there T itself is drawn from 100 to 110.
class TemporalOrder final : public DataSource {
 public:
  explicit TemporalOrder(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 10000, .valid = 1000})),
        steps_(static_cast<std::size_t>(
            settings.integer("steps", 100, between(10, 1e6), "length of a sequence"))),
        encoding_(settings) {}

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override { return 4; }
  Shape shape() const override { return encoding_.shape(steps_, kSymbols); }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kSequences = 1;  // part of the data stream; 0 deals
    Random random(split_.seed, RandomStream::data, kSequences);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features()}, 0.0F);
    std::vector<std::size_t> symbols(steps_);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t& symbol : symbols) symbol = kFirstDistractor + random.below(kDistractors);
      symbols.front() = kBegin;
      symbols.back() = kTrigger;
      const std::size_t first = kX + random.below(2);
      const std::size_t second = kX + random.below(2);
      symbols[within(steps_ / 10, steps_ / 5, random)] = first;
      symbols[within(steps_ / 2, 3 * steps_ / 5, random)] = second;
      for (std::size_t t = 0; t < steps_; ++t) {
        encoding_.put(examples.inputs.data() + i * features(), t, symbols[t], kSymbols);
      }
      examples.labels.push_back(static_cast<std::int32_t>(2 * (first - kX) + (second - kX)));
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "temporal_order", dataset);
    return dataset;
  }

 private:
  static std::size_t within(std::size_t begin, std::size_t end, Random& random) {
    return begin + random.below(end - begin);
  }

  Split split_;
  std::size_t steps_;
  SymbolEncoding encoding_;
};

}  // namespace

DatasetEntry temporal_order() {
  return dataset_entry<TemporalOrder>({
      .summary = "Sequences of symbols with an X or Y early and one late, classed by their order.",
      .formula =
          "E, then a, b, c or d at random, X or Y at t1 in [T/10, T/5) and t2 in [T/2, 3T/5), "
          "then B; classes XX, XY, YX, YY",
      .paper = "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997, "
               "doi:10.1162/neco.1997.9.8.1735, task 6a",
  });
}

}  // namespace plumbline::datasets
