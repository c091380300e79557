// SPDX-License-Identifier: Apache-2.0
// For wrappers: update rules that change what another one sees, or what becomes of its steps.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/parameter_groups.hpp"

namespace plumbline {

/// An update rule around another one, which the setting `inner` names. Evaluates where that one does,
/// unless it says otherwise.
template <typename T>
class OptimizerWrapper : public Optimizer<T> {
 public:
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    return inner_->evaluation_point(parameters);
  }
  void archive(StateArchive& kept) override { inner_->archive(kept); }
  std::vector<StateBlock> state() const override { return inner_->state(); }
  std::size_t state_size_over(const ParameterLayout& layout) const final {
    const std::size_t own = this->state_size() - inner_->state_size();
    return this->scaled(own, layout) + inner_->state_size_over(layout);
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    std::vector<UpdateRule> rules = Optimizer<T>::rules(tensor);
    for (UpdateRule& rule : inner_->rules(tensor)) rules.push_back(std::move(rule));
    return rules;
  }
  bool draws_targets() const final { return inner_ != nullptr && inner_->draws_targets(); }
  bool looks_into_layers() const final { return inner_ != nullptr && inner_->looks_into_layers(); }
  bool asks_for_gradients() const override {
    return inner_ != nullptr && inner_->asks_for_gradients();
  }
  bool keeps_position() const final { return inner_ != nullptr && inner_->keeps_position(); }

 protected:
  OptimizerWrapper(Settings& settings, const ParameterLayout& layout) {
    const auto chosen = choose_inner(settings, "inner", "adam", "optimizers", optimizer_catalogue,
                                     "the update rule inside");
    if (chosen.entry != nullptr) {
      inner_ = make_optimizer<T>(chosen, settings.report(), layout);
    }
  }

  /// A wrapper's own block before those of the rule inside.
  std::vector<StateBlock> with_inner(StateBlock own) const {
    std::vector<StateBlock> blocks = inner_->state();
    blocks.insert(blocks.begin(), std::move(own));
    return blocks;
  }

  /// For wrappers that hand on another gradient than they are given.
  void refuse_inner_that_asks_for_gradients(Settings& settings) const {
    if (asks_for_gradients()) {
      settings.problem(
          "inner", "asks for gradients of the loss itself, which this wrapper would not change");
    }
  }
  /// For wrappers that move the parameters.
  void refuse_inner_that_keeps_its_position(Settings& settings) const {
    if (keeps_position()) {
      settings.problem("inner",
                       "keeps a position of its own, which this wrapper would not move; put the "
                       "wrapper inside, or use the optimizer's own settings");
    }
  }

  /// Null while settings are only being declared, and where there is no optimizer of that name, which
  /// the report then says.
  std::unique_ptr<Optimizer<T>> inner_;
};

}  // namespace plumbline
