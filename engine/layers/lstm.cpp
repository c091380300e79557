// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/logistic.hpp"
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline::layers {

namespace {

using activations::logistic;

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
        gates_(rows, Shape::vector(4 * size.units)),
        cells_(rows + site.batch, Shape::vector(size.units)),
        slopes_(site.batch, Shape::vector(size.units)),
        no_peepholes_(peepholes ? 0 : 3 * size.units, T(0)),
        peephole_sums_(peepholes ? 3 * size.units : 0) {}

  void forward(std::span<const T> parameters, std::size_t t, std::size_t batch,
               MatrixView<const T> z, MatrixView<const T> /*r*/, MatrixView<const T> /*before*/,
               MatrixView<T> h) {
    batch_ = batch;
    const MatrixView<T> gates = gates_.first_rows((t + 1) * batch);
    const MatrixView<T> cells = cells_.first_rows((t + 2) * batch);
    if (t == 0) {
      for (std::size_t i = 0; i < batch; ++i) std::fill_n(cells.row(i), units_, T(0));
    }
    const T* p = peepholes_in(parameters);
    for (std::size_t row = 0; row < batch; ++row) {
      const T* sums = z.row(row);
      T* gate = gates.row(t * batch + row);
      for_each_batch(
          units_,
          [](auto& i, auto& f, auto& g, auto& o, auto& c, auto& out, const auto& zi, const auto& zf,
             const auto& zg, const auto& zo, const auto& old, const auto& pi, const auto& pf,
             const auto& po) {
            i = logistic(zi + pi * old);
            f = logistic(zf + pf * old);
            g = hyperbolic_tangent(zg);
            c = f * old + i * g;
            o = logistic(zo + po * c);
            out = o * hyperbolic_tangent(c);
          },
          gate, gate + units_, gate + 2 * units_, gate + 3 * units_,
          cells.row((t + 1) * batch + row), h.row(row), sums, sums + units_, sums + 2 * units_,
          sums + 3 * units_, static_cast<const T*>(cells.row(t * batch + row)), p, p + units_,
          p + 2 * units_);
    }
  }

  void begin_backward() {
    const MatrixView<T> slopes = slopes_.first_rows(batch_);
    for (std::size_t i = 0; i < batch_; ++i) std::fill_n(slopes.row(i), units_, T(0));
  }

  void backward(std::span<const T> parameters, std::size_t t, std::size_t batch,
                MatrixView<const T> /*z*/, MatrixView<const T> /*r*/,
                MatrixView<const T> /*before*/, MatrixView<const T> /*h*/, MatrixView<const T> dh,
                MatrixView<T> dz, MatrixView<T> /*dr*/, MatrixView<T> carried) {
    const MatrixView<T> gates = gates_.first_rows((t + 1) * batch);
    const MatrixView<T> cells = cells_.first_rows((t + 2) * batch);
    const MatrixView<T> slopes = slopes_.first_rows(batch);
    const T* p = peepholes_in(parameters);
    for (std::size_t row = 0; row < batch; ++row) {
      const T* gate = gates.row(t * batch + row);
      T* to = dz.row(row);
      for_each_batch(
          units_,
          [](auto& di, auto& df, auto& dg, auto& d_o, auto& dc, const auto& i, const auto& f,
             const auto& g, const auto& o, const auto& c, const auto& old, const auto& up,
             const auto& pi, const auto& pf, const auto& po) {
            using V = std::decay_t<decltype(c)>;
            const V one = constant<V>(1);
            const V bent = hyperbolic_tangent(c);
            d_o = up * bent * (o * (one - o));
            const V all = dc + up * o * (one - bent * bent) + po * d_o;
            di = all * g * (i * (one - i));
            df = all * old * (f * (one - f));
            dg = all * i * (one - g * g);
            dc = all * f + pi * di + pf * df;
          },
          to, to + units_, to + 2 * units_, to + 3 * units_, slopes.row(row), gate, gate + units_,
          gate + 2 * units_, gate + 3 * units_,
          static_cast<const T*>(cells.row((t + 1) * batch + row)),
          static_cast<const T*>(cells.row(t * batch + row)), dh.row(row), p, p + units_,
          p + 2 * units_);
      std::fill_n(carried.row(row), units_, T(0));
    }
  }

  // A peephole's slope is the sum of dz of its gate times the state that it saw.
  void end_backward(MatrixView<const T> dz, T mean, std::span<T> gradient) {
    if (peepholes_.size() == 0) return;
    std::ranges::fill(peephole_sums_, 0.0);
    const MatrixView<const T> cells = cells_.first_rows(dz.rows + batch_);
    for (std::size_t row = 0; row < dz.rows; ++row) {
      const T* before = cells.row(row);
      const T* now = cells.row(row + batch_);
      const T* slope = dz.row(row);
      for (std::size_t j = 0; j < units_; ++j) {
        peephole_sums_[j] += static_cast<double>(slope[j]) * static_cast<double>(before[j]);
        peephole_sums_[units_ + j] +=
            static_cast<double>(slope[units_ + j]) * static_cast<double>(before[j]);
        peephole_sums_[2 * units_ + j] +=
            static_cast<double>(slope[3 * units_ + j]) * static_cast<double>(now[j]);
      }
    }
    for (std::size_t j = 0; j < peephole_sums_.size(); ++j) {
      gradient[peepholes_.offset + j] = mean * static_cast<T>(peephole_sums_[j]);
    }
  }
  bool finite(std::span<const T> parameters, std::span<const T> gradient) const {
    return all_finite(parameters.subspan(peepholes_.offset, peepholes_.size())) &&
           all_finite(gradient.subspan(peepholes_.offset, peepholes_.size()));
  }

 private:
  const T* peepholes_in(std::span<const T> parameters) const {
    return peepholes_.size() == 0 ? no_peepholes_.data() : parameters.data() + peepholes_.offset;
  }

  std::size_t units_;
  ParameterTensor peepholes_;  // of i, f and o; of size 0 where there are none
  Buffer<T> gates_;            // i, f, g, o of each step
  Buffer<T> cells_;            // c; step 0 is the state before the first one
  Buffer<T> slopes_;           // dL/dc of the step at hand, from later ones
  std::vector<T> no_peepholes_;
  std::vector<double> peephole_sums_;
  std::size_t batch_ = 0;
};

class LstmKind final : public RecurrentKind<LstmKind> {
 public:
  static constexpr std::size_t kGates = 4;
  static constexpr std::size_t kKept =
      15;  // of each gate sum, slope and value; c, h and the slope of h

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
