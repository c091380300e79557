// SPDX-License-Identifier: Apache-2.0
// For wrappers: update rules that change what another one sees, or what becomes of its steps.
#pragma once

#include <memory>
#include <string_view>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

/// The optimizer that the setting `inner` names. Null while settings are only being declared, and
/// where there is none of that name, which the report then says.
template <typename T>
std::unique_ptr<Optimizer<T>> inner_optimizer(Settings& settings, const ParameterLayout& layout,
                                              std::string_view default_value = "adam") {
  const auto chosen = choose_inner(settings, "inner", default_value, "optimizers",
                                   optimizer_catalogue, "the update rule inside");
  if (chosen.entry == nullptr) return nullptr;
  return chosen.make(settings.report(), [&layout](const OptimizerEntry& entry, Settings& own) {
    return entry.make<T>(own, layout);
  });
}

}  // namespace plumbline
