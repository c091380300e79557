// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/curvature/hessian_operator.hpp"
#include "engine/curvature/lanczos.hpp"
#include "engine/curvature/trace.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/optimizers/stability_limit.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

enum : std::size_t { kSharpness, kError, kPreconditioned, kLimit, kTrace, kTraceError };

struct SharpnessSettings {
  std::size_t count = 1;
  std::size_t iterations = 60;
  double tolerance = 1e-4;
  std::size_t examples = 0;
  std::size_t trace_samples = 0;
};

// The largest eigenvalues of the Hessian H of the mean loss in all parameters, by Lanczos on exact products
// H v, in double at the parameters of the net. The loss is that of the examples alone: what an optimizer
// adds for itself, as decay of weights, is not in it. Of the batch at hand, or of the first examples of the
// training set, a batch at a time.
//
// Beside them is the limit up to which the update rule is stable on a quadratic loss, 2/lr of gradient
// descent, which is about the eigenvalues of P^(-1/2) H P^(-1/2), P what the rule divides by in the step to
// come (optimizers/stability_limit.hpp). Where gradients are of all examples, training typically brings the
// largest of them there and keeps it there: Cohen et al. 2021; with P: Cohen et al. 2022. With smaller
// batches it tends to stay below, and the Hessian of one batch is not that of all.
//
// The trace is Hutchinson's estimate over random signs. All random vectors are functions of the run's seed,
// the same at each step. A product is 1.8 gradients; where the examples are more than a batch, 2.8. Until
// `tolerance` some 10 to 50 products for each of the two searches, and `trace_samples` for the trace.
template <typename T>
class Sharpness final : public Probe<T> {
 public:
  // The run has the loss, and outlives its probes.
  Sharpness(const ProbedRun& run, const SharpnessSettings& settings)
      : settings_(settings),
        hessian_(run.model, run.input, run.outputs, run.batch,
                 std::shared_ptr<const Loss>(std::shared_ptr<void>(), &run.loss)) {}

  void running_net(const Snapshot<T>& at, const RunningNet<T>& net,
                   const Readings& values) override {
    const SymmetricOperator hessian = hessian_of(at, net);
    const LargestEigenvalues found = largest(hessian, at);
    std::ranges::copy(found.values, values[kSharpness].begin());
    std::ranges::copy(found.error_bounds, values[kError].begin());
    if (const auto* rule = dynamic_cast<const HasStabilityLimit<T>*>(at.optimizer)) {
      const StabilityLimit limit = rule->stability_limit(
          at.gradient, {.step = at.step + 1, .schedule_factor = at.schedule_factor});
      values[kLimit][0] = limit.sharpness;
      const std::vector<double>& p = limit.preconditioner;
      if (p.empty()) {
        std::ranges::copy(found.values, values[kPreconditioned].begin());
      } else if (std::ranges::all_of(p, [](double x) { return x > 0 && std::isfinite(x); })) {
        std::ranges::copy(largest(preconditioned(hessian, p), at).values,
                          values[kPreconditioned].begin());
      }
    }
    if (settings_.trace_samples == 0) return;
    const TraceEstimate trace =
        hutchinson_trace(hessian, hessian_.size(), settings_.trace_samples, at.pass.seed);
    values[kTrace][0] = trace.value;
    values[kTraceError][0] = trace.standard_error;
  }

 private:
  LargestEigenvalues largest(const SymmetricOperator& a, const Snapshot<T>& at) const {
    return largest_eigenvalues(a, hessian_.size(),
                               {.count = settings_.count,
                                .iterations = settings_.iterations,
                                .tolerance = settings_.tolerance,
                                .seed = at.pass.seed});
  }

  // What it returns looks at `at` and `net`.
  SymmetricOperator hessian_of(const Snapshot<T>& at, const RunningNet<T>& net) {
    const std::size_t examples = net.examples.size();  // none: the batch at hand
    const std::size_t together = net.network.batch();
    if (examples == 0) {
      hessian_.move_to(at.parameters, at.inputs, at.targets);
      return hessian_.product();
    }
    const auto move_to = [this, &at, &net](std::size_t first, std::size_t count) {
      const MatrixView<const T> inputs = net.examples.inputs(first, count);
      hessian_.move_to(at.parameters, inputs, net.examples.targets());
    };
    if (examples <= together) {
      move_to(0, examples);
      return hessian_.product();
    }
    // H v = sum over the batches of their share of the examples times H_batch v.
    return [=, this](std::span<const double> v, std::span<double> product) {
      std::vector<double> part(v.size());
      std::ranges::fill(product, 0.0);
      for (std::size_t first = 0; first < examples; first += together) {
        const std::size_t count = std::min(together, examples - first);
        move_to(first, count);
        hessian_.product()(v, part);
        const double share = static_cast<double>(count) / static_cast<double>(examples);
        for (std::size_t i = 0; i < part.size(); ++i) product[i] += share * part[i];
      }
    };
  }

  SharpnessSettings settings_;
  HessianOperator hessian_;
};

