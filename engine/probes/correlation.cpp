// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

// c_l = z_l(u) . z_l(v) / (|z_l(u)| |z_l(v)|), the cosine of a layer's pre-activations for two inputs u and
// v with |u|^2 = |v|^2 = length n and u.v = c_0 length n, in the mean over some pairs. The pairs are random
// directions, the same in all runs, that are made exactly so by Gram and Schmidt. The net is used as it
// stands, without noise; of a normalization with the statistics that it has gathered. A forward pass over
// two examples for each pair.
template <typename T>
class Correlation final : public Probe<T> {
 public:
  struct Choice {
    double correlation;
    double length;
    std::size_t pairs;
  };

  Correlation(const ProbedRun& run, const Choice& choice)
      : pairs_(choice.pairs),
        shape_(run.input),
        together_(std::min(run.batch / 2, choice.pairs)),
        firsts_(choice.pairs * run.input.size()),
        seconds_(firsts_.size()),
        inputs_(2 * together_ * run.input.steps, run.input) {
    for (std::size_t p = 0; p < pairs_; ++p) draw(p, choice);
  }

  static double memory(const ProbedRun& run, const Choice& choice) {
    return static_cast<double>(sizeof(double) * 2 * choice.pairs * run.input.size()) +
           run.value_bytes() *
               static_cast<double>(2 * std::min(run.batch / 2, choice.pairs) * run.input.steps *
                                   padded_stride<float>(run.input.values()));
  }

  void running_net(const Snapshot<T>& at, const RunningNet<T>& net,
                   const Readings& values) override {
    const std::size_t depth = net.network.depth();
    std::ranges::fill(values[0], 0.0);
    for (std::size_t first = 0; first < pairs_; first += together_) {
      const std::size_t count = std::min(together_, pairs_ - first);
      net.network.forward(at.parameters, gathered(first, count), {.training = false});
      for (std::size_t l = 0; l < depth; ++l) {
        const MatrixView<const T> z = net.network.layer(l).pre_activation();
        for (std::size_t p = 0; p < count; ++p) values[0][l] += cosine_of(z, p, count);
      }
    }
    for (double& value : values[0]) value /= static_cast<double>(pairs_);
  }

 private:
  void draw(std::size_t pair, const Choice& choice) {
    const std::size_t n = shape_.size();
    Random random(0, RandomStream::data, static_cast<std::uint32_t>(pair));
    const std::span<double> u = std::span(firsts_).subspan(pair * n, n);
    const std::span<double> v = std::span(seconds_).subspan(pair * n, n);
    for (double& value : u) value = random.normal();
    for (double& value : v) value = random.normal();
    const auto dot_of = [](std::span<const double> a, std::span<const double> b) {
      return dot(a, b);
    };
    const double length = choice.length * static_cast<double>(n);
    const double to_length = std::sqrt(length / dot_of(u, u));
    for (double& value : u) value *= to_length;
    const double along = dot_of(u, v) / length;
    for (std::size_t i = 0; i < n; ++i) v[i] -= along * u[i];
    const double across =
        std::sqrt((1 - choice.correlation * choice.correlation) * length / dot_of(v, v));
    for (std::size_t i = 0; i < n; ++i) v[i] = choice.correlation * u[i] + across * v[i];
  }

  // The first ones of the pairs, then the second ones, as a batch of examples stands in a net.
  MatrixView<const T> gathered(std::size_t first, std::size_t count) {
    const MatrixView<T> rows = inputs_.first_rows(2 * count * shape_.steps);
    for (std::size_t example = 0; example < 2 * count; ++example) {
      const std::vector<double>& from = example < count ? firsts_ : seconds_;
      const double* values = from.data() + (first + example % count) * shape_.size();
      for (std::size_t step = 0; step < shape_.steps; ++step, values += shape_.values()) {
        std::transform(values, values + shape_.values(), rows.row(step * 2 * count + example),
                       [](double value) { return static_cast<T>(value); });
      }
    }
    return rows;
  }

  // Of examples p and count + p, over all of their steps.
  static double cosine_of(MatrixView<const T> z, std::size_t p, std::size_t count) {
    PartialSums uu;
    PartialSums vv;
    PartialSums uv;
    for (std::size_t row = p; row < z.rows; row += 2 * count) {
      const T* const u = z.row(row);
      const T* const v = z.row(row + count);
      const auto add = [&](PartialSums& sums, const T* a, const T* b) {
        sums.add(z.cols, [a, b](std::size_t j) {
          return static_cast<double>(a[j]) * static_cast<double>(b[j]);
        });
      };
      add(uu, u, u);
      add(vv, v, v);
      add(uv, u, v);
    }
    const double lengths = std::sqrt(uu.total()) * std::sqrt(vv.total());
    return lengths == 0 ? std::numeric_limits<double>::quiet_NaN() : uv.total() / lengths;
  }

  std::size_t pairs_;
  Shape shape_;
  std::size_t together_;  // pairs in a pass
  std::vector<double> firsts_;
  std::vector<double> seconds_;
  Buffer<T> inputs_;
};

class CorrelationKind final : public ProbeKindOf<CorrelationKind> {
 public:
  explicit CorrelationKind(Settings& settings) {
    choice_.correlation =
        settings.number("input_correlation", 0.6, between(-1, 1), "c_0 of the two inputs");
    choice_.length = settings.number("length", 1, kPositive, "mean square of an input's values");
    choice_.pairs = static_cast<std::size_t>(
        settings.integer("pairs", 8, between(1, 1e6), "pairs of inputs that the mean is over"));
  }

  std::vector<Quantity> quantities() const override {
    return {{"correlation",
             "c_l, the cosine of the pre-activations of two inputs with a given cosine."}};
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.running_net = true}; }
  std::string undefined(std::size_t /*quantity*/, const ProbedRun& run) const override {
    if (run.input.symbols > 0) return "symbols have no correlation";
    if (run.batch < 2) return "two inputs do not fit a batch of one";
    return run.input.size() < 2 ? "inputs of one value have no angle between them" : "";
  }
  double memory(const ProbedRun& run) const override {
    return Correlation<double>::memory(run, {choice_.correlation, choice_.length, choice_.pairs});
  }
  double cost(const ProbedRun& run) const override {
    return run.forward_cost(2 * static_cast<double>(choice_.pairs));
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<Correlation<T>>(
        run, typename Correlation<T>::Choice{choice_.correlation, choice_.length, choice_.pairs});
  }

 private:
  Correlation<double>::Choice choice_{};
};

}  // namespace

ProbeEntry correlation() {
  return probe_entry<CorrelationKind>({
      .summary =
          "How alike two inputs are in each layer that are alike to a given degree at first.",
      .formula = "c_l = z_l(u) . z_l(v) / (|z_l(u)| |z_l(v)|), in the mean over pairs u, v",
      .paper = "Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli, Exponential expressivity in deep "
               "neural networks through transient chaos, NIPS 2016, arXiv:1606.05340; Schoenholz, "
               "Gilmer, Ganguli & Sohl-Dickstein, ICLR 2017, arXiv:1611.01232",
  });
}

}  // namespace plumbline::probes
