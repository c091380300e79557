// SPDX-License-Identifier: Apache-2.0
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

  void forward(std::span<const T> /*parameters*/, std::size_t /*t*/, std::size_t /*batch*/,
               MatrixView<const T> z, MatrixView<const T> /*r*/, MatrixView<const T> /*before*/,
               MatrixView<T> h) const {
    activation_->forward(z, {}, h);
  }
  void begin_backward() {}
  void backward(std::span<const T> /*parameters*/, std::size_t /*t*/, std::size_t /*batch*/,
                MatrixView<const T> z, MatrixView<const T> /*r*/, MatrixView<const T> /*before*/,
                MatrixView<const T> h, MatrixView<const T> dh, MatrixView<T> dz,
                MatrixView<T> /*dr*/, MatrixView<T> carried) const {
    activation_->backward(z, h, {}, dh, dz, {});
    for (std::size_t i = 0; i < carried.rows; ++i) std::fill_n(carried.row(i), carried.cols, T(0));
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
    if (activation_->units(1) == 1 && activation_->outputs(1) == 1 &&
        activation_->parameters(1) == 0) {
      return RecurrentKind::problem(input);
    }
    return "needs an activation with one output a unit and no parameters";
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
