// SPDX-License-Identifier: Apache-2.0
#include "engine/network/model_kinds.hpp"

#include <algorithm>
#include <iterator>

#include "engine/layers/activation_layer.hpp"
#include "engine/layers/convolution_layer.hpp"
#include "engine/layers/dense_layer.hpp"
#include "engine/layers/highway_layer.hpp"
#include "engine/layers/pool_layer.hpp"
#include "engine/layers/residual_layer.hpp"

namespace plumbline {

namespace {

using Kinds = std::vector<std::shared_ptr<const LayerKind>>;

void append(Kinds& layers, const Kinds& more) {
  layers.insert(layers.end(), more.begin(), more.end());
}

/// Reads the settings of each kind of model, and makes its hidden layers where the model is of it.
class KindReader {
 public:
  KindReader(Settings& settings, const ModelKind& kind)
      : settings_(settings),
        kind_(kind.name),
        widths_(kind.widths),
        defaults_(kind.defaults),
        normalization_(kind.normalization) {}

  // A dense layer to the width, then depth - 1 dense layers in blocks. Post-activation blocks: He et al.
  // 2015, arXiv:1512.03385; pre-activation: He et al. 2016, arXiv:1603.05027.
  Kinds residual() const {
    const auto block = static_cast<std::size_t>(
        settings_.integer("block_layers", 2, between(1, 1000), "dense layers in a residual block"));
    const bool pre =
        settings_.choice(
            "block_order", "pre_activation", {"pre_activation", "post_activation"},
            "whether activations stand before the layers of a block, or after them and "
            "after the addition") == "pre_activation";
    BranchScale scale;
    scale.learned = settings_.flag("rezero", false, "each block's scale is learned, from 0");
    scale.factor = settings_.number("residual_scale", scale.learned ? 0 : 1, kAny,
                                    "what each block's branch is multiplied by; with rezero where "
                                    "the learned scale starts, by default 0");
    leave_unused("residual");
    if (kind_ != "residual") return {};
    if (widths_.empty() || defaults_.activation == nullptr) return {};
    const Activation& phi = *defaults_.activation;
    if (!has_one_width("a residual net")) return {};
    if ((widths_.size() - 1) % block != 0) {
      settings_.problem("depth", "is " + std::to_string(widths_.size()) +
                                     "; a residual net has 1 + a "
                                     "multiple of block_layers = " +
                                     std::to_string(block) + " hidden layers, such as " +
                                     std::to_string((widths_.size() - 1) / block * block + 1));
      return {};
    }
    if (normalization_.is_of_weights()) {
      settings_.problem("normalization", "is 'weight_norm', which is not for residual nets");
      return {};
    }
    const std::size_t width = widths_.front();
    if (phi.outputs(width) != phi.units(width) && !pre) {
      settings_.problem("activation", "is '" + defaults_.activation_name +
                                          "', which changes the width: that needs "
                                          "block_order = \"pre_activation\"");
      return {};
    }
    const std::size_t blocks = (widths_.size() - 1) / block;
    Kinds layers;
    if (!pre) {
      layers = dense(width);
      for (std::size_t b = 0; b < blocks; ++b) {
        layers.push_back(residual_kind(branch_before_activation(width, block), scale));
        layers.push_back(activation_kind(defaults_.activation));
      }
      return layers;
    }
    layers.push_back(dense_kind(phi.units(width), plain_activation("linear")));
    for (std::size_t b = 0; b < blocks; ++b) {
      layers.push_back(residual_kind(branch_behind_activation(phi.units(width), block), scale));
    }
    append_normalization(layers);
    layers.push_back(activation_kind(defaults_.activation));
    return layers;
  }

  // A dense layer to the width, then highway layers.
  Kinds highway() const {
    const double gate_bias =
        settings_.number("gate_bias", -2, kAny, "where the biases of the highway gates start");
    leave_unused("highway");
    if (kind_ != "highway") return {};
    if (widths_.empty() || defaults_.activation == nullptr) return {};
    if (!has_one_width("a highway net")) return {};
    Kinds layers = dense(widths_.front());
    for (std::size_t l = 1; l < widths_.size(); ++l) {
      layers.push_back(highway_kind(defaults_.activation, gate_bias));
    }
    return layers;
  }

  // Narrow in the middle: the code. Rumelhart, Hinton & Williams 1986; Hinton & Salakhutdinov 2006.
  Kinds autoencoder() const {
    const std::int64_t code = settings_.integer(
        "code", 32, between(1, 1000000), "units of the layer in the middle of an autoencoder");
    leave_unused("autoencoder");
    if (kind_ != "autoencoder") return {};
    if (widths_.empty() || defaults_.activation == nullptr) return {};
    if (widths_.size() % 2 == 0) {
      settings_.problem("depth",
                        "is " + std::to_string(widths_.size()) +
                            "; an autoencoder has one layer in the middle, so an odd number");
      return {};
    }
    Kinds layers;
    for (std::size_t l = 0; l < widths_.size(); ++l) {
      append(layers, dense(l == widths_.size() / 2 ? static_cast<std::size_t>(code) : widths_[l]));
    }
    return layers;
  }

