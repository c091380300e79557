// SPDX-License-Identifier: Apache-2.0
#include "engine/network/model_settings.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "engine/layers/activation_layer.hpp"
#include "engine/layers/convolution_layer.hpp"
#include "engine/layers/dense_layer.hpp"
#include "engine/layers/highway_layer.hpp"
#include "engine/layers/pool_layer.hpp"
#include "engine/layers/residual_layer.hpp"

namespace plumbline {

namespace {

template <class Entry, class Make>
auto make(const Chosen<Entry>& chosen, Settings& settings, const Make& construct) {
  using Made = decltype(construct(*chosen.entry, settings));
  return chosen.entry == nullptr ? Made() : chosen.make(settings.report(), construct);
}

// `depth` layers of `width` units, or the layers of the list `widths`; then `depth` and `width` are
// recorded as the list's length and its largest element.
std::vector<std::size_t> read_widths(Settings& settings, std::int64_t default_depth) {
  constexpr Range kWidth = between(1, 1000000);
  const std::vector<std::int64_t> listed =
      settings.integers("widths", kWidth, Settings::Order::any,
                        "units of each hidden layer, in the place of depth and width");
  if (!listed.empty()) {
    if (std::ranges::count(listed, listed.front()) == std::ssize(listed)) {
      settings.restates("widths");
    }
    for (const char* other : {"depth", "width"}) {
      if (settings.given(other)) {
        settings.problem(other, "is given beside 'model.widths'; give one of the two");
      }
    }
  }
  const std::int64_t depth = settings.integer(
      "depth", listed.empty() ? default_depth : static_cast<std::int64_t>(listed.size()),
      between(0, 100000), "hidden layers");
  const std::int64_t width =
      settings.integer("width", listed.empty() ? 100 : *std::ranges::max_element(listed), kWidth,
                       "units in each hidden layer");
  if (!listed.empty()) return {listed.begin(), listed.end()};
  return std::vector<std::size_t>(static_cast<std::size_t>(depth), static_cast<std::size_t>(width));
}

bool is_recurrent(const std::string& kind) {
  return kind == "rnn" || kind == "lstm" || kind == "gru";
}

// Settings of another kind than the model's: no part of what makes the run the same run.
void leave_unused(Settings& settings, const std::string& kind, const std::string& of_kind,
                  std::initializer_list<const char*> names) {
  if (kind == of_kind) return;
  for (const char* name : names) {
    settings.restates(name);
    if (!settings.given(name)) continue;
    const std::string key = settings.path() + '.' + name;
    settings.report().warnings.push_back(
        {settings.report().place_of(key),
         '\'' + key + "' is for the kind " + of_kind + ", and this model is of the kind " + kind});
  }
}

// What stands between a layer's sums and its activation.
struct Normalization {
  std::string name;
  Settings::Plugin plugin;

  bool is_none() const { return name == "none"; }
  // A layer of its own, with parameters of its own.
  std::shared_ptr<const LayerKind> make(Settings& model, const LayerDefaults& defaults) const {
    const Chosen<LayerEntry> chosen{layer_catalogue().find(name), plugin};
    return chosen.make(model.report(), [&](const LayerEntry& entry, Settings& own) {
      return entry.make(own, defaults);
    });
  }
};

Normalization read_normalization(Settings& settings) {
  const Settings::Plugin plugin = settings.plugin(
      "normalization", "none", {"none", "batch_norm", "layer_norm", "rms_norm", "weight_norm"},
      "normalizations", "what stands between a hidden layer's sums and activation");
  // Runs keep the identity that they had before there was a choice.
  if (plugin.name == "none") settings.restates("normalization.name");
  return {plugin.name.empty() ? "none" : plugin.name, plugin};
}

/// Makes the hidden layers of a model kind.
class HiddenLayers {
 public:
  HiddenLayers(Settings& settings, const LayerDefaults& defaults, Normalization normalization)
      : settings_(settings), defaults_(defaults), normalization_(std::move(normalization)) {}

  bool normalizes() const { return !normalization_.is_none(); }
  bool normalizes_weights() const { return normalization_.name == "weight_norm"; }

