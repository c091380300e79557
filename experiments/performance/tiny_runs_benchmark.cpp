// SPDX-License-Identifier: Apache-2.0
// What a sweep of 10,000 tiny runs costs beside their training: planning, and then scheduler, recorder and
// the making of the file together. Runs of 10, 100 and 1,000 updates of a net of two hidden layers, on two
// threads. `planning_seconds` is what the plan takes, `run_ms` the mean processor time of a run, and `share`
// the processor time of everything else, planning aside, over all of it; medians over the repetitions.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/performance/run_into_file.hpp"
#include "experiments/performance/text_plan.hpp"
#include "experiments/performance/turns.hpp"
#include "experiments/runner/profile/median.hpp"

namespace plumbline {

namespace {

constexpr const char* kRuns = R"(
schema = 1
name = "tiny_runs"
[data]
name = "digits"
train = 256
valid = 64
[model]
depth = 2
width = 16
activation = "relu"
initializer = "he_normal"
[optimizer]
name = "sgd"
[train]
batch = 32
[probes]
error_signal = { every = 1000000 }
gradient_norm = { every = 1000000 }
[sweep]
seeds = 10000
)";
constexpr int kThreads = 2;

void measure_share(benchmark::State& state, std::int64_t steps) {
  const Provenance provenance = gather_provenance("tiny_runs_benchmark", kThreads);
  std::vector<double> planning, run_ms, shares;
  for (auto _ : state) {
    Plan plan;
    planning.push_back(
        seconds_of([&] { plan = text_plan(kRuns, {set_to("train.steps", steps)}); }).wall);
    double of_runs = 0;
    const Seconds seconds =
        seconds_of([&] { of_runs = run_into_file(plan, provenance, kThreads); });
    run_ms.push_back(1000 * of_runs / static_cast<double>(plan.runs.size()));
    shares.push_back(1 - of_runs / seconds.processor);
    state.SetIterationTime(seconds.wall);
  }
  state.counters["planning_seconds"] = median(planning);
  state.counters["run_ms"] = median(run_ms);
  state.counters["share"] = median(shares);
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const std::int64_t steps : {10, 100, 1000}) {
    const std::string name = "runs:10000/steps:" + std::to_string(steps);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=](benchmark::State& state) { measure_share(state, steps); })
        ->Unit(benchmark::kMillisecond)
        ->UseManualTime()
        ->Iterations(3);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
