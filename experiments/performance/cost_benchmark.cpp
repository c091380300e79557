// SPDX-License-Identifier: Apache-2.0
// How the cost of a whole run grows with depth, batch and examples: training, probes and recording at
// every step, evaluation every ten steps, on one thread, as train() does them, without the file. The net is W-W^L-10, so
// that every layer but the last costs the same; what does not grow with the examples of a batch, as the
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
features = 128
classes = 10
separation = 0.2
train = 1024
valid = 0
[model]
depth = 16
width = 128
activation = "relu"
initializer = "he_uniform"
[optimizer]
name = "adam"
[train]
batch = 128
epochs = 4
evaluate = { every = 10 }
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

/// One benchmark for each value of `key`; the last of its words names the series.
void add_series(const std::string& series, const std::string& key,
                const std::vector<std::int64_t>& values,
                const std::vector<std::string>& overrides = {}) {
  for (const std::int64_t value : values) {
    std::vector<std::string> all = overrides;
    all.push_back(set_to(key, value));
    benchmark::RegisterBenchmark(
        ("cost/" + series + ':' + std::to_string(value)).c_str(),
        [plan = text_plan(kRun, all)](benchmark::State& state) { measure_run(state, plan); })
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_series("depth", "model.depth", {8, 16, 32, 64});
  // The same steps and the same evaluation at each size of the batch: what grows is the cost of a step.
  add_series("batch", "train.batch", {128, 256, 512, 1024},
             {"train.epochs=0", "train.steps=64", "train.evaluate.every=0"});
  add_series("examples", "data.train", {1024, 2048, 4096, 8192},
             {"train.evaluate.every=0", "train.epochs=2"});
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
