// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/vector_functions.hpp"
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline::layers {

namespace {

/// With the sums z over the input and v over the state, of the gates (r, u, n):
///   r = s(z_r + v_r),  u = s(z_u + v_u),  n = tanh(z_n + r v_n),  h_t = (1 - u) n + u h_{t-1}.
/// Backward: dn = dh (1 - u) (1 - n^2) = dz_n,  dv_n = dz_n r,
///   dz_r = dv_r = dz_n v_n r (1 - r),  dz_u = dv_u = dh (h_{t-1} - n) u (1 - u),
///   and dh u goes to h_{t-1} beside what comes through v.
template <typename T>
class GruCell {
 public:
  static constexpr std::size_t kGates = 3;
  static constexpr bool kAddsSums = false;

  GruCell(const RecurrentSize& size, std::size_t /*rows*/, const Site& site)
      : units_(size.units), bias_(site.tensors.next()) {
    for (std::size_t gate = 1; gate < kGates; ++gate) bias_.rows += site.tensors.next().rows;
  }

  const T* recurrent_bias(std::span<const T> parameters) const {
    return parameters.data() + bias_.offset;
  }

  void forward(std::span<const T> /*parameters*/, const CellStep<T>& step) const {
    const MatrixView<const T>& z = step.sums;
    const MatrixView<const T>& v = step.recurrent_sums;
    for_each_batch_in_rows(
        [](auto& r, auto& u, auto& n, auto& h, const auto& zr, const auto& zu, const auto& zn,
           const auto& vr, const auto& vu, const auto& vn, const auto& before) {
          r = gate(zr + vr);
          u = gate(zu + vu);
          n = hyperbolic_tangent(zn + r * vn);
          // With u = 1 that is the state before, to the last bit.
          h = u * before + (constant<std::decay_t<decltype(u)>>(1) - u) * n;
        },
        of_gate(step.slopes, 0, units_), of_gate(step.slopes, 1, units_),
        of_gate(step.slopes, 2, units_), step.state, of_gate(z, 0, units_), of_gate(z, 1, units_),
        of_gate(z, 2, units_), of_gate(v, 0, units_), of_gate(v, 1, units_), of_gate(v, 2, units_),
        step.before);
  }

  void begin_backward() {}

  // Where the slopes in the sums go, forward() has left the gates.
  void backward(std::span<const T> /*parameters*/, const CellStep<T>& step) const {
    const MatrixView<T>& dz = step.slopes;
    const MatrixView<T>& dv = step.recurrent_slopes;
    for_each_batch_in_rows(
        [](auto& r, auto& u, auto& n, auto& dvr, auto& dvu, auto& dvn, auto& to_before,
           const auto& vn, const auto& before, const auto& dh) {
          using V = std::decay_t<decltype(n)>;
          const V one = constant<V>(1);
          const V dzn = dh * (one - u) * (one - n * n);
          to_before += dh * u;
          dvn = dzn * r;
          dvr = dzn * vn * (r * (one - r));
          dvu = dh * (before - n) * (u * (one - u));
          r = dvr;
          u = dvu;
          n = dzn;
        },
        of_gate(dz, 0, units_), of_gate(dz, 1, units_), of_gate(dz, 2, units_),
        of_gate(dv, 0, units_), of_gate(dv, 1, units_), of_gate(dv, 2, units_), step.to_before,
        of_gate(step.recurrent_sums, 2, units_), step.before, step.upstream);
  }
  void end_backward(MatrixView<const T> dv, T mean, std::span<T> gradient) const {
    column_sums(dv, mean, gradient.subspan(bias_.offset, bias_.rows));
  }
  bool finite(std::span<const T> parameters, std::span<const T> gradient) const {
    return all_finite(parameters.subspan(bias_.offset, bias_.rows)) &&
           all_finite(gradient.subspan(bias_.offset, bias_.rows));
  }

 private:
  std::size_t units_;
  ParameterTensor bias_;  // of v, all gates
};

class GruKind final : public RecurrentKind<GruKind> {
 public:
  static constexpr std::size_t kGates = 3;
  // Of each gate two sums and their slopes; h and its slope.
  static constexpr std::size_t kKept = 14;

  using RecurrentKind::RecurrentKind;

  void declare(const Shape& input, TensorList& tensors) const override {
    constexpr std::array kAll = {Gate{"r"}, Gate{"u"}, Gate{"n"}};
    declare_gates(input, size_.units, kAll, tensors);
    for (const Gate& gate : kAll) {
      tensors.add(std::string("recurrent_bias_") + gate.name, ParameterGroup::bias, size_.units, 1);
    }
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Recurrent<T, GruCell<T>>>(size_, site);
  }
};

}  // namespace

LayerEntry gru() {
  return layer_entry(
      {
          .summary =
              "Gated recurrent units: a state that is kept or replaced. The reset gate stands "
              "behind the product with the state, as in cuDNN.",
          .formula = "r, u = sigmoid(W x_t + b + U h_{t-1} + c), "
                     "n = tanh(W x_t + b + r (U h_{t-1} + c)), h_t = (1 - u) n + u h_{t-1}",
          .paper = "Cho et al., Learning phrase representations using RNN encoder-decoder for "
                   "statistical machine translation, EMNLP 2014, arXiv:1406.1078",
      },
      [](Settings& settings, const LayerDefaults& model) -> std::shared_ptr<const LayerKind> {
        return std::make_shared<GruKind>(read_recurrent_size(settings, model));
      });
}

}  // namespace plumbline::layers
