// SPDX-License-Identifier: Apache-2.0
#include "engine/network/model_settings.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/layers/dense_layer.hpp"
#include "engine/network/model_kinds.hpp"

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

}  // namespace

ModelSettings ModelSettings::read(Settings& settings) {
  const auto make_activation = [](const ActivationEntry& entry, Settings& own) {
    return entry.make(own);
  };
  std::vector<std::string> kinds;
  for (const ModelKindInfo& info : model_kind_infos()) kinds.push_back(info.name);
  ModelSettings model;
  model.kind =
      settings.choice("kind", "mlp", kinds,
                      "architecture: dense layers; the same without activations; in residual "
                      "blocks; highway layers; dense and narrow in the middle; convolutions; "
                      "recurrent layers");
  model.widths = read_widths(settings, ModelKind{model.kind}.is_recurrent() ? 1 : 10);
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
  if (ModelKind{kind}.is_recurrent() || settings.given("layers")) {
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
  const ModelKind of_kind{kind, widths, defaults, read_normalization(settings)};
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
  takes_shapes = of_kind.takes_shapes();
  for (auto& one : of_kind.read_layers(settings)) {
    hidden.push_back({"layer " + std::to_string(hidden.size() + 1) + " of the " + kind + " model",
                      std::move(one)});
  }
}

StackKind ModelSettings::layers(std::size_t outputs) const {
  std::vector<std::shared_ptr<const LayerKind>> kinds;
  for (const NamedLayer& layer : hidden) kinds.push_back(layer.kind);
  if (hidden.empty()) {
    for (const std::size_t width : widths) kinds.push_back(dense_kind(width, activation));
  }
  if (ModelKind{kind}.is_recurrent() && !targets_each_step) {
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
