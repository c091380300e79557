// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/data_options.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/core/catalogue.hpp"
#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/part_streams.hpp"
#include "engine/datasets/standardization.hpp"

namespace plumbline {

namespace {

// Parts of the data stream, beyond those of any source.
constexpr std::uint32_t kChosen = 1U << 16;
constexpr std::uint32_t kNoisyLabels = kChosen + 1;
constexpr std::uint32_t kNoisyInputs = kChosen + 2;

struct Options {
  double label_fraction = 1;
  double label_noise = 0;
  double input_noise = 0;
  bool standardize = false;
  bool autoencode = false;
  std::int64_t symbols = 0;
  std::int64_t seed = 0;

  bool any() const {
    return label_fraction < 1 || label_noise > 0 || input_noise > 0 || standardize || autoencode ||
           symbols > 0;
  }
};

// An integer that the source has read.
std::optional<std::int64_t> read_before(Settings& settings, const std::string& name) {
  const auto& declared = settings.declared();
  if (std::ranges::find(declared, name, &SettingInfo::name) == declared.end()) return std::nullopt;
  const std::string key = (settings.path().empty() ? "" : settings.path() + '.') + name;
  const auto& resolved = settings.report().resolved;
  const auto found = std::ranges::find(resolved, key, &ResolvedSetting::key);
  return std::get<std::int64_t>(found->value.value);
}

// The seed that the source has read, or one of its own for a source that draws nothing.
std::int64_t read_seed(Settings& settings) {
  constexpr const char* kName = "split_seed";
  if (const auto seed = read_before(settings, kName)) return *seed;
  const std::int64_t seed = settings.integer(kName, 0, between(0, 9007199254740991.0),
                                             "what these options and the source draw from");
  if (seed == 0) settings.restates(kName);
  return seed;
}

Options read(Settings& settings) {
  Options options;
  const auto number = [&](const char* name, double& value, const Range& range,
                          const char* meaning) {
    const double usual = value;
    value = settings.number(name, usual, range, meaning);
    if (value == usual) settings.restates(name);
  };
  const auto flag = [&](const char* name, bool& value, const char* meaning) {
    value = settings.flag(name, false, meaning);
    if (!value) settings.restates(name);
  };
  number("label_fraction", options.label_fraction, {.low = 0, .high = 1, .low_included = false},
         "share of the training examples that are kept, class by class");
  number("label_noise", options.label_noise, between(0, 1),
         "share of the training labels that become another class");
  number("input_noise", options.input_noise, kNonNegative,
         "standard deviation of noise on the training inputs");
  flag("standardize", options.standardize,
       "give each feature mean 0 and variance 1 over the training set");
  flag("autoencode", options.autoencode, "make the inputs the targets");
  options.symbols = read_symbols(settings);
  options.seed = read_seed(settings);
  return options;
}

// Reports options that need one label an example of a source that has others, and what would make
// numbers of symbols.
void check(const Options& options, const DataSource& source, Settings& settings) {
  if (options.symbols > 0 && source.shape().symbols > 0) {
    settings.problem("symbols", "is given, and the data have " +
                                    std::to_string(source.shape().symbols) + " of their own");
  }
  if (options.symbols > 0 || source.shape().symbols > 0) {
    constexpr const char* kWrong = "needs inputs that are numbers, and the data have symbols";
    if (options.standardize) settings.problem("standardize", kWrong);
    if (options.autoencode) settings.problem("autoencode", kWrong);
    if (options.input_noise > 0) settings.problem("input_noise", kWrong);
  }
  const std::string lacks = !source.has_labels() ? "needs classes, and the data have values"
                            : source.target_steps() != 1
                                ? "needs one label an example, and the data "
                                  "have one at each step"
                                : "";
  if (lacks.empty()) return;
  if (options.label_fraction < 1) settings.problem("label_fraction", lacks);
  if (options.label_noise > 0) settings.problem("label_noise", lacks);
}

std::size_t kept(std::size_t examples, double fraction) {
  const double share = std::round(fraction * static_cast<double>(examples));
  return std::max<std::size_t>(1, static_cast<std::size_t>(share));
}

// Which kept(n) of n examples, rising: of each class the whole part of its share, and one more of the
// classes whose shares lost most by that, the lower class first. Which ones is random.
std::vector<std::uint32_t> stratified(const std::vector<std::int32_t>& labels, std::size_t classes,
                                      const Options& options) {
  std::vector<double> share(classes, 0);
  for (const std::int32_t label : labels) share[static_cast<std::size_t>(label)] += 1;
  const std::size_t all = kept(labels.size(), options.label_fraction);
  const double fraction = static_cast<double>(all) / static_cast<double>(labels.size());
  std::vector<std::size_t> left(classes);
  std::size_t given = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    share[c] *= fraction;
    left[c] = static_cast<std::size_t>(share[c]);
    share[c] -= static_cast<double>(left[c]);
    given += left[c];
  }
  std::vector<std::size_t> by_loss(classes);
  std::iota(by_loss.begin(), by_loss.end(), std::size_t{0});
  std::ranges::stable_sort(by_loss, std::greater(), [&](std::size_t c) { return share[c]; });
  for (std::size_t i = 0; given < all; ++i, ++given) ++left[by_loss[i]];

