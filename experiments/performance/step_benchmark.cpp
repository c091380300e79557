// SPDX-License-Identifier: Apache-2.0
// One training step of nets 784-W^L-10 on one thread, or of nets of other kinds (training_step.hpp).
//
// usage: step_benchmark [[KIND:]WIDTHxDEPTHxBATCH ...] [--benchmark_...]: shapes in the place of its own
#include <benchmark/benchmark.h>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "experiments/performance/training_step.hpp"

namespace plumbline {

namespace {

template <typename T>
void measure_step(benchmark::State& state, const StepShape& shape) {
  TrainingStep<T> run(shape);
  run.step();  // the first step allocates
  for (auto _ : state) run.step();
  const auto steps = static_cast<double>(state.iterations());
  state.counters["steps"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
  if (!shape.is_mlp()) return;
  state.counters["GFLOP/s"] =
      benchmark::Counter(steps * run.operations() * 1e-9, benchmark::Counter::kIsRate);
}

std::vector<StepShape> usual_shapes() {
  std::vector<StepShape> shapes;
  for (const std::string activation : {"relu", "tanh"}) {
    for (const std::int64_t width : {32, 100, 256, 1024}) {
      for (const std::int64_t depth : {5, 20}) shapes.push_back({activation, width, depth, 128});
    }
    shapes.push_back({activation, 64, 50, 32});
  }
  return shapes;
}

template <typename T>
void add_benchmarks(const std::string& precision, const std::vector<StepShape>& shapes) {
  for (const StepShape& shape : shapes) {
    benchmark::RegisterBenchmark(("step/" + precision + '/' + shape.name()).c_str(),
                                 measure_step<T>, shape)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<plumbline::StepShape> shapes;
  try {
    for (int i = 1; i < argc; ++i) shapes.push_back(plumbline::parse_shape(argv[i]));
  } catch (const std::exception& error) {
    std::cerr << "step_benchmark: " << error.what() << '\n';
    return 2;
  }
  if (shapes.empty()) shapes = plumbline::usual_shapes();
  plumbline::add_benchmarks<float>("float32", shapes);
  plumbline::add_benchmarks<double>("float64", shapes);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
