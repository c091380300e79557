// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/shape.hpp"
#include "engine/kernels/gemm.hpp"

namespace plumbline {

/// What a training pass does to the statistics that stand in for a batch's where the net is used.
enum class RunningStatistics {
  keep,    ///< nothing: it only looks at the loss somewhere
  follow,  ///< they move towards the batch's: the one pass of a training step
  average  ///< they become the mean over the batches of the passes with step 0, 1, ... to this one
};

/// What a forward pass is for.
struct Pass {
  bool training = true;  ///< false: as the finished net is used, without noise and batch statistics
  std::int64_t seed = 0;  ///< of the noise
  std::int64_t step = 0;  ///< updates before this pass: which noise
  RunningStatistics statistics = RunningStatistics::keep;
};

template <typename T>
class WeightLayer;

/// A layer with the buffers that one batch needs. A batch of B examples of S steps each is a matrix of
/// S * B rows, all first steps before all second ones. A row holds the values of one step; an image
/// has its channels side by side, pixel after pixel, without padding in between.
template <typename T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// The outputs for the rows of `input`; they live in the layer, or in `input`, until the next call.
  virtual MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                                      const Pass& pass) = 0;

  /// As large as the outputs of the last forward pass: the layer above writes dL_i/d(output) here.
  virtual MatrixView<T> output_gradient() = 0;

  /// Once after a forward pass, for its rows, with dL_i/d(output) in output_gradient(), which is then used
  /// up, as may be what the pass has left: writes `mean` times the sum over examples of the gradients into the layer's part of `gradient`,
  /// and dL_i/d(input) into `input_gradient` unless that is empty.
  virtual void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                        std::span<T> gradient, MatrixView<T> input_gradient) = 0;

  /// After backward(): true where all parameters of the layer and all their gradients are finite.
  virtual bool finite() const = 0;

  /// For the rows of the last forward pass: the derivative of the layer's outputs along `direction`
  /// of its parameters and `input_direction` of its inputs (empty: zero). Lives in the layer until the
  /// next call. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
  /// Throws std::logic_error where the layer is no CurvedLayer (layers/curved_layer.hpp).
  virtual MatrixView<const T> tangent(std::span<const T> /*parameters*/,
                                      std::span<const T> /*direction*/,
                                      MatrixView<const T> /*input*/,
                                      MatrixView<const T> /*input_direction*/) {
    throw std::logic_error("this layer has no tangent");
  }

  /// Appends the weight layers in it, input side first.
  virtual void add_weight_layers(std::vector<const WeightLayer<T>*>& /*layers*/) const {}

  /// Sets parameters that follow from those which an initializer has drawn.
  virtual void settle(std::span<T> /*parameters*/) const {}

  /// Appends what forward passes change beside the outputs, such as running statistics: a part of where
  /// a run stands that the parameters do not hold.
  virtual void add_state(std::vector<std::span<T>>& /*states*/) {}
};

/// What probes and optimizers see of a layer z = W x + b, a = phi(z), after the passes over a batch.
template <typename T>
class WeightLayer {
 public:
  virtual ~WeightLayer() = default;

  /// Where the layer's tensors stand in the parameter block.
  virtual const ParameterTensor& weight() const = 0;
  virtual const ParameterTensor& bias() const = 0;

  virtual MatrixView<const T> input() const = 0;           ///< x
  virtual MatrixView<const T> pre_activation() const = 0;  ///< z: batch x units
  virtual MatrixView<const T> output() const = 0;          ///< a
  /// batch x units: dL_i/dz, which backward() leaves.
  virtual MatrixView<const T> error_signal() const = 0;
  /// Whether other layers have the same weights, as the steps of an unrolled one do: then the gradient
  /// block holds the sum of all.
  virtual bool is_shared() const { return false; }
};

/// Collects the tensors of a net's layers, from the input side.
class TensorList {
 public:
  /// Opens the next weight layer, which counts as `depth` layers: an unrolled one as many as steps.
  void begin_weight_layer(std::size_t depth = 1);
  /// Opens a layer without weights, of this kind: "norm".
  void begin(std::string_view kind);
  /// Appends a tensor of the layer that was opened last; `part` is "weight", "bias", ...
  void add(std::string_view part, ParameterGroup group, std::size_t rows, std::size_t cols,
           std::optional<double> initial = {}, std::size_t places = 1);
  /// Appends what an activation of this width learns, if anything.
  void add_activation(const Activation& activation, std::size_t width);
  /// Around the layers of a residual block's branch.
  void begin_branch();
  void end_branch() { --open_branches_; }

  /// The tensors in their order. The last weight layer's are the net's output weights; the first one's
  /// are its input weights, unless these are those of symbols.
  ParameterLayout layout() const;
  /// The number of weight layers, unrolled ones counted by step.
  std::size_t depth() const { return depth_; }

