// SPDX-License-Identifier: Apache-2.0
// What each probe costs: runs of 20 hidden layers, of width 100 and 512, with a batch of 128, in which the
// probe measures at every step; one that says nothing of dense nets is measured on an LSTM over 20 steps of
// the same width. `us` is the processor time of the run's thread in one measurement, as results files have
// it in probe_seconds, and `share` that over the time of a training step without it.
#include <benchmark/benchmark.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/probes/probe.hpp"
#include "engine/training/trainer.hpp"
#include "experiments/performance/text_plan.hpp"

namespace plumbline {

namespace {

constexpr const char* kDense = R"(
schema = 1
name = "probed_run"
[data]
name = "gaussian_mixture"
features = 784
classes = 10
separation = 0.05
train = 1024
valid = 0
[model]
depth = 20
activation = "tanh"
initializer = "glorot_uniform"
[optimizer]
name = "adam"
lr = 1e-5
[train]
batch = 128
)";

constexpr const char* kRecurrent = R"(
schema = 1
name = "probed_run"
[data]
name = "adding_problem"
steps = 20
train = 1024
valid = 0
[model]
kind = "lstm"
[loss]
name = "mean_squared_error"
[optimizer]
name = "adam"
lr = 1e-5
[train]
batch = 128
)";

Plan plan_of(const ProbeEntry& entry, int width, int steps) {
  const std::vector<std::string> overrides = {"model.width=" + std::to_string(width),
                                              "train.steps=" + std::to_string(steps),
                                              "probes." + entry.info.name + ".every=1"};
  try {
    return text_plan(kDense, overrides);
  } catch (const DefinitionError&) {
    // A probe that says nothing of any run is a mistake of the definition.
    return text_plan(kRecurrent, overrides);
  }
}

void measure(benchmark::State& state, const Plan& plan) {
  const RunConfiguration& run = plan.runs.front().configuration;
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  double probe_seconds = 0;
  double step_seconds = 0;
  double steps = 0;
  for (auto _ : state) {
    const RunRecord record = train(run, data, stop).value();
    if (record.status != RunStatus::complete) throw std::runtime_error(record.message);
    probe_seconds += record.probe_seconds.front().second;
    step_seconds += record.cpu_seconds;
    steps += static_cast<double>(record.steps.size());
  }
  state.counters["us"] = 1e6 * probe_seconds / steps;
  state.counters["share"] = probe_seconds / step_seconds;
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const ProbeEntry& entry : probe_catalogue().entries()) {
    for (const auto& [width, steps] : {std::pair{100, 40}, std::pair{512, 10}}) {
      const std::string name = entry.info.name + "/width:" + std::to_string(width) + "/depth:20";
      benchmark::RegisterBenchmark(name.c_str(), [plan = plan_of(entry, width, steps)](
                                                     benchmark::State& state) {
        measure(state, plan);
      })->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
