// SPDX-License-Identifier: Apache-2.0
// What measuring costs: a run that probes or records at every step, in turns with the same run that
// does so before the first step and after the last alone; and what checkpoints cost, in turns with the
// same run without. Both as `plumbline run` computes them, segment, file and the recorder's thread
// included. `on_top` is the time of the one over that of the other, less 1, the
// median over the turns; `processor_on_top` the same in processor time of all threads.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/probes/probe.hpp"
#include "experiments/performance/run_into_file.hpp"
#include "experiments/performance/text_plan.hpp"
#include "experiments/performance/turns.hpp"
#include "experiments/runner/results/provenance.hpp"

namespace plumbline {

namespace {

constexpr const char* kRun = R"(
schema = 1
name = "recorded_run"
[data]
name = "gaussian_mixture"
features = 784
classes = 10
separation = 0.05
train = 512
valid = 0
[model]
activation = "tanh"
initializer = "glorot_uniform"
[optimizer]
name = "adam"
lr = 1e-5
)";

struct RunShape {
  int width = 0;
  int depth = 0;
  int batch = 0;
  int steps = 0;

  std::string name() const {
    return "width:" + std::to_string(width) + "/depth:" + std::to_string(depth) +
           "/batch:" + std::to_string(batch);
  }
};

Plan plan_of(const RunShape& shape) {
  return text_plan(kRun, {set_to("model.width", shape.width), set_to("model.depth", shape.depth),
                          set_to("train.batch", shape.batch), set_to("train.steps", shape.steps)});
}

Sampling every_step() {
  SettingsTable given;
  given.set("every", {std::int64_t{1}, {}});
  SettingsReport report;
  Settings settings(given, "sampling", report);
  return Sampling(settings);
}

/// A probe that has its values already: what is left of its cost is to record them.
template <typename T>
class ReadyProbe final : public Probe<T> {
 public:
  void before_update(const Snapshot<T>& /*at*/, const Readings& values) override {
    std::iota(values[0].begin(), values[0].end(), 1.0);
  }
};

class ReadyKind final : public ProbeKindOf<ReadyKind> {
 public:
  explicit ReadyKind(std::string name) : name_(std::move(name)) {}

  std::vector<Quantity> quantities() const override { return {{name_, "layer"}}; }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return {.before_update = true}; }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& /*run*/) const {
    return std::make_unique<ReadyProbe<T>>();
  }

 private:
  std::string name_;
};

Plan with_probes(Plan plan) {
  for (const char* name : {"error_signal", "gradient_norm"}) {
    const ProbeEntry& entry = *probe_catalogue().find(name);
    const SettingsTable nothing_given;
    SettingsReport report;
    Settings settings(nothing_given, entry.info.name, report);
    plan.runs.front().configuration.probes.push_back({&entry, entry.make(settings), every_step()});
  }
  return plan;
}

Plan with_ready_statistics(Plan plan, const std::vector<ProbeEntry>& statistics) {
  for (const ProbeEntry& entry : statistics) {
    plan.runs.front().configuration.probes.push_back(
        {&entry, std::make_shared<ReadyKind>(entry.info.name), every_step()});
  }
  return plan;
}

Plan with_checkpoints(Plan plan, std::int64_t every) {
  plan.runs.front().configuration.checkpoint_every = every;
  return plan;
}

void measure_on_top(benchmark::State& state, const Plan& with, const Plan& without) {
  const Provenance provenance = gather_provenance("recorder_benchmark", 1);
  run_into_file(without, provenance, 1);
  Turns turns;
  for (auto _ : state) {
    const Seconds seconds = turns.take([&] { run_into_file(with, provenance, 1); },
                                       [&] { run_into_file(without, provenance, 1); });
    state.SetIterationTime(seconds.wall);
  }
  state.counters["on_top"] = turns.wall_ratio() - 1;
  state.counters["processor_on_top"] = turns.processor_ratio() - 1;
}

void add_benchmark(const std::string& name, const Plan& with, const Plan& without) {
  benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { measure_on_top(state, with, without); })
      ->Unit(benchmark::kMillisecond)
      ->UseManualTime()
      ->Iterations(9);
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::vector<ProbeEntry> statistics(5);
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    statistics[i].info.name = "statistic_" + std::to_string(i + 1);
    statistics[i].info.summary = "layer";
  }
  for (const RunShape& shape :
       {RunShape{100, 20, 128, 200}, RunShape{256, 20, 128, 50}, RunShape{1024, 5, 128, 12}}) {
    const Plan without = plan_of(shape);
    add_benchmark("probes/" + shape.name(), with_probes(without), without);
  }
  for (const RunShape& shape : {RunShape{100, 99, 128, 50}, RunShape{64, 99, 32, 200}}) {
    const Plan without = plan_of(shape);
    add_benchmark("recording/layers:100/statistics:5/" + shape.name(),
                  with_ready_statistics(without, statistics), without);
  }
  const RunShape long_run{100, 20, 128, 500};
  add_benchmark("checkpoints/every:100/" + long_run.name(),
                with_checkpoints(plan_of(long_run), 100), plan_of(long_run));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
