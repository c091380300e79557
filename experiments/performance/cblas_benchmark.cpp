// SPDX-License-Identifier: Apache-2.0
// The training step of step_benchmark, float32, as a loop written by hand over OpenBLAS, on one
// thread.
//
// usage: cblas_benchmark [WIDTHxDEPTHxBATCH ...] [--benchmark_...]: shapes in the place of its own
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <exception>
#include <iostream>
#include <vector>

#include "experiments/performance/cblas_step.hpp"
#include "experiments/performance/training_step.hpp"

namespace plumbline {

namespace {

void measure_step(benchmark::State& state, const StepShape& shape) {
  CblasStep run(shape);
  run.step();
  for (auto _ : state) run.step();
  state.counters["steps"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  openblas_set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  std::vector<plumbline::StepShape> shapes;
  try {
    for (int i = 1; i < argc; ++i) shapes.push_back(plumbline::parse_shape(argv[i]));
  } catch (const std::exception& error) {
    std::cerr << "cblas_benchmark: " << error.what() << '\n';
    return 2;
  }
  if (shapes.empty()) {
    shapes = {{"relu", 32, 20, 128},
              {"relu", 100, 20, 128},
              {"relu", 256, 20, 128},
              {"relu", 1024, 5, 128},
              {"relu", 64, 50, 32}};
  }
  for (const plumbline::StepShape& shape : shapes) {
    benchmark::RegisterBenchmark(("cblas/float32/" + shape.name()).c_str(), plumbline::measure_step,
                                 shape)
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
