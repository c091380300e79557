// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/kernels/gemm.hpp"

namespace plumbline {

namespace {

constexpr double kProbeSeconds = 0.05;

// Floating-point operations per second of one thread in Z = X W^T of the run's largest layer.
template <typename T>
double product_rate(const RunConfiguration& run) {
  const ParameterLayout layout = parameter_layout(run.model, run.input(), run.data->outputs());
  const ParameterTensor& weight =
      *std::ranges::max_element(layout.tensors(), {}, &ParameterTensor::size);
  // Larger products are no faster, and would not fit the time of the probe.
  const std::size_t m = std::clamp<std::size_t>(run.batch, 1, 256);
  const std::size_t n = std::clamp<std::size_t>(weight.rows, 1, 1024);
  const std::size_t k = std::clamp<std::size_t>(weight.cols, 1, 1024);
  const std::vector<T> x(m * k, T(0.5));
  const std::vector<T> w(n * k, T(0.25));
  std::vector<T> z(m * n);
  const auto product = [&] {
    multiply(as_is<T>({x.data(), m, k, k}), transposed<T>({w.data(), n, k, k}),
             {z.data(), m, n, n});
  };
  // The first product pays for cold caches and memory that the system has not yet handed out.
  product();
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  double operations = 0;
  double seconds = 0;
  do {
    product();
    operations += 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
  } while (seconds < kProbeSeconds);
  return operations / seconds;
}

struct PrecisionLoad {
  const RunSpec* dearest = nullptr;
  double cost = 0;

  void add(const RunSpec& run) {
    cost += run.cost;
    if (dearest == nullptr || run.cost > dearest->cost) dearest = &run;
  }
};

double estimated_seconds(const Plan& plan, int threads) {
  PrecisionLoad single;
  PrecisionLoad twofold;
  for (const RunSpec& run : plan.runs) {
    const bool is_single = run.configuration.model.precision == Precision::float32;
    (is_single ? single : twofold).add(run);
  }
  double all = 0;
  double longest = 0;
  const auto add = [&](const PrecisionLoad& load, double (*rate)(const RunConfiguration&)) {
    if (load.dearest == nullptr) return;
    const double measured = rate(load.dearest->configuration);
    all += load.cost / measured;
    longest = std::max(longest, load.dearest->cost / measured);
  };
  add(single, product_rate<float>);
  add(twofold, product_rate<double>);
  return std::max(all / threads, longest);
}

}  // namespace

Estimate estimate(const Plan& plan, int threads, const MemoryFit& fit) {
  return {estimated_seconds(plan, threads), fit.needed(static_cast<std::size_t>(threads))};
}

}  // namespace plumbline
