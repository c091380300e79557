// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "engine/training/explained_step.hpp"

namespace plumbline {

/// "w2", the weights of layer 2; "b2"; "p2" for the parameters of the layer's activation.
std::string tensor_symbol(const ParameterTensor& tensor);

/// "w2_13", the weight of layer 2 from unit 3 below to unit 1; "b2_1"; "p2_1" for a parameter of the
/// layer's activation. `index` counts within the tensor.
std::string parameter_symbol(const ParameterTensor& tensor, std::size_t index);

/// Prints the step as a text book would: forward, loss, backward, gradients, update, each number
/// under its formula with the numbers put in, rounded to six digits. The update is so for sgd; of other
/// rules it has the formula, the settings, and for each parameter the gradient, what the optimizer
/// keeps for it before and after, and how far it moves.
void write_explanation(const ExplainedStep& step, const RunConfiguration& run, std::ostream& out);

}  // namespace plumbline