  /// Dense, normalization, activation.
  std::vector<std::shared_ptr<const LayerKind>> dense(std::size_t width) const {
    if (normalization_.is_none()) return {dense_kind(width, defaults_.activation)};
    if (normalization_.name == "weight_norm") {
      LayerDefaults of_width = defaults_;
      of_width.width = width;
      return {normalization_.make(settings_, of_width)};
    }
    return {sums(defaults_.activation->units(width)), normalization_.make(settings_, defaults_),
            activation_kind(defaults_.activation)};
  }

  /// Convolution, normalization, activation.
  std::vector<std::shared_ptr<const LayerKind>> convolution(std::size_t channels,
                                                            const Window& window) const {
    if (normalization_.is_none()) return {convolution_kind(channels, window, defaults_.activation)};
    if (normalization_.name == "weight_norm") {
      settings_.problem("normalization", "is 'weight_norm', which is for dense layers");
      return {};
    }
    return {
        convolution_kind(defaults_.activation->units(channels), window, plain_activation("linear")),
        normalization_.make(settings_, defaults_), activation_kind(defaults_.activation)};
  }

  /// Post-activation, but for the activation that follows the addition: (dense, normalization,
  /// activation), ..., dense, normalization.
  std::vector<std::shared_ptr<const LayerKind>> branch_before_activation(std::size_t width,
                                                                         std::size_t layers) const {
    std::vector<std::shared_ptr<const LayerKind>> branch;
    for (std::size_t l = 0; l + 1 < layers; ++l) append(branch, dense(width));
    branch.push_back(sums(width));
    if (!normalization_.is_none()) branch.push_back(normalization_.make(settings_, defaults_));
    return branch;
  }
  /// Pre-activation: (normalization, activation, dense), ...
  std::vector<std::shared_ptr<const LayerKind>> branch_behind_activation(std::size_t width,
                                                                         std::size_t layers) const {
    std::vector<std::shared_ptr<const LayerKind>> branch;
    for (std::size_t l = 0; l < layers; ++l) {
      if (!normalization_.is_none()) branch.push_back(normalization_.make(settings_, defaults_));
      branch.push_back(activation_kind(defaults_.activation));
      branch.push_back(sums(width));
    }
    return branch;
  }

  /// What stands behind the last block of a pre-activation net, before its activation.
  void append_normalization(std::vector<std::shared_ptr<const LayerKind>>& layers) const {
    if (normalizes()) layers.push_back(normalization_.make(settings_, defaults_));
  }

  static void append(std::vector<std::shared_ptr<const LayerKind>>& layers,
                     std::vector<std::shared_ptr<const LayerKind>> more) {
    layers.insert(layers.end(), more.begin(), more.end());
  }

 private:
  static std::shared_ptr<const LayerKind> sums(std::size_t units) {
    return dense_kind(units, plain_activation("linear"));
  }