  std::vector<std::uint32_t> chosen;
  for (const std::uint32_t i :
       Random(options.seed, RandomStream::data, kChosen).permutation(labels.size())) {
    std::size_t& of_class = left[static_cast<std::size_t>(labels[i])];
    if (of_class == 0) continue;
    --of_class;
    chosen.push_back(i);
  }
  std::ranges::sort(chosen);
  return chosen;
}

// label <- (label + 1 + u) mod k, u uniform in {0, ..., k - 2}, for round(share n) of n labels.
void change_labels(std::vector<std::int32_t>& labels, std::size_t classes, const Options& options) {
  if (classes < 2) return;
  Random random(options.seed, RandomStream::data, kNoisyLabels);
  const std::vector<std::uint32_t> order = random.permutation(labels.size());
  const auto changed = static_cast<std::size_t>(
      std::round(options.label_noise * static_cast<double>(labels.size())));
  for (const std::uint32_t i : std::span(order).first(changed)) {
    const auto old = static_cast<std::uint64_t>(labels[i]);
    labels[i] = static_cast<std::int32_t>((old + 1 + random.below(classes - 1)) % classes);
  }
}

// The noise of an example is a function of its place alone.
void add_noise(Examples& examples, std::span<const std::uint32_t> places, const Options& options) {
  const std::size_t features = examples.inputs.shape()[1];
  for (std::size_t i = 0; i < examples.size(); ++i) {
    // Normal numbers come in pairs, a block each.
    const std::uint64_t first = std::uint64_t{places[i]} * features;
    Random random(options.seed, RandomStream::data, kNoisyInputs, first / 2);
    if (first % 2 == 1) random.normal();
    float* row = examples.inputs.data() + i * features;
    for (float& x : std::span(row, features)) {
      x = static_cast<float>(static_cast<double>(x) + options.input_noise * random.normal());
    }
  }
}

// Throws EnvironmentError at the first input that is no symbol.
void require_symbols_in(const Examples& examples, std::span<const std::uint32_t> places,
                        const std::string& part, std::int64_t symbols) {
  for (std::size_t i = 0; i < examples.size(); ++i) {
    for (std::size_t j = 0; j < examples.inputs.shape()[1]; ++j) {
      const float value = examples.inputs(i, j);
      if (is_symbol(value, symbols)) continue;
      throw EnvironmentError("data: input " + std::to_string(j) + " of " + part + " example " +
                             std::to_string(places[i]) + " is " +
                             shortest(static_cast<double>(value)) + allowed_symbols(symbols));
    }
  }
}

std::vector<std::uint32_t> all_places(std::size_t examples) {
  std::vector<std::uint32_t> places(examples);
  std::iota(places.begin(), places.end(), 0U);
  return places;
}

class SourceWithOptions final : public DataSource {
 public:
  SourceWithOptions(std::shared_ptr<const DataSource> source, const Options& options)
      : source_(std::move(source)), options_(options) {}

  std::size_t features() const override { return source_->features(); }
  std::size_t outputs() const override {
    return options_.autoencode ? features() : source_->outputs();
  }
  bool has_labels() const override { return !options_.autoencode && source_->has_labels(); }
  Shape shape() const override {
    Shape shape = source_->shape();
    if (options_.symbols > 0) shape.symbols = static_cast<std::size_t>(options_.symbols);
    return shape;
  }
  std::size_t target_steps() const override {
    return options_.autoencode ? 1 : source_->target_steps();
  }
  SplitSizes sizes() const override {
    SplitSizes sizes = source_->sizes();
    if (options_.label_fraction < 1) sizes.train = kept(sizes.train, options_.label_fraction);
    return sizes;
  }

  std::size_t window() const override { return source_->window(); }
  std::size_t block() const override { return source_->block(); }

