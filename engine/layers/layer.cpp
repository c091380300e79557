// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/layer.hpp"

#include <algorithm>

namespace plumbline {

void TensorList::begin_weight_layer(std::size_t depth) {
  layer_ = depth_ + 1;
  depth_ += depth;
  if (open_branches_ > 0) ++branch_layers_.back();
  name_ = "layer_" + std::to_string(layer_);
}

void TensorList::begin(std::string_view kind) {
  auto count = std::ranges::find(begun_, kind, &std::pair<std::string, std::size_t>::first);
  if (count == begun_.end()) count = begun_.insert(begun_.end(), {std::string(kind), 0});
  name_ = std::string(kind) + '_' + std::to_string(++count->second);
}

void TensorList::add(std::string_view part, ParameterGroup group, std::size_t rows,
                     std::size_t cols, std::optional<double> initial, std::size_t places) {
  const bool inside = open_branches_ > 0;
  branch_of_.push_back(inside ? branch_layers_.size() : 0);
  tensors_.push_back({name_ + '.' + std::string(part),
                      layer_,
                      group,
                      rows,
                      cols,
                      0,
                      initial,
                      places,
                      {.layer = inside ? branch_layers_.back() : 0}});
}

void TensorList::begin_branch() {
  if (open_branches_++ == 0) branch_layers_.push_back(0);
}

void TensorList::add_activation(const Activation& activation, std::size_t width) {
  if (const std::size_t own = activation.parameters(width); own > 0) {
    add("activation", ParameterGroup::activation, own, 1, activation.initial_parameter());
  }
}

ParameterLayout TensorList::layout() const {
  const bool symbols = std::ranges::any_of(tensors_, [](const ParameterTensor& tensor) {
    return tensor.group == ParameterGroup::input;
  });
  std::size_t last = 0;
  for (const ParameterTensor& tensor : tensors_) {
    if (tensor.is_weight_matrix()) last = std::max(last, tensor.layer);
  }
  const auto branches = static_cast<std::size_t>(
      std::ranges::count_if(branch_layers_, [](std::size_t layers) { return layers > 0; }));
  ParameterLayout layout;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const ParameterTensor& tensor = tensors_[i];
    ParameterGroup group = tensor.group;
    if (group == ParameterGroup::hidden && tensor.layer == last) {
      group = ParameterGroup::output;
    } else if (group == ParameterGroup::hidden && tensor.layer == 1 && !symbols) {
      group = ParameterGroup::input;
    }
    BranchPlace branch;
    if (const std::size_t number = branch_of_[i]; number > 0) {
      branch = {branches, branch_layers_[number - 1], tensor.branch.layer};
    }
    layout.add(tensor.name, tensor.layer, group, tensor.rows, tensor.cols, tensor.initial,
               tensor.places, branch);
  }
  return layout;
}

std::size_t read_width(Settings& settings, const LayerDefaults& model) {
  return static_cast<std::size_t>(settings.integer("width", static_cast<std::int64_t>(model.width),
                                                   between(1, 1000000),
                                                   "units; by default the model's"));
}

std::shared_ptr<const Activation> read_activation(Settings& settings, const LayerDefaults& model) {
  // Where no model is, the name that models have by default.
  const std::string usual = settings.only_declares() ? "tanh" : model.activation_name;
  const auto chosen = choose(settings, "activation", usual, activation_catalogue(),
                             "what follows the layer's sums; by default the model's");
  if (!settings.given("activation")) return model.activation;
  if (chosen.entry == nullptr) return nullptr;
  return chosen.make(settings.report(),
                     [](const ActivationEntry& entry, Settings& own) { return entry.make(own); });
}

std::vector<NamedLayer> read_layers(Settings& settings, std::string_view name,
                                    const LayerDefaults& model, std::string_view meaning) {
  // The catalogue is not made yet while a layer that holds others declares its settings.
  if (settings.only_declares()) {
    settings.plugins(name, {}, "layers", meaning);
    return {};
  }
  std::vector<NamedLayer> layers;
  for (const Settings::Plugin& plugin :
       settings.plugins(name, layer_catalogue().names(), "layers", meaning)) {
    const Chosen<LayerEntry> chosen{layer_catalogue().find(plugin.name), plugin};
    if (chosen.entry == nullptr) continue;
    auto kind = chosen.make(settings.report(), [&](const LayerEntry& entry, Settings& own) {
      return entry.make(own, model);
    });
    if (kind != nullptr) {
      layers.push_back(
          {'\'' + plugin.path + "' (" + plugin.name + ')', std::move(kind), plugin.place});
    }
  }
  return layers;
}

}  // namespace plumbline
