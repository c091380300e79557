// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/network/network.hpp"
#include "engine/theory/diagnosis.hpp"

namespace plumbline {

/// Why mean-field theory says nothing of a model, such as "batch_norm"; empty where it does.
std::string reason_without_theory(const ModelSettings& model, const ParameterLayout& layout);

/// What the net shows after the passes over a batch, in one pass over its layers. It is undefined after
/// another forward pass.
template <typename T>
InitialState initial_state(const Network<T>& network, const ModelSettings& model);

extern template InitialState initial_state(const Network<float>&, const ModelSettings&);
extern template InitialState initial_state(const Network<double>&, const ModelSettings&);

}  // namespace plumbline
