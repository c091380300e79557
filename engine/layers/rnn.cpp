// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/activation_layer.hpp"
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline::layers {

namespace {

/// h_t = phi(z_t + r_t).
template <typename T>
class SimpleCell {
 public:
  static constexpr std::size_t kGates = 1;
  static constexpr bool kAddsSums = true;

  SimpleCell(const RecurrentSize& /*size*/, std::size_t /*rows*/, const Site& /*site*/,
             std::shared_ptr<const Activation> activation)
      : activation_(std::move(activation)) {}

  void forward(std::span<const T> /*parameters*/, const CellStep<T>& step) const {
    activation_->forward(step.sums, {}, step.state);
  }
  void begin_backward() {}
  void backward(std::span<const T> /*parameters*/, const CellStep<T>& step) const {
    activation_->backward(step.sums, step.state, {}, step.upstream, step.slopes, {});
  }
  void end_backward(MatrixView<const T> /*dr*/, T /*mean*/, std::span<T> /*gradient*/) const {}
  bool finite(std::span<const T> /*parameters*/, std::span<const T> /*gradient*/) const {
    return true;
  }

 private:
  std::shared_ptr<const Activation> activation_;
};

class RnnKind final : public RecurrentKind<RnnKind> {
 public:
  static constexpr std::size_t kGates = 1;
  static constexpr std::size_t kKept =
      4;  // sums and their slopes, states and theirs, each of the units

  RnnKind(const RecurrentSize& size, std::shared_ptr<const Activation> activation)
      : RecurrentKind(size), activation_(std::move(activation)) {}

  std::string problem(const Shape& input) const override {
    const std::string own = problem_as_part(*activation_);
    return own.empty() ? RecurrentKind::problem(input) : own;
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    constexpr std::array kAll = {Gate{""}};
    declare_gates(input, size_.units, kAll, tensors);
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Recurrent<T, SimpleCell<T>>>(size_, site, activation_);
  }

 private:
  std::shared_ptr<const Activation> activation_;
};

}  // namespace

LayerEntry rnn() {
  return layer_entry(
      {
          .summary = "A simple recurrent layer (Elman). With relu and the identity as recurrent "
                     "initializer it is the IRNN of Le, Jaitly & Hinton (arXiv:1504.00941).",
          .formula = "h_t = phi(W x_t + U h_{t-1} + b), h_0 = 0",
          .paper = "Elman, Finding structure in time, Cognitive Science 14, 1990, "
                   "doi:10.1207/s15516709cog1402_1",
      },
      [](Settings& settings, const LayerDefaults& model) -> std::shared_ptr<const LayerKind> {
        const RecurrentSize size = read_recurrent_size(settings, model);
        return std::make_shared<RnnKind>(size, read_activation(settings, model));
      });
}

}  // namespace plumbline::layers
