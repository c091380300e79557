// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/data_options.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/core/catalogue.hpp"
#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

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

// The seed that the source has read, or one of its own for a source that draws nothing.
std::int64_t read_seed(Settings& settings) {
  constexpr const char* kName = "split_seed";
  const auto& declared = settings.declared();
  if (std::ranges::find(declared, kName, &SettingInfo::name) != declared.end()) {
    const std::string key = (settings.path().empty() ? "" : settings.path() + '.') + kName;
    const auto& resolved = settings.report().resolved;
    const auto found = std::ranges::find(resolved, key, &ResolvedSetting::key);
    return std::get<std::int64_t>(found->value.value);
  }
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
  options.symbols = settings.integer(
      "symbols", 0, between(0, 1e6),
      "each input is one of so many symbols, a whole number from 0, for the layer embedding; 0: a "
      "number");
  if (options.symbols == 0) settings.restates("symbols");
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

// kept(n) of n examples: of each class the whole part of its share, and one more of the classes whose
// shares lost most by that, the lower class first. Which ones is random, and their order stays.
Examples stratified(const Examples& examples, std::size_t classes, const Options& options) {
  std::vector<double> share(classes, 0);
  for (const std::int32_t label : examples.labels) share[static_cast<std::size_t>(label)] += 1;
  const std::size_t all = kept(examples.size(), options.label_fraction);
  const double fraction = static_cast<double>(all) / static_cast<double>(examples.size());
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
       Random(options.seed, RandomStream::data, kChosen).permutation(examples.size())) {
    std::size_t& of_class = left[static_cast<std::size_t>(examples.labels[i])];
    if (of_class == 0) continue;
    --of_class;
    chosen.push_back(i);
  }
  std::ranges::sort(chosen);
  return select(examples, chosen);
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

// Two passes, in double and in the order of the examples.
void standardize(Dataset& data) {
  const Matrix<float>& train = data.train.inputs;
  const std::size_t n = train.shape()[0];
  const std::size_t features = train.shape()[1];
  std::vector<double> mean(features, 0);
  std::vector<double> deviation(features, 0);
  std::vector<bool> varies(features, false);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      mean[j] += static_cast<double>(train(i, j)) / static_cast<double>(n);
      if (train(i, j) != train(0, j)) varies[j] = true;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      const double apart = static_cast<double>(train(i, j)) - mean[j];
      deviation[j] += apart * apart / static_cast<double>(n);
    }
  }
  for (double& value : deviation) value = std::sqrt(value);
  for (Examples* part : {&data.train, &data.valid, &data.test}) {
    for (std::size_t i = 0; i < part->size(); ++i) {
      for (std::size_t j = 0; j < features; ++j) {
        float& x = part->inputs(i, j);
        x = varies[j] ? static_cast<float>((static_cast<double>(x) - mean[j]) / deviation[j]) : 0;
      }
    }
  }
}

// Throws EnvironmentError at the first input that is no symbol.
void require_symbols(const Dataset& data, std::int64_t symbols) {
  const std::pair<const char*, const Examples*> parts[] = {
      {"training", &data.train}, {"validation", &data.valid}, {"test", &data.test}};
  for (const auto& [name, part] : parts) {
    for (std::size_t i = 0; i < part->size(); ++i) {
      for (std::size_t j = 0; j < data.features; ++j) {
        const float value = part->inputs(i, j);
        if (value >= 0 && value < static_cast<float>(symbols) && value == std::trunc(value)) {
          continue;
        }
        throw EnvironmentError("data: input " + std::to_string(j) + " of " + name + " example " +
                               std::to_string(i) + " is " + std::to_string(value) +
                               "; with symbols = " + std::to_string(symbols) +
                               " it is a whole number from 0 to " + std::to_string(symbols - 1));
      }
    }
  }
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

  Dataset load(const DataFolders& folders) const override {
    Dataset loaded = source_->load(folders);
    if (options_.symbols > 0) require_symbols(loaded, options_.symbols);
    const std::size_t classes = source_->outputs();
    if (options_.label_fraction < 1) loaded.train = stratified(loaded.train, classes, options_);
    if (options_.label_noise > 0) change_labels(loaded.train.labels, classes, options_);
    if (options_.standardize) standardize(loaded);
    Dataset data = without_examples();
    data.train = std::move(loaded.train);
    data.valid = std::move(loaded.valid);
    data.test = std::move(loaded.test);
    if (options_.autoencode) {
      for (Examples* part : {&data.train, &data.valid, &data.test}) {
        part->labels.clear();
        part->values = part->inputs;
      }
    }
    if (options_.input_noise > 0) {
      Random random(options_.seed, RandomStream::data, kNoisyInputs);
      for (float& x : data.train.inputs) {
        x = static_cast<float>(static_cast<double>(x) + options_.input_noise * random.normal());
      }
    }
    return data;
  }

 private:
  std::shared_ptr<const DataSource> source_;
  Options options_;
};

}  // namespace

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
