// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/reber_grammar.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// Every other string is of the grammar, class 1. The others, class 0, are strings of the grammar in which
// one symbol between B and E, any one, is replaced by any other one. None of these is of the grammar:
// what may follow the one arrow of a state never may follow the other. The padding is in
// front. Strings are drawn anew each time, so short ones stand in several parts.
class Reber final : public DataSource {
 public:
  explicit Reber(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 2000, .valid = 500})),
        steps_(static_cast<std::size_t>(
            settings.integer("steps", 20, between(kShortestReberString, 1e6),
                             "symbols of the longest strings; shorter ones are padded in front"))),
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
      const bool right = i % 2 == 1;
      const std::string string = right ? reber_string(steps_, random) : wrong_string(random);
      write_reber_symbols(string, steps_, encoding_, examples.inputs.data() + i * features());
      examples.labels.push_back(right ? 1 : 0);
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "reber", dataset);
    return dataset;
  }

 private:
  std::string wrong_string(Random& random) const {
    std::string string = reber_string(steps_, random);
    char& symbol = string[1 + random.below(string.size() - 2)];
    const std::size_t other = 1 + random.below(kReberSymbols.size() - 1);
    symbol = kReberSymbols[(kReberSymbols.find(symbol) + other) % kReberSymbols.size()];
    return string;
  }

  Split split_;
  std::size_t steps_;
  SymbolEncoding encoding_;
};

}  // namespace

DatasetEntry reber() {
  return dataset_entry<Reber>({
      .summary = "Strings of Reber's grammar, to be told from those with one symbol wrong.",
      .formula = "B, then T S* X or P T* V and so on round the automaton, then E; class 1 of the "
                 "grammar, 0 with one symbol replaced",
      .paper = "Reber, Implicit learning of artificial grammars, Journal of Verbal Learning and "
               "Verbal Behavior 6, 1967; Cleeremans, Servan-Schreiber & McClelland, Finite state "
               "automata and simple recurrent networks, Neural Computation 1, 1989",
  });
}

}  // namespace plumbline::datasets
