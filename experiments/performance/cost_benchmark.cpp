// SPDX-License-Identifier: Apache-2.0
// How the cost of a whole run grows with depth, batch and examples, on one thread: training, probes and
// recording at every step, evaluation now and then, as train() does them. The net is W-W^L-10, so that
// every layer but the last costs the same, and arithmetic outweighs the bytes, whose cost grows by steps
// where a net outgrows a cache; what does not grow with the examples of a batch, as the
// optimizer and the gradient's norm, is in the time. The exponent is the slope of log time over log
// size (scripts/update_performance).
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/training/trainer.hpp"
#include "experiments/performance/text_plan.hpp"

namespace plumbline {

namespace {

constexpr const char* kRun = R"(
schema = 1
name = "cost"
[data]
name = "gaussian_mixture"
features = 256
classes = 10
separation = 0.2
train = 2048
valid = 0
[model]
depth = 16
width = 256
activation = "relu"
initializer = "he_uniform"
[optimizer]
name = "adam"
[train]
batch = 512
epochs = 4
evaluate = { every = 5 }
[probes]
error_signal = { every = 1 }
gradient_norm = { every = 1 }
)";

void measure_run(benchmark::State& state, const Plan& plan) {
  const RunConfiguration& run = plan.runs.front().configuration;
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  for (auto _ : state) {
    if (train(run, data, stop).value().status != RunStatus::complete) {
      throw std::runtime_error("the run did not end well");
    }
  }
  state.counters["steps"] = static_cast<double>(run.steps);
}

void add_benchmark(const std::string& series, std::int64_t size,
                   const std::vector<std::string>& overrides) {
  benchmark::RegisterBenchmark(
      ("cost/" + series + ':' + std::to_string(size)).c_str(),
      [plan = text_plan(kRun, overrides)](benchmark::State& state) { measure_run(state, plan); })
      ->Unit(benchmark::kMillisecond);
}

void add_benchmarks() {
  for (const std::int64_t depth : {8, 16, 32, 64}) {
    add_benchmark("depth", depth, {set_to("model.depth", depth)});
  }
  // The same number of steps at each size of the batch, and evaluations that grow with it.
  for (const std::int64_t batch : {512, 1024, 2048, 4096}) {
    add_benchmark("batch", batch, {set_to("train.batch", batch), set_to("data.train", 2 * batch)});
  }
  for (const std::int64_t examples : {4096, 8192, 16384, 32768}) {
    add_benchmark("examples", examples,
                  {set_to("data.train", examples), "train.epochs=2", "train.evaluate.every=0"});
  }
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
