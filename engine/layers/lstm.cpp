// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "engine/kernels/column_sums.hpp"
#include "engine/kernels/vector_functions.hpp"
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline::layers {

namespace {

/// x + p_k y, with the peepholes of gate k; x where there are none.
template <std::size_t k, typename V, typename... Peepholes>
V and_peephole(const V& x, const V& y, const Peepholes&... p) {
  if constexpr (sizeof...(p) == 0) {
    return x;
  } else {
    return x + std::get<k>(std::tie(p...)) * y;
  }
}

/// With the sums of the gates (i, f, g, o) and the state c of each unit:
///   i, f, o = s(z + p c),  g = tanh(z_g),  c_t = f c_{t-1} + i g,  h_t = o tanh(c_t),
/// where p c, the peepholes, is with c_{t-1} for i and f, with c_t for o. Backward, with dc the slope in
/// c_t that comes from later steps:
///   do = dh tanh(c_t),  dz_o = do o (1 - o),
///   dc += dh o (1 - tanh(c_t)^2) + p_o dz_o,
///   dz_i = dc g i (1 - i),  dz_f = dc c_{t-1} f (1 - f),  dz_g = dc i (1 - g^2),
///   dc_{t-1} = dc f + p_i dz_i + p_f dz_f.
template <typename T>
class LstmCell {
 public:
  static constexpr std::size_t kGates = 4;
  static constexpr bool kAddsSums = true;

  LstmCell(const RecurrentSize& size, std::size_t rows, const Site& site, bool peepholes)
      : units_(size.units),
        peepholes_(peepholes ? site.tensors.next() : ParameterTensor()),
        cells_(rows + site.batch, Shape::vector(size.units)),
        bent_(rows, Shape::vector(size.units)),
        slopes_(site.batch, Shape::vector(size.units)),
        peephole_sums_(peepholes_.size()) {}

  void forward(std::span<const T> parameters, const CellStep<T>& step) {
    batch_ = step.state.rows;
    const MatrixView<T> old = rows_of_step(cells_, step.t, batch_);
    if (step.t == 0) fill_with_zeros(old);
    with_peepholes(parameters, [&](const auto&... peepholes) {
      for_each_batch_in_rows(
          [](auto& i, auto& f, auto& g, auto& o, auto& c, auto& bent, auto& h, const auto& zi,
             const auto& zf, const auto& zg, const auto& zo, const auto& before, const auto&... p) {
            i = gate(and_peephole<0>(zi, before, p...));
            f = gate(and_peephole<1>(zf, before, p...));
            g = hyperbolic_tangent(zg);
            c = f * before + i * g;
            o = gate(and_peephole<2>(zo, c, p...));
            bent = hyperbolic_tangent(c);
            h = o * bent;
          },
          of_gate(step.slopes, 0, units_), of_gate(step.slopes, 1, units_),
          of_gate(step.slopes, 2, units_), of_gate(step.slopes, 3, units_),
          rows_of_step(cells_, step.t + 1, batch_), rows_of_step(bent_, step.t, batch_), step.state,
          of_gate(step.sums, 0, units_), of_gate(step.sums, 1, units_),
          of_gate(step.sums, 2, units_), of_gate(step.sums, 3, units_), MatrixView<const T>(old),
          peepholes...);
    });
  }

  void begin_backward() { fill_with_zeros(slopes_.first_rows(batch_)); }

  // Where the slopes in the sums go, forward() has left the gates.
  void backward(std::span<const T> parameters, const CellStep<T>& step) {
    with_peepholes(parameters, [&](const auto&... peepholes) {
      for_each_batch_in_rows(
          [](auto& i, auto& f, auto& g, auto& o, auto& dc, const auto& before, const auto& bent,
             const auto& dh, const auto&... p) {
            using V = std::decay_t<decltype(i)>;
            const V one = constant<V>(1);
            const V dzo = dh * bent * (o * (one - o));
            const V all = and_peephole<2>(dc + dh * o * (one - bent * bent), dzo, p...);
            const V dzi = all * g * (i * (one - i));
            const V dzf = all * before * (f * (one - f));
            const V dzg = all * i * (one - g * g);
            dc = and_peephole<1>(and_peephole<0>(all * f, dzi, p...), dzf, p...);
            i = dzi;
            f = dzf;
            g = dzg;
            o = dzo;
          },
          of_gate(step.slopes, 0, units_), of_gate(step.slopes, 1, units_),
          of_gate(step.slopes, 2, units_), of_gate(step.slopes, 3, units_),
          slopes_.first_rows(batch_), MatrixView<const T>(rows_of_step(cells_, step.t, batch_)),
          MatrixView<const T>(rows_of_step(bent_, step.t, batch_)), step.upstream, peepholes...);
    });
  }

  // A peephole's slope is the sum of dz of its gate times the state that it saw.
  void end_backward(MatrixView<const T> dz, T mean, std::span<T> gradient) {
    if (peepholes_.size() == 0) return;
    const std::span<double> sums(peephole_sums_);
    const MatrixView<const T> cells = cells_.first_rows(dz.rows + batch_);
    const MatrixView<const T> now{cells.row(batch_), dz.rows, units_, cells.stride};
    sum_columns_of<3, T>(
        {sums.first(units_), sums.subspan(units_, units_), sums.last(units_)},
        [](auto& totals, const auto& before, const auto& after, const auto& dzi, const auto& dzf,
           const auto& dzo) {
          totals[0] += dzi * before;
          totals[1] += dzf * before;
          totals[2] += dzo * after;
        },
        cells.first_rows(dz.rows), now, of_gate(dz, 0, units_), of_gate(dz, 1, units_),
        of_gate(dz, 3, units_));
    for (std::size_t j = 0; j < sums.size(); ++j) {
      gradient[peepholes_.offset + j] = mean * static_cast<T>(sums[j]);
    }
  }
  bool finite(std::span<const T> parameters, std::span<const T> gradient) const {
    return all_finite(parameters.subspan(peepholes_.offset, peepholes_.size())) &&
           all_finite(gradient.subspan(peepholes_.offset, peepholes_.size()));
  }

 private:
  /// Calls function(those of i, of f, of o), each a row that serves for all; without where there are none.
  template <class Function>
  void with_peepholes(std::span<const T> parameters, const Function& function) const {
    if (peepholes_.size() == 0) {
      function();
      return;
    }
    const auto row = [&](std::size_t index) {
      return MatrixView<const T>{parameters.data() + peepholes_.offset + index * units_, batch_,
                                 units_, 0};
    };
    function(row(0), row(1), row(2));
  }

  std::size_t units_;
  ParameterTensor peepholes_;  // of i, f and o; of size 0 where there are none
  Buffer<T> cells_;            // c; step 0 is the state before the first one
  Buffer<T> bent_;             // tanh(c)
  Buffer<T> slopes_;           // dL/dc of the step at hand, from later ones
  std::vector<double> peephole_sums_;
  std::size_t batch_ = 0;
};

class LstmKind final : public RecurrentKind<LstmKind> {
 public:
  static constexpr std::size_t kGates = 4;
  static constexpr std::size_t kKept =
      12;  // of each gate sum and slope; c and its tanh, h and its slope

  LstmKind(const RecurrentSize& size, double forget_bias, bool peepholes)
      : RecurrentKind(size), forget_bias_(forget_bias), peepholes_(peepholes) {}

  void declare(const Shape& input, TensorList& tensors) const override {
    const std::array gates = {Gate{"i"}, Gate{"f", forget_bias_}, Gate{"g"}, Gate{"o"}};
    declare_gates(input, size_.units, gates, tensors);
    if (peepholes_) tensors.add("peepholes", ParameterGroup::norm, 3 * size_.units, 1, 0);
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Recurrent<T, LstmCell<T>>>(size_, site, peepholes_);
  }

 private:
  double forget_bias_;
  bool peepholes_;
};

}  // namespace

LayerEntry lstm() {
  return layer_entry(
      {
          .summary = "Long short-term memory: a state that gates let in, keep and let out.",
          .formula = "i, f, o = sigmoid(W x_t + U h_{t-1} + b), g = tanh(W x_t + U h_{t-1} + b), "
                     "c_t = f c_{t-1} + i g, h_t = o tanh(c_t)",
          .paper =
              "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997, "
              "doi:10.1162/neco.1997.9.8.1735; forget gate: Gers, Schmidhuber & Cummins, 2000; "
              "peepholes: Gers, Schraudolph & Schmidhuber, JMLR 3, 2002",
      },
      [](Settings& settings, const LayerDefaults& model) -> std::shared_ptr<const LayerKind> {
        const RecurrentSize size = read_recurrent_size(settings, model);
        const double forget_bias =
            settings.number("forget_bias", 1, kAny, "where the biases of the forget gates start");
        const bool peepholes = settings.flag("peepholes", false,
                                             "the gates see the state c; their weights start at 0");
        return std::make_shared<LstmKind>(size, forget_bias, peepholes);
      });
}

}  // namespace plumbline::layers
