// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/hessian.hpp"

#include <stdexcept>
#include <utility>

#include "engine/network/network.hpp"

namespace plumbline {

std::string hessian_problem(const ModelSettings& model, const Shape& input, std::size_t outputs) {
  const ParameterLayout layout = parameter_layout(model, input, outputs);
  const Stack<double> layers = model.layers(outputs).stack<double>(layout, input, 1, model.gemm);
  const CurvedStack<double> curved(layers);
  for (std::size_t l = 0; l < curved.size(); ++l) {
    const std::string problem = curved.problem(l);
    if (problem.empty()) continue;
    const bool hidden = l < model.hidden.size();
    return (hidden ? model.hidden[l].name : "layer " + std::to_string(l + 1)) + ' ' + problem;
  }
  return {};
}

template <typename T>
HessianProduct<T>::HessianProduct(const ModelSettings& model, const Shape& input,
                                  std::size_t outputs, std::size_t batch,
                                  std::shared_ptr<const Loss> loss)
    : layout_(parameter_layout(model, input, outputs)),
      layers_(model.layers(outputs).stack<T>(layout_, input, batch, model.gemm)),
      curved_(layers_),
      loss_(std::move(loss)) {
  curved_.keep_curvature();
}

template <typename T>
double HessianProduct<T>::move_to(std::span<const T> parameters, MatrixView<const T> inputs,
                                  const Targets<T>& targets, std::span<T> gradient) {
  parameters_ = parameters;
  inputs_ = inputs;
  targets_ = targets;
  outputs_ = layers_.forward(parameters, inputs, Pass());
  mean_ = T(1) / static_cast<T>(outputs_.rows);
  const double sum = loss_->evaluate(outputs_, targets, layers_.output_gradient());
  layers_.backward(parameters, inputs, mean_, gradient, {});
  return sum / static_cast<double>(outputs_.rows);
}

// R{dL_i/dy} = H_i R{y}, H_i the Hessian of the loss in the outputs.
template <typename T>
void HessianProduct<T>::multiply(std::span<const T> direction, std::span<T> product) {
  if (outputs_.empty()) throw std::logic_error("a product before move_to()");
  const MatrixView<const T> along = layers_.tangent(parameters_, direction, inputs_, {});
  loss_->curvature_product(outputs_, targets_, along, curved_.output_gradient_direction());
  curved_.backward_tangent(parameters_, direction, mean_, product, {});
}

template class HessianProduct<float>;
template class HessianProduct<double>;

}  // namespace plumbline
