// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/state_archive.hpp"
#include "engine/kernels/elementwise.hpp"

namespace plumbline {

/// What an optimizer may ask of the net beyond the gradient it is given: the loss L over the examples
/// of this step, as a function of the parameters, and what second-order methods need of it. Every
/// call is a pass over these examples; blocks have the layout of the parameters.
template <typename T>
class Objective {
 public:
  virtual ~Objective() = default;

  /// L, the mean over the examples.
  virtual double loss(std::span<const T> parameters) = 0;
  /// L, and its gradient into `gradient`.
  virtual double gradient(std::span<const T> parameters, std::span<T> gradient) = 0;
  /// G v, with the generalized Gauss-Newton matrix G = mean of J_i^T H_i J_i: J_i the Jacobian of the
  /// outputs of example i, H_i the Hessian of its loss in the outputs. Schraudolph, Neural
  /// Computation 14, 2002.
  virtual void gauss_newton_product(std::span<const T> parameters, std::span<const T> direction,
                                    std::span<T> product) = 0;
  /// As gradient(), with targets drawn from the distribution that the outputs and the loss mean, by
  /// the run's noise stream at `draw`. Throws std::invalid_argument where the loss means none.
  virtual void sampled_gradient(std::span<const T> parameters, std::uint32_t draw,
                                std::span<T> gradient) = 0;
  /// After sampled_gradient(): what stood at the weight tensor of this index in the layout.
  struct LayerPass {
    MatrixView<const T> inputs;         ///< examples x cols
    MatrixView<const T> error_signals;  ///< examples x rows, dL_i/dz with the drawn targets
  };
  virtual LayerPass layer_pass(std::size_t tensor) = 0;
  virtual std::size_t examples() const = 0;
};

/// Where a training run stands when an optimizer takes a step.
template <typename T>
struct StepContext {
  std::int64_t step = 1;              ///< t of the papers: 1 at the first update
  double schedule_factor = 1;         ///< what the schedule multiplies the learning rate by
  std::int64_t steps = 0;             ///< updates of the whole run; 0 where there is no end
  Objective<T>* objective = nullptr;  ///< never null for an optimizer whose scope is `objective`
};

/// What the update of one parameter may depend on, beside its own gradients.
enum class UpdateScope {
  element,   ///< nothing else: however the block is cut into tensors, each parameter moves the same
  block,     ///< all parameters at once, as one vector: the cut into tensors does not matter either
  tensor,    ///< the tensor that it stands in, its shape and its group
  objective  ///< more of the net than its gradient
};

/// What an optimizer keeps for each parameter, by the letter of its formula.
struct StateBlock {
  template <typename V>
  StateBlock(std::string letter, const std::vector<V>& kept)
      : name(std::move(letter)), values(kept.begin(), kept.end()) {}

  std::string name;
  /// In the order of the layout, NaN for a parameter that has none; empty where the settings leave the
  /// block out.
  std::vector<double> values;
};

/// What moves a tensor: a plug-in, what it does there, and the table of its settings.
struct UpdateRule {
  std::string name;
  std::string formula;
  std::string path;  ///< "optimizer.inner"

