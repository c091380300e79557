// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/reber_grammar.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// A string of the embedded grammar is B y w y E, y being T or P and w a string of Reber's grammar. The
// input is B y w, and the class is what comes next: T 0, P 1. It hangs on the second symbol alone, and
// what is between tells nothing of it. The padding is in front.
// Strings are drawn anew each time, so short ones stand in several parts.
class EmbeddedReber final : public DataSource {
 public:
  explicit EmbeddedReber(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 2000, .valid = 500})),
        steps_(static_cast<std::size_t>(
            settings.integer("steps", 20, between(kShortestReberString + 2, 1e6),
                             "symbols of the longest inputs; shorter ones are padded in front"))),
        encoding_(settings) {}

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override { return 2; }
  Shape shape() const override { return encoding_.shape(steps_, kReberSymbols.size(), true); }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kStrings = 1;  // part of the data stream; 0 deals
    Random random(split_.seed, RandomStream::data, kStrings);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features()}, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t label = random.below(2);
      const std::string string = (label == 0 ? "BT" : "BP") + reber_string(steps_ - 2, random);
      write_reber_symbols(string, steps_, encoding_, examples.inputs.data() + i * features());
      examples.labels.push_back(static_cast<std::int32_t>(label));
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "embedded_reber", dataset);
    return dataset;
  }

 private:
  Split split_;
  std::size_t steps_;
  SymbolEncoding encoding_;
};

}  // namespace

DatasetEntry embedded_reber() {
  return dataset_entry<EmbeddedReber>({
      .summary =
          "Strings of the embedded Reber grammar up to the symbol that its second one decides.",
      .formula = "B y w y E, y in {T, P}, w of Reber's grammar; input B y w, class y",
      .paper =
          "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997, "
          "doi:10.1162/neco.1997.9.8.1735, experiment 1; Cleeremans, Servan-Schreiber & "
          "McClelland, Finite state automata and simple recurrent networks, Neural Computation "
          "1, 1989",
  });
}

}  // namespace plumbline::datasets
