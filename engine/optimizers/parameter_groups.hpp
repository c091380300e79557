// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

/// Makes the chosen optimizer, which must not be null. Its table may hold `groups`: for any of the
/// parameter groups input, hidden, output, bias, norm, activation a table of settings that differ
/// there,
///   [optimizer.groups.hidden]
///   lr = 0.01
/// or, with `name`, another optimizer of its own. Each group is then stepped by an optimizer that sees
/// that group's tensors alone, with one more for all the rest; norms and averages over "all"
/// parameters are those of the group.
template <typename T>
std::unique_ptr<Optimizer<T>> make_optimizer(const Chosen<OptimizerEntry>& chosen,
                                             SettingsReport& report, const ParameterLayout& layout);

/// A layout with a single parameter in each group: enough for any optimizer to tell what it would keep
/// over a real one.
ParameterLayout one_of_each_group();

/// The tables that `groups` may hold: the name of each parameter group and what falls in it.
std::vector<SettingInfo> parameter_group_tables();

extern template std::unique_ptr<Optimizer<float>> make_optimizer<float>(
    const Chosen<OptimizerEntry>&, SettingsReport&, const ParameterLayout&);
extern template std::unique_ptr<Optimizer<double>> make_optimizer<double>(
    const Chosen<OptimizerEntry>&, SettingsReport&, const ParameterLayout&);

}  // namespace plumbline
