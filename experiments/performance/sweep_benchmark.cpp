// SPDX-License-Identifier: Apache-2.0
// Whole sweeps as `plumbline run` computes them, but for the file: 64 small runs on one thread and on
// two, and one big run. Beside them the ceiling of two threads: the same runs in two streams that have
// nothing in common, each training its half one after the other. Data are loaded before the clock
// starts; drawing the weights, evaluating before and after, and all else that a run does is in the time.
//
// usage: sweep_benchmark [STEPS] [--benchmark_...]: updates of each small run, 500 at first
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/training/trainer.hpp"
#include "experiments/performance/text_plan.hpp"
#include "experiments/performance/turns.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

namespace plumbline {

namespace {

constexpr const char* kSmallRuns = R"(
schema = 1
name = "small_runs"
[data]
name = "gaussian_mixture"
features = 784
classes = 10
separation = 0.05  # hard to tell apart: no gradient becomes zero on the way
train = 640
valid = 0
[model]
depth = 10
width = 64
activation = "relu"
initializer = "he_uniform"
[optimizer]
name = "adam"
[train]
batch = 32
[sweep]
seeds = 64
)";

constexpr const char* kBigRun = R"(
schema = 1
name = "big_run"
[data]
name = "gaussian_mixture"
features = 784
classes = 10
separation = 0.05
train = 512
valid = 0
[model]
depth = 10
width = 1024
activation = "relu"
initializer = "he_uniform"
[optimizer]
name = "adam"
[train]
batch = 512
steps = 5
)";

/// Digests of the final parameters, run by run.
using Digests = std::vector<std::string>;

std::string digest_of(const RunRecord& record) {
  if (record.status != RunStatus::complete) {
    throw std::runtime_error("a run did not end well: " + record.message);
  }
  return record.digest;
}

Digests run_scheduled(const Plan& plan, int threads) {
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::atomic<bool> stop{false};
  Digests digests(plan.runs.size());
  schedule(plan, all, {}, threads, stop,
           [&](std::size_t index, RunRecord&& record) { digests[index] = digest_of(record); });
  return digests;
}

/// Two threads, each with its own copy of the data, that take turns in the plan's runs. A plan of one
/// run is trained by both.
void run_in_two_streams(const Plan& plan) {
  const std::atomic<bool> stop{false};
  std::array<std::exception_ptr, 2> errors;
  {
    std::vector<std::jthread> streams;
    for (std::size_t stream = 0; stream < 2; ++stream) {
      streams.emplace_back([&, stream] {
        try {
          const Dataset data = plan.runs.front().configuration.data->load({});
          for (std::size_t i = stream % plan.runs.size(); i < plan.runs.size(); i += 2) {
            digest_of(train(plan.runs[i].configuration, data, stop).value());
          }
        } catch (...) {
          errors[stream] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void count_run_steps(benchmark::State& state, const Plan& plan, double copies = 1) {
  double run_steps = 0;
  for (const RunSpec& run : plan.runs) {
    run_steps += static_cast<double>(run.configuration.steps) * copies;
  }
  state.counters["run-steps/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * run_steps, benchmark::Counter::kIsRate);
}

void measure_threads(benchmark::State& state, const Plan& plan, int threads) {
  for (auto _ : state) run_scheduled(plan, threads);
  count_run_steps(state, plan);
}

void measure_streams(benchmark::State& state, const Plan& plan) {
  for (auto _ : state) run_in_two_streams(plan);
  count_run_steps(state, plan, plan.runs.size() == 1 ? 2 : 1);
}

/// Two threads and two streams in turns: `of_streams` is the share of the streams' throughput that the
/// threads reach, the median over the turns. The bits must be those of one thread.
void measure_share(benchmark::State& state, const Plan& plan) {
  const Digests right = run_scheduled(plan, 1);
  Turns turns;
  Digests found;
  for (auto _ : state) {
    const Seconds threads =
        turns.take([&] { found = run_scheduled(plan, 2); }, [&] { run_in_two_streams(plan); });
    state.SetIterationTime(threads.wall);
    if (found != right) state.SkipWithError("two threads give other bits than one");
  }
  if (found != right) return;
  const double copies = plan.runs.size() == 1 ? 2 : 1;
  count_run_steps(state, plan);
  state.counters["of_streams"] = 1 / (turns.wall_ratio() * copies);
}

void add_benchmarks(const std::string& name, const Plan& plan) {
  const auto add = [&](const std::string& variant, auto function, auto... arguments) {
    return benchmark::RegisterBenchmark(
               (name + '/' + variant).c_str(),
               [=](benchmark::State& state) { function(state, plan, arguments...); })
        ->Unit(benchmark::kMillisecond);
  };
  add("threads:1", measure_threads, 1)->UseRealTime();
  add("threads:2", measure_threads, 2)->UseRealTime();
  add("streams:2", measure_streams)->UseRealTime();
  add("share", measure_share)->UseManualTime()->Iterations(3);
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  benchmark::Initialize(&argc, argv);
  try {
    if (argc > 2) throw std::invalid_argument("wants STEPS alone");
    const std::string steps = argc == 2 ? argv[1] : "500";
    add_benchmarks("sweep/runs:64/steps:" + steps, text_plan(kSmallRuns, {"train.steps=" + steps}));
    add_benchmarks("big_run/width:1024/depth:10/batch:512", text_plan(kBigRun, {}));
  } catch (const std::exception& error) {
    std::cerr << "sweep_benchmark: " << error.what() << '\n';
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