 private:
  std::vector<ParameterTensor> tensors_;
  std::string name_;
  std::size_t layer_ = 1;  // of the tensors that are added next
  std::size_t depth_ = 0;
  std::vector<std::pair<std::string, std::size_t>> begun_;  // how many layers of each kind
  std::size_t open_branches_ = 0;                           // inside each other
  std::vector<std::size_t> branch_layers_;                  // weight layers of each
  std::vector<std::size_t> branch_of_;                      // of each tensor, from 1; 0: none
};

/// Hands out the tensors of a layout in the order in which they were declared.
class TensorReader {
 public:
  explicit TensorReader(const ParameterLayout& layout) : layout_(layout) {}
  const ParameterTensor& next() { return layout_.tensors().at(next_++); }
  /// What TensorList::add_activation() appended; of size 0 where that is nothing.
  ParameterTensor next_activation(const Activation& activation, std::size_t width) {
    return activation.parameters(width) > 0 ? next() : ParameterTensor();
  }

 private:
  const ParameterLayout& layout_;
  std::size_t next_ = 0;
};

/// Where a layer is made.
struct Site {
  Shape input;
  std::size_t batch = 0;
  Gemm gemm = Gemm::native;
  TensorReader& tensors;
  std::size_t& layers;  ///< made before this one: tells the noise of layers apart
};

/// A layer as a definition says it, without parameters and buffers. It stands on the layer below, whose
/// outputs have the shape `input`; all but problem() need an input that fits.
class LayerKind {
 public:
  virtual ~LayerKind() = default;

  /// What is wrong with an input of this shape, as the rest of a sentence about the layer; empty where
  /// it fits.
  virtual std::string problem(const Shape& /*input*/) const { return {}; }
  /// Whether it can stand on symbols, of which problem() is not asked where it cannot.
  virtual bool takes_symbols() const { return false; }
  virtual Shape output(const Shape& input) const = 0;
  virtual void declare(const Shape& input, TensorList& tensors) const = 0;
  /// Multiply-adds of weights and additions of biases for one example, forward.
  virtual double products(const Shape& input) const = 0;
  /// Values that the layer keeps for one example between the passes.
  virtual double kept_values(const Shape& input) const = 0;
  /// The fewest examples of a batch that it can be trained on.
  virtual std::size_t least_batch(const Shape& /*input*/) const { return 1; }
  /// Whether it is one dense layer and nothing else: what theory, `explain` and the optimizers that look
  /// into layers know.
  virtual bool is_dense() const { return false; }
  /// Whether an example's outputs in training follow from its whole batch, in whose place running statistics
  /// stand where the net is used (Layer::add_state()).
  virtual bool keeps_statistics() const { return false; }

  virtual std::unique_ptr<Layer<float>> make_float(Site site) const = 0;
  virtual std::unique_ptr<Layer<double>> make_double(Site site) const = 0;
};

template <typename T>
std::unique_ptr<Layer<T>> make_layer(const LayerKind& kind, const Site& site) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return kind.make_float(site);
  } else {
    return kind.make_double(site);
  }
}

/// Implements the two functions that make a layer by one member of Derived:
///   template <typename T> std::unique_ptr<Layer<T>> make(Site site) const;
template <class Derived>
class LayerKindOf : public LayerKind {
 public:
  std::unique_ptr<Layer<float>> make_float(Site site) const final {
    return static_cast<const Derived&>(*this).template make<float>(site);
  }
  std::unique_ptr<Layer<double>> make_double(Site site) const final {
    return static_cast<const Derived&>(*this).template make<double>(site);
  }
};

/// What a layer of a definition takes from the model around it where it says nothing itself.
struct LayerDefaults {
  std::shared_ptr<const Activation> activation;
  std::string activation_name;
  std::size_t width = 0;
};

struct LayerEntry {
  PluginInfo info;
  std::shared_ptr<const LayerKind> (*make)(Settings&, const LayerDefaults&) = nullptr;
};

const Catalogue<LayerEntry>& layer_catalogue();

/// Reads the units of one layer, by default as many as the model's.
std::size_t read_width(Settings& settings, const LayerDefaults& model);

/// Reads the activation of one layer, the model's by default; null where there is a mistake.
std::shared_ptr<const Activation> read_activation(Settings& settings, const LayerDefaults& model);

/// A layer, and what messages call it: "'model.layers.2' (dense)".
struct NamedLayer {
  std::string name;
  std::shared_ptr<const LayerKind> kind;
  Place place = {};
};

/// Reads a list of layers; without those where there is a mistake.
std::vector<NamedLayer> read_layers(Settings& settings, std::string_view name,
                                    const LayerDefaults& model, std::string_view meaning);

/// `make` reads the settings of a layer and returns it.
inline LayerEntry layer_entry(PluginInfo info, decltype(LayerEntry::make) make) {
  info.settings = declared_settings([make](Settings& settings) {
    make(settings, {any_activation(), activation_catalogue().names().front(), 100});
  });
  return {std::move(info), make};
}

}  // namespace plumbline