  // Convolutions that keep the size of the image, pooled now and then.
  Kinds cnn() const {
    const auto kernel = static_cast<std::size_t>(settings_.integer(
        "kernel", 3, between(1, 1000), "pixels along a side of each kernel; odd"));
    const auto pool_every = static_cast<std::size_t>(
        settings_.integer("pool_every", 0, between(0, 100000),
                          "2 x 2 max pooling after so many convolutions, and so on; 0: none"));
    const bool global =
        settings_.choice(
            "head", "global_pool", {"global_pool", "flatten"},
            "what the output layer stands on: the mean of each channel, or all pixels") ==
        "global_pool";
    leave_unused("cnn");
    if (kind_ != "cnn") return {};
    if (defaults_.activation == nullptr) return {};
    if (kernel % 2 == 0) {
      settings_.problem("kernel", "is " + std::to_string(kernel) + "; allowed are odd numbers");
      return {};
    }
    const Window window{.size = kernel, .stride = 1, .padding = kernel / 2};
    Kinds layers;
    for (std::size_t l = 0; l < widths_.size(); ++l) {
      append(layers, convolution(widths_[l], window));
      if (pool_every > 0 && (l + 1) % pool_every == 0) {
        layers.push_back(pool_kind(Pooling::largest, 2, 2));
      }
    }
    if (global) layers.push_back(pool_kind(Pooling::mean, 0, 1));
    return layers;
  }

  // Recurrent layers of one kind on each other; their settings are those of the layer.
  Kinds recurrent() const {
    if (defaults_.activation == nullptr || widths_.empty()) return {};
    if (!has_one_width("a recurrent model")) return {};
    Settings own = settings_.table(kind_);
    const std::shared_ptr<const LayerKind> layer =
        layer_catalogue().find(kind_)->make(own, defaults_);
    own.finish();
    return Kinds(widths_.size(), layer);
  }

  Kinds dense() const {
    Kinds layers;
    for (const std::size_t width : widths_) append(layers, dense(width));
    return layers;
  }

 private:
  /// Dense, normalization, activation.
  Kinds dense(std::size_t width) const {
    if (normalization_.is_none()) return {dense_kind(width, defaults_.activation)};
    if (normalization_.is_of_weights()) {
      LayerDefaults of_width = defaults_;
      of_width.width = width;
      return {normalization_.make(settings_, of_width)};
    }
    return {sums(defaults_.activation->units(width)), normalization_.make(settings_, defaults_),
            activation_kind(defaults_.activation)};
  }

  /// Convolution, normalization, activation.
  Kinds convolution(std::size_t channels, const Window& window) const {
    if (normalization_.is_none()) return {convolution_kind(channels, window, defaults_.activation)};
    if (normalization_.is_of_weights()) {
      settings_.problem("normalization", "is 'weight_norm', which is for dense layers");
      return {};
    }
    return {
        convolution_kind(defaults_.activation->units(channels), window, plain_activation("linear")),
        normalization_.make(settings_, defaults_), activation_kind(defaults_.activation)};
  }

  /// Post-activation, but for the activation that follows the addition: (dense, normalization,
  /// activation), ..., dense, normalization.
  Kinds branch_before_activation(std::size_t width, std::size_t layers) const {
    Kinds branch;
    for (std::size_t l = 0; l + 1 < layers; ++l) append(branch, dense(width));
    branch.push_back(sums(width));
    if (!normalization_.is_none()) branch.push_back(normalization_.make(settings_, defaults_));
    return branch;
  }
  /// Pre-activation: (normalization, activation, dense), ...
  Kinds branch_behind_activation(std::size_t width, std::size_t layers) const {
    Kinds branch;
    for (std::size_t l = 0; l < layers; ++l) {
      if (!normalization_.is_none()) branch.push_back(normalization_.make(settings_, defaults_));
      branch.push_back(activation_kind(defaults_.activation));
      branch.push_back(sums(width));
    }
    return branch;
  }

  /// What stands behind the last block of a pre-activation net, before its activation.
  void append_normalization(Kinds& layers) const {
    if (!normalization_.is_none()) layers.push_back(normalization_.make(settings_, defaults_));
  }

  static std::shared_ptr<const LayerKind> sums(std::size_t units) {
    return dense_kind(units, plain_activation("linear"));
  }

  bool has_one_width(const std::string& model) const {
    if (std::ranges::count(widths_, widths_.front()) == std::ssize(widths_)) return true;
    settings_.problem("widths", "differ; all layers of " + model + " have one width");
    return false;
  }