  Settings& settings_;
  const LayerDefaults& defaults_;
  Normalization normalization_;
};

using Kinds = std::vector<std::shared_ptr<const LayerKind>>;

// A dense layer to the width, then depth - 1 dense layers in blocks. Post-activation blocks: He et al.
// 2015, arXiv:1512.03385; pre-activation: He et al. 2016, arXiv:1603.05027.
Kinds residual_layers(Settings& settings, const std::string& kind,
                      const std::vector<std::size_t>& widths, const LayerDefaults& defaults,
                      const HiddenLayers& make) {
  const auto block = static_cast<std::size_t>(
      settings.integer("block_layers", 2, between(1, 1000), "dense layers in a residual block"));
  const bool pre =
      settings.choice("block_order", "pre_activation", {"pre_activation", "post_activation"},
                      "whether activations stand before the layers of a block, or after them and "
                      "after the addition") == "pre_activation";
  BranchScale scale;
  scale.learned = settings.flag("rezero", false, "each block's scale is learned, from 0");
  scale.factor = settings.number("residual_scale", scale.learned ? 0 : 1, kAny,
                                 "what each block's branch is multiplied by, or where a learned "
                                 "scale starts");
  leave_unused(settings, kind, "residual",
               {"block_layers", "block_order", "rezero", "residual_scale"});
  if (kind != "residual") return {};
  if (widths.empty() || defaults.activation == nullptr) return {};
  const Activation& phi = *defaults.activation;
  if (std::ranges::count(widths, widths.front()) != std::ssize(widths)) {
    settings.problem("widths", "differ; all layers of a residual net have one width");
    return {};
  }
  if ((widths.size() - 1) % block != 0) {
    settings.problem("depth", "is " + std::to_string(widths.size()) +
                                  "; a residual net has 1 + a "
                                  "multiple of block_layers = " +
                                  std::to_string(block) + " hidden layers, such as " +
                                  std::to_string((widths.size() - 1) / block * block + 1));
    return {};
  }
  if (make.normalizes_weights()) {
    settings.problem("normalization", "is 'weight_norm', which is not for residual nets");
    return {};
  }
  const std::size_t width = widths.front();
  if (phi.outputs(width) != phi.units(width) && !pre) {
    settings.problem("activation", "is '" + defaults.activation_name +
                                       "', which changes the width: that needs "
                                       "block_order = \"pre_activation\"");
    return {};
  }
  const std::size_t blocks = (widths.size() - 1) / block;
  Kinds layers;
  if (!pre) {
    layers = make.dense(width);
    for (std::size_t b = 0; b < blocks; ++b) {
      layers.push_back(residual_kind(make.branch_before_activation(width, block), scale));
      layers.push_back(activation_kind(defaults.activation));
    }
    return layers;
  }
  layers.push_back(dense_kind(phi.units(width), plain_activation("linear")));
  for (std::size_t b = 0; b < blocks; ++b) {
    layers.push_back(residual_kind(make.branch_behind_activation(phi.units(width), block), scale));
  }
  make.append_normalization(layers);
  layers.push_back(activation_kind(defaults.activation));
  return layers;
}

// A dense layer to the width, then highway layers.
Kinds highway_layers(Settings& settings, const std::string& kind,
                     const std::vector<std::size_t>& widths, const LayerDefaults& defaults,
                     const HiddenLayers& make) {
  const double gate_bias =
      settings.number("gate_bias", -2, kAny, "where the biases of the highway gates start");
  leave_unused(settings, kind, "highway", {"gate_bias"});
  if (kind != "highway") return {};
  if (widths.empty() || defaults.activation == nullptr) return {};
  if (std::ranges::count(widths, widths.front()) != std::ssize(widths)) {
    settings.problem("widths", "differ; all layers of a highway net have one width");
    return {};
  }
  Kinds layers = make.dense(widths.front());
  for (std::size_t l = 1; l < widths.size(); ++l) {
    layers.push_back(highway_kind(defaults.activation, gate_bias));
  }
  return layers;
}

// Narrow in the middle: the code. Rumelhart, Hinton & Williams 1986; Hinton & Salakhutdinov 2006.
Kinds autoencoder_layers(Settings& settings, const std::string& kind,
                         std::vector<std::size_t> widths, const LayerDefaults& defaults,
                         const HiddenLayers& make) {
  const std::int64_t code = settings.integer("code", 32, between(1, 1000000),
                                             "units of the layer in the middle of an autoencoder");
  leave_unused(settings, kind, "autoencoder", {"code"});
  if (kind != "autoencoder") return {};
  if (widths.empty() || defaults.activation == nullptr) return {};
  if (widths.size() % 2 == 0) {
    settings.problem("depth", "is " + std::to_string(widths.size()) +
                                  "; an autoencoder has one layer in the middle, so an odd number");
    return {};
  }
  widths[widths.size() / 2] = static_cast<std::size_t>(code);
  Kinds layers;
  for (const std::size_t width : widths) HiddenLayers::append(layers, make.dense(width));
  return layers;
}

// Convolutions that keep the size of the image, pooled now and then.
Kinds cnn_layers(Settings& settings, const std::string& kind,
                 const std::vector<std::size_t>& widths, const LayerDefaults& defaults,
                 const HiddenLayers& make) {
  const auto kernel = static_cast<std::size_t>(
      settings.integer("kernel", 3, between(1, 1000), "pixels along a side of each kernel; odd"));
  const auto pool_every = static_cast<std::size_t>(
      settings.integer("pool_every", 0, between(0, 100000),
                       "2 x 2 max pooling after so many convolutions, and so on; 0: none"));
  const bool global =
      settings.choice("head", "global_pool", {"global_pool", "flatten"},
                      "what the output layer stands on: the mean of each channel, or all pixels") ==
      "global_pool";
  leave_unused(settings, kind, "cnn", {"kernel", "pool_every", "head"});
  if (kind != "cnn") return {};
  if (defaults.activation == nullptr) return {};
  if (kernel % 2 == 0) {
    settings.problem("kernel", "is " + std::to_string(kernel) + "; allowed are odd numbers");
    return {};
  }
  const Window window{.size = kernel, .stride = 1, .padding = kernel / 2};
  Kinds layers;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    HiddenLayers::append(layers, make.convolution(widths[l], window));
    if (pool_every > 0 && (l + 1) % pool_every == 0) {
      layers.push_back(pool_kind(Pooling::largest, 2, 2));
    }
  }
  if (global) layers.push_back(pool_kind(Pooling::mean, 0, 1));
  return layers;
}

// Recurrent layers of one kind on each other; their settings are those of the layer.
Kinds recurrent_layers(Settings& settings, const std::string& kind,
                       const std::vector<std::size_t>& widths, const LayerDefaults& defaults) {
  if (defaults.activation == nullptr || widths.empty()) return {};
  if (std::ranges::count(widths, widths.front()) != std::ssize(widths)) {
    settings.problem("widths", "differ; all layers of a recurrent model have one width");
    return {};
  }
  Settings own = settings.table(kind);
  const std::shared_ptr<const LayerKind> layer = layer_catalogue().find(kind)->make(own, defaults);
  own.finish();
  return Kinds(widths.size(), layer);
}

}  // namespace