class SharpnessKind final : public ProbeKindOf<SharpnessKind> {
 public:
  explicit SharpnessKind(Settings& settings) {
    const auto count = [&](const char* name, std::size_t value, const auto& bounds,
                           const char* meaning) {
      return static_cast<std::size_t>(
          settings.integer(name, static_cast<std::int64_t>(value), bounds, meaning));
    };
    settings_.count = count("count", settings_.count, between(1, 100), "how many eigenvalues");
    settings_.iterations =
        count("iterations", settings_.iterations, between(1, 10000),
              "most products with the Hessian for them, and vectors that are kept");
    settings_.tolerance = settings.number(
        "tolerance", settings_.tolerance, between(0, 1),
        "ends the search where all error bounds are below this share of the largest eigenvalue");
    settings_.examples = count("examples", settings_.examples, between(0, 1e9),
                               "how many, from the first of the training set on; 0: the batch");
    settings_.trace_samples = count("trace_samples", settings_.trace_samples, between(0, 1e6),
                                    "products for the trace of the Hessian; 0: no trace");
  }

  std::vector<Quantity> quantities() const override {
    std::vector<Quantity> all = {
        {"sharpness", "The largest eigenvalues of the Hessian of the loss, falling.", "1",
         QuantityAxis::index, settings_.count},
        {"sharpness_error", "An eigenvalue is at most this far from sharpness.", "1",
         QuantityAxis::index, settings_.count},
        {"preconditioned_sharpness",
         "The largest eigenvalues of P^(-1/2) H P^(-1/2), P what the update rule divides by; those "
         "of H where it does not.",
         "1", QuantityAxis::index, settings_.count},
        {"stability_limit",
         "Up to which preconditioned_sharpness the update rule is stable: 2/lr of gradient "
         "descent.",
         "1", QuantityAxis::none}};
    if (settings_.trace_samples > 0) {
      all.push_back({"hessian_trace", "The trace of the Hessian of the loss, as Hutchinson's mean.",
                     "1", QuantityAxis::none});
      all.push_back(
          {"hessian_trace_error", "Standard error of hessian_trace.", "1", QuantityAxis::none});
    }
    return all;
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override {
    return {.running_net = true, .examples = settings_.examples};
  }
  std::string undefined(std::size_t quantity, const ProbedRun& run) const override {
    std::string problem = hessian_problem(run.model, run.input, run.outputs);
    if (!problem.empty()) return problem;
    const bool of_rule = quantity == kPreconditioned || quantity == kLimit;
    if (of_rule && !run.has_stability_limit) {
      return "the stability limit of this optimizer is not known";
    }
    return quantity == kTraceError && settings_.trace_samples == 1
               ? "one sample does not say how samples differ"
               : "";
  }
  // A net with what products need beside it, Lanczos' vectors, and some blocks more.
  double memory(const ProbedRun& run) const override {
    constexpr double kOverPasses = 3;
    constexpr double kMoreBlocks = 10;
    const double kept = run.model.layers(run.outputs).kept_values(run.input);
    const std::size_t inputs = run.input.steps * padded_stride<double>(run.input.values());
    const auto parameters = static_cast<double>(run.layout.size());
    const double vectors = std::min(static_cast<double>(settings_.iterations), parameters);
    return 8 * (static_cast<double>(run.batch) *
                    (kOverPasses * kept + static_cast<double>(inputs + run.outputs)) +
                (vectors + kMoreBlocks) * parameters);
  }
  // Products in double for each search and for the trace, and before each product two passes of two looks at all
  // of Lanczos' vectors. How many products a search takes to its tolerance is not known before: most nets need
  // between a fifth and two thirds of what it may take.
  double cost(const ProbedRun& run) const override {
    constexpr double kExpected = 0.4;
    const auto batch = static_cast<double>(run.batch);
    const auto examples = static_cast<double>(std::min(settings_.examples, run.train_examples));
    const double gradients = examples > batch ? 2.8 : 1.8;
    const double product = run.double_cost() * gradients *
                           run.gradient_cost(settings_.examples > 0 ? examples : batch);
    const auto parameters = static_cast<double>(run.layout.size());
    const double most = std::min(static_cast<double>(settings_.iterations), parameters);
    const double products = settings_.tolerance > 0 ? std::max(1.0, kExpected * most) : most;
    // Vectors that no cache holds come from memory each time.
    constexpr double kCache = 1e8;
    const double slower = 8 * products * parameters > kCache ? 6 : 1;
    const double looks = 2 * products * products * ProbedRun::look_cost(parameters) * slower;
    return (run.has_preconditioner ? 2 : 1) * (products * product + looks) +
           static_cast<double>(settings_.trace_samples) * product;
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<Sharpness<T>>(run, settings_);
  }

 private:
  SharpnessSettings settings_;
};

}  // namespace

ProbeEntry sharpness() {
  return probe_entry<SharpnessKind>({
      .summary =
          "The largest eigenvalues of the Hessian of the loss, and the limit up to which the "
          "optimizer is stable.",
      .formula =
          "eigenvalues of H = d^2 L/dw^2, and of P^(-1/2) H P^(-1/2), by Lanczos; limit 2/lr "
          "(sgd), 2 (1 + mu)/lr (momentum); mean of v . H v over random signs v",
      .paper =
          "Cohen, Kaur, Li, Kolter & Talwalkar, Gradient descent on neural networks typically "
          "occurs at the edge of stability, ICLR 2021, arXiv:2103.00065; preconditioned: Cohen "
          "et al., Adaptive gradient methods at the edge of stability, 2022, arXiv:2207.14484; "
          "products: Pearlmutter, Neural Computation 6, 1994",
  });
}

}  // namespace plumbline::probes