  bool operator==(const UpdateRule&) const = default;
};

/// An update rule. Called once a training step for all parameters: the two blocks hold every tensor
/// of the net in the order of the layout that the optimizer was made for.
template <typename T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual void step(std::span<T> parameters, std::span<const T> gradient,
                    const StepContext<T>& context) = 0;
  /// Lists the members that outlive a step, so that a fresh optimizer of the same settings and layout
  /// takes the steps that are left as this one would. What a step makes anew is not listed.
  virtual void archive(StateArchive& kept) = 0;
  /// The number of values that the optimizer keeps for itself.
  virtual std::size_t state_size() const = 0;
  /// What state_size() would be of this optimizer over another layout, whose state is not made for it.
  /// Ask one that was made over one_of_each_group(). By default so many values for each parameter.
  virtual std::size_t state_size_over(const ParameterLayout& layout) const {
    return scaled(state_size(), layout);
  }
  /// Those of them that people may want to follow: no scratch, no matrices, no history.
  virtual std::vector<StateBlock> state() const { return {}; }
  /// What moves this tensor of the layout, the outermost rule first.
  virtual std::vector<UpdateRule> rules(const ParameterTensor& /*tensor*/) const { return {rule_}; }
  /// How rules() calls this optimizer; whoever makes it by a catalogue says so.
  void set_rule(UpdateRule rule) { rule_ = std::move(rule); }
  /// The number of parameters it was made over, which is set likewise.
  void set_size(std::size_t size) { size_ = size; }
  /// Whether it asks its objective for sampled_gradient(), which not every loss can give.
  virtual bool draws_targets() const { return false; }
  /// Whether it asks its objective for gauss_newton_product() or layer_pass(), which only a stack of
  /// dense layers can give.
  virtual bool looks_into_layers() const { return false; }
  /// Whether it asks its objective for losses or gradients beside the one it is given: those are of
  /// the loss itself, whatever became of the given one.
  virtual bool asks_for_gradients() const { return false; }
  /// Whether a part of its state is where the model stands, so that a change of the parameters
  /// between two steps is lost.
  virtual bool keeps_position() const { return false; }
  /// Where the model is evaluated, given where it trains: averages of weights and Schedule-Free
  /// methods evaluate elsewhere. Before the first step it is `parameters`. Valid until the next call
  /// of the optimizer.
  virtual std::span<const T> evaluation_point(std::span<const T> parameters) { return parameters; }

 protected:
  /// So many values of this optimizer over another layout, of those that are as many for each parameter.
  std::size_t scaled(std::size_t values, const ParameterLayout& layout) const {
    return size_ == 0 ? 0 : values * layout.size() / size_;
  }
  /// The rule where the optimizer does something else than what the catalogue says of it.
  UpdateRule rule_with(std::string formula, std::string_view way = "") const {
    const std::string name = way.empty() ? rule_.name : rule_.name + " (" + std::string(way) + ')';
    return {name, std::move(formula), rule_.path};
  }

 private:
  UpdateRule rule_;
  std::size_t size_ = 0;
};

struct OptimizerEntry {
  PluginInfo info;
  std::unique_ptr<Optimizer<float>> (*make_float)(Settings&, const ParameterLayout&) = nullptr;
  std::unique_ptr<Optimizer<double>> (*make_double)(Settings&, const ParameterLayout&) = nullptr;
  UpdateScope scope = UpdateScope::element;

  template <typename T>
  std::unique_ptr<Optimizer<T>> make(Settings& settings, const ParameterLayout& layout) const {
    std::unique_ptr<Optimizer<T>> made;
    if constexpr (std::is_same_v<T, float>) {
      made = make_float(settings, layout);
    } else {
      made = make_double(settings, layout);
    }
    made->set_rule({info.name, info.formula, settings.path()});
    made->set_size(layout.size());
    return made;
  }
};

const Catalogue<OptimizerEntry>& optimizer_catalogue();

/// The entry of `Kind<T>`, whose constructor takes (Settings&, const ParameterLayout&).
template <template <typename> class Kind>
OptimizerEntry optimizer_entry(PluginInfo info, UpdateScope scope = UpdateScope::element) {
  info.settings =
      declared_settings([](Settings& settings) { Kind<double> kind(settings, ParameterLayout()); });
  return {
      std::move(info),
      [](Settings& settings, const ParameterLayout& layout) -> std::unique_ptr<Optimizer<float>> {
        return std::make_unique<Kind<float>>(settings, layout);
      },
      [](Settings& settings, const ParameterLayout& layout) -> std::unique_ptr<Optimizer<double>> {
        return std::make_unique<Kind<double>>(settings, layout);
      },
      scope};
}

}  // namespace plumbline