ModelSettings ModelSettings::read(Settings& settings) {
  const auto make_activation = [](const ActivationEntry& entry, Settings& own) {
    return entry.make(own);
  };
  ModelSettings model;
  model.kind = settings.choice(
      "kind", "mlp",
      {"mlp", "linear", "residual", "highway", "autoencoder", "cnn", "rnn", "lstm", "gru"},
      "architecture: dense layers; the same without activations; in residual "
      "blocks; highway layers; dense and narrow in the middle; convolutions; "
      "recurrent layers");
  model.widths = read_widths(settings, is_recurrent(model.kind) ? 1 : 10);
  const auto activation = choose(settings, "activation", model.kind == "linear" ? "linear" : "tanh",
                                 activation_catalogue(), "what follows each hidden layer's sums");
  const auto output = choose(settings, "output_activation", "linear", activation_catalogue(),
                             "what follows the output layer's sums");
  const auto initializer = choose(settings, "initializer", "glorot_uniform",
                                  initializer_catalogue(), "how weights and biases start");
  model.activation_name = activation.plugin.name;
  model.initializer_name = initializer.plugin.name;
  model.activation = make(activation, settings, make_activation);
  model.output_activation = make(output, settings, make_activation);
  if (model.kind == "linear" && !model.activation_name.empty() &&
      model.activation_name != "linear") {
    settings.problem("activation", "is '" + model.activation_name +
                                       "', and a linear model has none; try kind = \"mlp\"");
  }
  if (model.output_activation != nullptr && model.output_activation->outputs(1) != 1) {
    settings.problem("output_activation", "is '" + output.plugin.name +
                                              "', which makes more outputs than there are targets");
  }
  if (model.activation != nullptr) {
    model.initializer =
        make(initializer, settings, [&](const InitializerEntry& entry, Settings& own) {
          return entry.make(own, {*model.activation, '\'' + model.activation_name + '\''});
        });
  } else if (initializer.entry != nullptr) {
    initializer.check(settings.report(), [](const InitializerEntry& entry, Settings& own) {
      entry.make(own, *any_activation());
    });
  }
  const std::string precision = settings.choice("precision", "float32", {"float32", "float64"},
                                                "type of parameters, activations and gradients");
  model.precision = precision == "float64" ? Precision::float64 : Precision::float32;
  model.read_recurrent_initializer(settings);
  model.read_hidden(settings);
  settings.finish();
  return model;
}

void ModelSettings::read_recurrent_initializer(Settings& settings) {
  const auto chosen =
      choose(settings, "recurrent_initializer", "orthogonal", initializer_catalogue(),
             "how the weights of recurrent layers over their state start");
  const auto construct = [&](const InitializerEntry& entry, Settings& own) {
    return entry.make(own, *(activation ? activation : any_activation()));
  };
  if (is_recurrent(kind) || settings.given("layers")) {
    recurrent_initializer = make(chosen, settings, construct);
    return;
  }
  // No part of what makes the run the same run.
  settings.restates("recurrent_initializer.name");
  if (chosen.entry == nullptr) return;
  SettingsReport apart;
  apart.folders = settings.report().folders;
  chosen.make(apart, construct);
  std::ranges::move(apart.problems, std::back_inserter(settings.report().problems));
}

