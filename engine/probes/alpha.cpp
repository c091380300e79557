// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/individual_gradients.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A mean over the batch, with the variance of single examples.
struct Observed {
  double mean = 0;
  double variance = 0;
};

// From the first one, so that equal values have no variance.
Observed observed(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const auto beyond = [&](std::size_t i) { return values[i] - values[0]; };
  const double mean = sum_of(values.size(), beyond) / n;
  const double squares =
      sum_of(values.size(), [&](std::size_t i) { return (beyond(i) - mean) * (beyond(i) - mean); });
  return {values[0] + mean, squares / (n - 1)};
}

// At one end of an update d: the loss of the batch and its slope along d.
struct End {
  Observed loss;
  Observed slope;
};

// The quadratic q(s) on 0 <= s <= 1 along the update that is likeliest for losses f_0, f_1 and slopes f'_0,
// f'_1 with independent normal errors of the observed variances v; alpha = -q'(1) / q'(0). A quadratic has
//   q(1) - q(0) = (q'(0) + q'(1)) / 2,
// which is the one condition on four observations, so weighted least squares spread
//   r = f_1 - f_0 - (f'_0 + f'_1) / 2
// over them by their variances:
//   q'(0) = f'_0 + v(f'_0) r / (2 V),  q'(1) = f'_1 + v(f'_1) r / (2 V),
//   V = v(f_0) + v(f_1) + (v(f'_0) + v(f'_1)) / 4.
// That is Cockpit's (Phi Lambda^-1 Phi^T)^-1 Phi Lambda^-1 y without inverses, so that single variances may
// be 0.
double alpha_of(const End& start, const End& end) {
  const double slopes = start.slope.variance + end.slope.variance;
  const double variance = start.loss.variance + end.loss.variance + slopes / 4;
  const double rest = end.loss.mean - start.loss.mean - (start.slope.mean + end.slope.mean) / 2;
  const double share = rest / (2 * variance);
  const double first = start.slope.mean + start.slope.variance * share;
  const double last = end.slope.mean + end.slope.variance * share;
  if (last < first) return end.loss.mean > start.loss.mean ? kNaN : -1;
  return first == 0 ? kNaN : -last / first;
}

// Where an update, of any rule, has gone on the way down that it took, seen as a parabola: -1 where it stood
// before, 0 the minimum, 1 on the other slope at the height where it began, more than 1 above that. It is -1
// too where the parabola opens downward and the loss did go down, since it is still going down, and where nothing
// moved; below -1 where the update began uphill. NaN where the parabola opens downward though the loss rose, as
// behind a jump that no parabola follows; at the last step; where no two examples differ in anything; and where
// the slope at the start is 0. The batch and its noise are the same at both ends. Runs the net over it before and after
// the update, with a product a layer more each time (individual_gradients.hpp), and keeps two blocks.
template <typename T>
class Alpha final : public Probe<T> {
 public:
  explicit Alpha(const ProbedRun& run)
      : gradients_(individual_gradients<T>(run)),
        direction_(run.layout.size()),
        losses_(run.batch),
        slopes_(run.batch) {}

  static constexpr ProbeCalls kCalls{.after_update = true};
  static std::vector<Quantity> quantities() {
    return {{"alpha",
             "Size of the update on the parabola through the losses and slopes at its ends: -1 did "
             "not move, 0 at the minimum, 1 as high on the other side.",
             "1", QuantityAxis::none}};
  }
  static std::string undefined(const ProbedRun& run) {
    return problem_of_individual_gradients(run);
  }
  static double memory(const ProbedRun& run) {
    return memory_of_individual_gradients(run, {.projections = true, .runs = true}) +
           run.block_bytes() + static_cast<double>(2 * sizeof(double) * run.batch);
  }
  static double cost(const ProbedRun& run) {
    return 2 * cost_of_individual_gradients(run, {.projections = true, .runs = true});
  }

  void after_update(const Update<T>& update, const RunningNet<T>& net,
                    const Readings& values) override {
    std::ranges::transform(update.after, update.before, direction_.begin(),
                           [](T after, T before) { return after - before; });
    const bool moved = std::ranges::any_of(direction_, [](T value) { return value != 0; });
    values[0][0] =
        moved ? alpha_of(end(update, net, update.before), end(update, net, update.after)) : -1;
  }

 private:
  End end(const Update<T>& update, const RunningNet<T>& net, std::span<const T> parameters) {
    gradients_->run({.network = net.network,
                     .parameters = parameters,
                     .gradient = update.gradient,
                     .rows = update.rows,
                     .step = update.step,
                     .inputs = update.inputs,
                     .targets = update.targets,
                     .pass = update.pass},
                    net.network, losses_, {.projections = slopes_, .direction = direction_});
    return {observed(losses_), observed(slopes_)};
  }

  std::unique_ptr<IndividualGradients<T>> gradients_;
  std::vector<T> direction_;
  std::vector<double> losses_;
  std::vector<double> slopes_;
};

}  // namespace

ProbeEntry alpha() {
  return simple_probe<Alpha>({
      .summary = "How far an update went down the parabola along it: -1 not at all, 0 to the "
                 "minimum, 1 as high on the other side; NaN at the last step, and where the loss "
                 "rises though its slope falls.",
      .formula = "-q'(1) / q'(0), q the likeliest quadratic for losses and slopes along the update "
                 "at its ends, with the variances that they have over the batch",
      .paper =
          "Schneider, Dangel & Hennig, Cockpit: a practical debugging tool for the training of "
          "deep neural networks, NeurIPS 2021, arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