  Dataset load(const DataFolders& folders) const override {
    Dataset loaded = source_->load(folders);
    if (options_.symbols > 0) require_symbols(loaded);
    choose(loaded);
    // Shared, as streams hold copies of what is made of their examples.
    const auto standardization = std::make_shared<const Standardization>(found_on(loaded));
    const ExampleMap evaluated = [options = options_, standardization](
                                     Examples& examples,
                                     std::span<const std::uint32_t> /*places*/) {
      if (options.standardize) standardization->apply(examples);
      if (!options.autoencode) return;
      examples.labels.clear();
      examples.values = examples.inputs;
    };
    const ExampleMap trained = [options = options_, evaluated](
                                   Examples& examples, std::span<const std::uint32_t> places) {
      evaluated(examples, places);
      if (options.input_noise > 0) add_noise(examples, places, options);
    };
    Dataset data = without_examples();
    data.streamed.window = loaded.streamed.window;
    const auto add = [](const ExampleMap& map, Examples& from, Examples& to,
                        const std::shared_ptr<const ExampleStream>& stream,
                        std::shared_ptr<const ExampleStream>& mapped) {
      to = std::move(from);
      if (to.size() > 0) map(to, all_places(to.size()));
      if (stream != nullptr) mapped = std::make_shared<const MappedStream>(stream, map);
    };
    add(trained, loaded.train, data.train, loaded.streamed.train, data.streamed.train);
    add(evaluated, loaded.valid, data.valid, loaded.streamed.valid, data.streamed.valid);
    add(evaluated, loaded.test, data.test, loaded.streamed.test, data.streamed.test);
    return data;
  }

 private:
  // A stream is read to its end: a run shall not find out at its last step.
  void require_symbols(const Dataset& data) const {
    const auto check = [&](const std::string& part, const Examples& examples,
                           const std::shared_ptr<const ExampleStream>& stream) {
      require_symbols_in(examples, all_places(examples.size()), part, options_.symbols);
      if (stream == nullptr) return;
      for (std::size_t block = 0; block < stream->blocks(); ++block) {
        require_symbols_in(stream->read(block), stream->places(block), part, options_.symbols);
      }
    };
    check("training", data.train, data.streamed.train);
    check("validation", data.valid, data.streamed.valid);
    check("test", data.test, data.streamed.test);
  }

  // Leaves those training examples that are kept, with the labels that they are to have.
  void choose(Dataset& loaded) const {
    if (options_.label_fraction == 1 && options_.label_noise == 0) return;
    std::shared_ptr<const ExampleStream>& stream = loaded.streamed.train;
    const std::vector<std::int32_t> all =
        stream == nullptr ? loaded.train.labels : labels_of(*stream);
    const std::vector<std::uint32_t> chosen = options_.label_fraction < 1
                                                  ? stratified(all, source_->outputs(), options_)
                                                  : all_places(all.size());
    std::vector<std::int32_t> labels;
    for (const std::uint32_t place : chosen) labels.push_back(all[place]);
    if (options_.label_noise > 0) change_labels(labels, source_->outputs(), options_);
    if (stream != nullptr) {
      stream = std::make_shared<const KeptStream>(stream, chosen, std::move(labels));
    } else {
      if (options_.label_fraction < 1) loaded.train = select(loaded.train, chosen);
      loaded.train.labels = std::move(labels);
    }
  }

  Standardization found_on(const Dataset& loaded) const {
    Standardization standardization;
    if (!options_.standardize) return standardization;
    if (loaded.streamed.train == nullptr) {
      standardization.add(loaded.train);
    } else {
      const ExampleStream& train = *loaded.streamed.train;
      for (std::size_t block = 0; block < train.blocks(); ++block) {
        standardization.add(train.read(block));
      }
    }
    return standardization;
  }

  std::shared_ptr<const DataSource> source_;
  Options options_;
};

}  // namespace

std::int64_t read_symbols(Settings& settings) {
  constexpr const char* kName = "symbols";
  if (const auto symbols = read_before(settings, kName)) return *symbols;
  const std::int64_t symbols = settings.integer(
      kName, 0, between(0, 1e6),
      "each input is one of so many symbols, a whole number from 0, for the layer embedding; 0: a "
      "number");
  if (symbols == 0) settings.restates(kName);
  return symbols;
}

bool is_symbol(float value, std::int64_t symbols) {
  return symbols == 0 ||
         (value >= 0 && value < static_cast<float>(symbols) && value == std::trunc(value));
}

std::string allowed_symbols(std::int64_t symbols) {
  return "; with symbols = " + std::to_string(symbols) + " it is a whole number from 0 to " +
         std::to_string(symbols - 1);
}

std::shared_ptr<const DataSource> with_options(std::shared_ptr<const DataSource> source,
                                               Settings& settings) {
  const Options options = read(settings);
  if (source == nullptr || !options.any()) return source;
  check(options, *source, settings);
  return std::make_shared<SourceWithOptions>(std::move(source), options);
}

std::vector<SettingInfo> data_options() {
  return declared_settings([](Settings& settings) { read(settings); });
}

}  // namespace plumbline