void ModelSettings::read_hidden(Settings& settings) {
  const LayerDefaults defaults{activation, activation_name,
                               widths.empty() ? 100 : *std::ranges::max_element(widths)};
  const std::vector<NamedLayer> listed =
      read_layers(settings, "layers", defaults,
                  "the hidden layers one by one, in the place of kind, depth and widths");
  const HiddenLayers make(settings, defaults, read_normalization(settings));
  if (!listed.empty()) {
    for (const char* other : {"kind", "depth", "widths", "normalization"}) {
      if (settings.given(other)) {
        settings.problem(other, "is given beside 'model.layers'; give one of the two");
      }
    }
    hidden = listed;
    takes_shapes = true;
    widths.clear();
    settings.settle("depth", {static_cast<std::int64_t>(listed.size()), {}});
    return;
  }
  takes_shapes = kind == "cnn" || is_recurrent(kind);
  Kinds kinds;
  const auto add = [&](Kinds more) { HiddenLayers::append(kinds, std::move(more)); };
  add(residual_layers(settings, kind, widths, defaults, make));
  add(highway_layers(settings, kind, widths, defaults, make));
  add(autoencoder_layers(settings, kind, widths, defaults, make));
  add(cnn_layers(settings, kind, widths, defaults, make));
  if ((is_recurrent(kind) || kind == "highway") && make.normalizes()) {
    settings.problem("normalization", "is not for the kind " + kind);
  }
  if ((kind == "lstm" || kind == "gru") && settings.given("activation")) {
    settings.problem("activation", "is given, and " + kind + " has activations of its own");
  }
  if (is_recurrent(kind)) add(recurrent_layers(settings, kind, widths, defaults));
  // Without normalization it is what layers() makes of the widths: a plan may have a million such models.
  if ((kind == "mlp" || kind == "linear") && activation != nullptr && make.normalizes()) {
    for (const std::size_t width : widths) HiddenLayers::append(kinds, make.dense(width));
  }
  for (auto& one : kinds) {
    hidden.push_back({"layer " + std::to_string(hidden.size() + 1) + " of the " + kind + " model",
                      std::move(one)});
  }
}

StackKind ModelSettings::layers(std::size_t outputs) const {
  Kinds kinds;
  for (const NamedLayer& layer : hidden) kinds.push_back(layer.kind);
  if (hidden.empty()) {
    for (const std::size_t width : widths) kinds.push_back(dense_kind(width, activation));
  }
  if (is_recurrent(kind) && !targets_each_step) {
    const SettingsTable empty;
    SettingsReport unused;
    Settings none(empty, "", unused);
    kinds.push_back(layer_catalogue().find("last_step")->make(none, {}));
  }
  kinds.push_back(dense_kind(outputs, output_activation));
  return StackKind(std::move(kinds));
}

Shape ModelSettings::input(const Shape& data) const {
  return takes_shapes ? data : Shape::symbol_rows(1, data.size(), data.symbols);
}

std::optional<Problem> ModelSettings::problem(const Shape& input) const {
  if (input.symbols > 0 && (hidden.empty() || !hidden.front().kind->takes_symbols())) {
    const NamedLayer first =
        hidden.empty() ? NamedLayer{"the first layer", nullptr} : hidden.front();
    return Problem{first.place, first.name + " needs numbers; below it is the data, which has " +
                                    to_string(input) +
                                    "; let 'model.layers' begin with the layer embedding"};
  }
  Shape shape = input;
  std::string below = "the data";
  for (const NamedLayer& layer : hidden) {
    const std::string misfit = layer.kind->problem(shape);
    if (!misfit.empty()) {
      return Problem{layer.place, layer.name + ' ' + misfit + "; below it is " + below +
                                      ", which has " + to_string(shape)};
    }
    shape = layer.kind->output(shape);
    below = layer.name;
  }
  return std::nullopt;
}

}  // namespace plumbline
