// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/logistic.hpp"
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline::layers {

namespace {

using activations::logistic;

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

  GruCell(const RecurrentSize& size, std::size_t rows, const Site& site)
      : units_(size.units),
        gates_(rows, Shape::vector(3 * size.units)),
        bias_(site.tensors.next()) {
    for (std::size_t gate = 1; gate < kGates; ++gate) bias_.rows += site.tensors.next().rows;
  }

  const T* recurrent_bias(std::span<const T> parameters) const {
    return parameters.data() + bias_.offset;
  }

  void forward(std::span<const T> /*parameters*/, std::size_t t, std::size_t batch,
               MatrixView<const T> z, MatrixView<const T> v, MatrixView<const T> before,
               MatrixView<T> h) {
    const MatrixView<T> gates = gates_.first_rows((t + 1) * batch);
    for (std::size_t row = 0; row < batch; ++row) {
      const T* zs = z.row(row);
      const T* vs = v.row(row);
      T* gate = gates.row(t * batch + row);
      for_each_batch(
          units_,
          [](auto& r, auto& u, auto& n, auto& out, const auto& zr, const auto& zu, const auto& zn,
             const auto& vr, const auto& vu, const auto& vn, const auto& old) {
            r = logistic(zr + vr);
            u = logistic(zu + vu);
            n = hyperbolic_tangent(zn + r * vn);
            out = n + u * (old - n);
          },
          gate, gate + units_, gate + 2 * units_, h.row(row), zs, zs + units_, zs + 2 * units_, vs,
          vs + units_, vs + 2 * units_, before.row(row));
    }
  }

  void begin_backward() {}
  void backward(std::span<const T> /*parameters*/, std::size_t t, std::size_t batch,
                MatrixView<const T> /*z*/, MatrixView<const T> v, MatrixView<const T> before,
                MatrixView<const T> /*h*/, MatrixView<const T> dh, MatrixView<T> dz,
                MatrixView<T> dv, MatrixView<T> carried) {
    const MatrixView<T> gates = gates_.first_rows((t + 1) * batch);
    for (std::size_t row = 0; row < batch; ++row) {
      const T* gate = gates.row(t * batch + row);
      T* z_to = dz.row(row);
      T* v_to = dv.row(row);
      for_each_batch(
          units_,
          [](auto& dzr, auto& dzu, auto& dzn, auto& dvr, auto& dvu, auto& dvn, auto& down,
             const auto& r, const auto& u, const auto& n, const auto& vn, const auto& old,
             const auto& up) {
            using V = std::decay_t<decltype(n)>;
            const V one = constant<V>(1);
            dzn = up * (one - u) * (one - n * n);
            dvn = dzn * r;
            dzr = dzn * vn * (r * (one - r));
            dzu = up * (old - n) * (u * (one - u));
            dvr = dzr;
            dvu = dzu;
            down = up * u;
          },
          z_to, z_to + units_, z_to + 2 * units_, v_to, v_to + units_, v_to + 2 * units_,
          carried.row(row), gate, gate + units_, gate + 2 * units_, v.row(row) + 2 * units_,
          before.row(row), dh.row(row));
    }
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
  Buffer<T> gates_;       // r, u, n of each step
  ParameterTensor bias_;  // of v, all gates
};

class GruKind final : public RecurrentKind<GruKind> {
 public:
  static constexpr std::size_t kGates = 3;
  // Of each gate two sums, their slopes and the value; h and its slope.
  static constexpr std::size_t kKept = 17;

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
