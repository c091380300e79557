// SPDX-License-Identifier: Apache-2.0
// What measuring costs: a run that probes or records at every step, in turns with the same run that
// does so before the first step and after the last alone; and what checkpoints cost, in turns with the
// same run without. Both as `plumbline run` computes them, segment, file and the recorder's thread
// included. `on_top` is the time of the one over that of the other, less 1, the
// median over the turns; `processor_on_top` the same in processor time of all threads.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/probes/probe.hpp"
#include "experiments/performance/text_plan.hpp"
#include "experiments/performance/turns.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/sweep_store.hpp"
#include "experiments/runner/sweep/checkpoint_files.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

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
class ReadyProbe final : public Probe {
 public:
  void measure(const Snapshot<float>& /*snapshot*/, std::span<double> layers) const override {
    std::iota(layers.begin(), layers.end(), 1.0);
  }
  void measure(const Snapshot<double>& /*snapshot*/, std::span<double> layers) const override {
    std::iota(layers.begin(), layers.end(), 1.0);
  }
};

Plan with_every_probe(Plan plan) {
  for (const ProbeEntry& entry : probe_catalogue().entries()) {
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
        {&entry, std::make_shared<ReadyProbe>(), every_step()});
  }
  return plan;
}

/// A file of its own in the folder for temporary files, which goes with it.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = std::filesystem::temp_directory_path() / "plumbline_recorder_XXXXXX";
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error(name + ": cannot make the folder");
    folder_ = name;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::filesystem::path path() const { return folder_ / "run.h5"; }

 private:
  std::filesystem::path folder_;
};

Plan with_checkpoints(Plan plan, std::int64_t every) {
  plan.runs.front().configuration.checkpoint_every = every;
  return plan;
}

void run_into_file(const Plan& plan, const Provenance& provenance) {
  const TemporaryFile file;
  SweepStore store(file.path(), plan.definition, provenance, false, std::cerr);
  CheckpointFiles checkpoints(store.paths().checkpoints);
  std::atomic<bool> stop{false};
  schedule(
      plan, {0}, {}, 1, stop,
      [&](std::size_t index, RunRecord&& record) {
        if (record.status != RunStatus::complete) throw std::runtime_error(record.message);
        store.append(plan.runs[index].run_id, std::move(record));
      },
      [&](const RunConfiguration& run, const Dataset& data, const std::atomic<bool>& stopped) {
        return checkpoints.train(run, data, stopped,
                                 [](const std::string& line) { throw std::runtime_error(line); });
      });
  store.publish(plan);
}

void measure_on_top(benchmark::State& state, const Plan& with, const Plan& without) {
  const Provenance provenance = gather_provenance("recorder_benchmark", 1);
  run_into_file(without, provenance);
  Turns turns;
  for (auto _ : state) {
    const Seconds seconds = turns.take([&] { run_into_file(with, provenance); },
                                       [&] { run_into_file(without, provenance); });
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
    statistics[i].units = "1";
  }
  for (const RunShape& shape :
       {RunShape{100, 20, 128, 200}, RunShape{256, 20, 128, 50}, RunShape{1024, 5, 128, 12}}) {
    const Plan without = plan_of(shape);
    add_benchmark("probes/" + shape.name(), with_every_probe(without), without);
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