  // Settings of another kind than the model's: no part of what makes the run the same run.
  void leave_unused(const std::string& of_kind) const {
    if (kind_ == of_kind) return;
    const auto info = std::ranges::find(model_kind_infos(), of_kind, &ModelKindInfo::name);
    for (const std::string& name : info->settings) {
      settings_.restates(name);
      if (!settings_.given(name)) continue;
      const std::string key = settings_.path() + '.' + name;
      settings_.report().warnings.push_back(
          {settings_.report().place_of(key), '\'' + key + "' is for the kind " + of_kind +
                                                 ", and this model is of the kind " + kind_});
    }
  }

  Settings& settings_;
  const std::string& kind_;
  const std::vector<std::size_t>& widths_;
  const LayerDefaults& defaults_;
  const Normalization& normalization_;
};

/// The layer of that name has the paper.
ModelKindInfo recurrent_info(const std::string& name) {
  return {
      name, "`depth` layers " + name + " on each other; [model." + name + "] has their settings.",
      "output W h_depth + b at the last step of a sequence, or at each step where the data have "
      "a target at each",
      ""};
}

}  // namespace

const std::vector<ModelKindInfo>& model_kind_infos() {
  static const std::vector<ModelKindInfo> infos = {
      {"mlp", "Dense layers on each other.",
       "h_0 = x; h_l = phi(W_l h_(l-1) + b_l), l = 1, ..., depth; output W h_depth + b",
       "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature "
       "323, 1986"},
      {"linear",
       "Dense layers without activations: one linear function, whose training is not linear.",
       "h_0 = x; h_l = W_l h_(l-1) + b_l, l = 1, ..., depth; output W h_depth + b",
       "Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep "
       "linear neural networks, ICLR 2014, arXiv:1312.6120"},
      {"residual",
       "A dense layer to the width, then blocks of dense layers that add to what they stand on.",
       "pre_activation: x + s W_2 phi(W_1 phi(x)), and phi behind the last block; post_activation: "
       "phi(x + s W_2 phi(W_1 x)); s residual_scale, of block_layers = 2; normalization before "
       "each "
       "phi of a branch, or behind each W",
       "He, Zhang, Ren & Sun, Identity mappings in deep residual networks, ECCV 2016, "
       "arXiv:1603.05027; post_activation: Deep residual learning for image recognition, "
       "arXiv:1512.03385; rezero: Bachlechner et al., ReZero is all you need, 2020, "
       "arXiv:2003.04887",
       {"block_layers", "block_order", "rezero", "residual_scale"}},
      {"highway",
       "A dense layer to the width, then highway layers, whose gates let their input pass.",
       "h_l = t phi(W_l h_(l-1) + b_l) + (1 - t) h_(l-1), t = sigmoid(W_t h_(l-1) + b_t)",
       "Srivastava, Greff & Schmidhuber, Training very deep networks, NIPS 2015, arXiv:1507.06228",
       {"gate_bias"}},
      {"autoencoder",
       "Dense layers, of which the one in the middle is narrow: the code.",
       "as mlp; layer (depth + 1) / 2 has `code` units",
       "Hinton & Salakhutdinov, Reducing the dimensionality of data with neural networks, Science "
       "313, 2006",
       {"code"}},
      {"cnn",
       "Convolutions of `width` channels that keep the size of the image, pooled now and then.",
       "h_l = phi(W_l * h_(l-1) + b_l), padded by (kernel - 1) / 2; 2 x 2 max pooling after each "
       "pool_every of them; output W of each channel's mean (global_pool) or of all pixels "
       "(flatten)",
       "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, "
       "Proc. IEEE 86, 1998",
       {"kernel", "pool_every", "head"}},
      recurrent_info("rnn"),
      recurrent_info("lstm"),
      recurrent_info("gru")};
  return infos;
}

Kinds ModelKind::read_layers(Settings& settings) const {
  const KindReader reader(settings, *this);
  Kinds layers;
  append(layers, reader.residual());
  append(layers, reader.highway());
  append(layers, reader.autoencoder());
  append(layers, reader.cnn());
  if ((is_recurrent() || name == "highway") && !normalization.is_none()) {
    settings.problem("normalization", "is not for the kind " + name);
  }
  if ((name == "lstm" || name == "gru") && settings.given("activation")) {
    settings.problem("activation", "is given, and " + name + " has activations of its own");
  }
  if (is_recurrent()) append(layers, reader.recurrent());
  // A plan may have a million models of plain dense layers, which are not made before they are needed.
  if ((name == "mlp" || name == "linear") && defaults.activation != nullptr &&
      !normalization.is_none()) {
    append(layers, reader.dense());
  }
  return layers;
}

}  // namespace plumbline
