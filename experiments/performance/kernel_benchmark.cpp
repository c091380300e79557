// SPDX-License-Identifier: Apache-2.0
// What a training step does beside its products, on one thread: activations, column sums (the gradient
// of a bias), norms (what probes take), the search for numbers that are not finite, Adam's update, and
// gathering a batch. The bytes are those that must be read and written at least once.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/random.hpp"
#include "engine/core/tensor.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/training/batches.hpp"
#include "experiments/performance/training_step.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kBatch = 128;

/// A layer's buffer with normal numbers, padding included.
template <typename T>
class LayerBuffer {
 public:
  explicit LayerBuffer(std::size_t width)
      : width_(width), values_(typename Matrix<T>::shape_type{kBatch, padded_stride<T>(width)}) {
    Random random(1, RandomStream::data, 0);
    for (T& value : values_) value = static_cast<T>(random.normal());
  }
  MatrixView<T> view() { return {values_.data(), kBatch, width_, values_.shape()[1]}; }

 private:
  std::size_t width_;
  Matrix<T> values_;
};

/// Counts `elements` an iteration, each of `touched` numbers of type T.
template <typename T>
void count(benchmark::State& state, std::size_t elements, std::size_t touched) {
  const auto total = static_cast<std::int64_t>(elements) * state.iterations();
  state.SetItemsProcessed(total);
  state.SetBytesProcessed(total * static_cast<std::int64_t>(touched * sizeof(T)));
}

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_default(activation_catalogue(), name,
                      [](const ActivationEntry& entry, Settings& own) { return entry.make(own); });
}

// a = phi(z).
template <typename T>
void measure_activation(benchmark::State& state, const std::string& name, std::size_t width) {
  const auto phi = activation(name);
  LayerBuffer<T> z(width), a(width);
  for (auto _ : state) {
    phi->forward(z.view(), std::span<const T>(), a.view());
    benchmark::ClobberMemory();
  }
  count<T>(state, kBatch * width, 2);
}

// delta = upstream phi'(z). Not in place, as in the layer: numbers that shrink at every call would soon
// be subnormal.
template <typename T>
void measure_slope(benchmark::State& state, const std::string& name, std::size_t width) {
  const auto phi = activation(name);
  LayerBuffer<T> z(width), a(width), upstream(width), delta(width);
  phi->forward(z.view(), std::span<const T>(), a.view());
  for (auto _ : state) {
    phi->backward(z.view(), a.view(), std::span<const T>(), upstream.view(), delta.view(),
                  std::span<T>());
    benchmark::ClobberMemory();
  }
  count<T>(state, kBatch * width, 4);
}

template <typename T>
void measure_column_sums(benchmark::State& state, std::size_t width) {
  LayerBuffer<T> delta(width);
  std::vector<T> sums(width);
  for (auto _ : state) {
    column_sums(delta.view(), T(1) / T(kBatch), std::span<T>(sums));
    benchmark::ClobberMemory();
  }
  count<T>(state, kBatch * width, 1);
}

template <typename T>
void measure_norm(benchmark::State& state, std::size_t width) {
  LayerBuffer<T> delta(width);
  for (auto _ : state) benchmark::DoNotOptimize(norm(delta.view()));
  count<T>(state, kBatch * width, 1);
}

template <typename T>
void measure_all_finite(benchmark::State& state, std::size_t width) {
  const std::vector<T> gradient(width * width, T(1));
  for (auto _ : state) benchmark::DoNotOptimize(all_finite(std::span<const T>(gradient)));
  count<T>(state, gradient.size(), 1);
}

// Of all parameters of a net 784-W^L-10; the gradient stays as it is.
template <typename T>
void measure_adam(benchmark::State& state, const StepShape& shape) {
  const ParameterLayout layout =
      parameter_layout(model_settings(shape), StepShape::kFeatures, StepShape::kOutputs);
  const auto adam = make_default(
      optimizer_catalogue(), "adam",
      [&](const OptimizerEntry& entry, Settings& own) { return entry.make<T>(own, layout); });
  std::vector<T> parameters(layout.size(), T(1));
  std::vector<T> gradient(layout.size());
  Random random(1, RandomStream::data, 0);
  for (T& g : gradient) g = static_cast<T>(random.normal());
  std::int64_t step = 0;
  for (auto _ : state) {
    adam->step(parameters, gradient, {++step, 1.0});
    benchmark::ClobberMemory();
  }
  count<T>(state, layout.size(), 7);
}

// The batches of an epoch over 10,000 examples, in its order.
template <typename T>
void measure_gather(benchmark::State& state) {
  constexpr std::size_t kExamples = 10'000;
  Dataset data{.features = StepShape::kFeatures, .outputs = StepShape::kOutputs};
  data.train.inputs =
      Matrix<float>(Matrix<float>::shape_type{kExamples, StepShape::kFeatures}, 1.0f);
  data.train.labels.resize(kExamples);
  BatchOrder order(kExamples, kBatch, 1);
  GatheredBatch<T> batch(data, kBatch);
  constexpr std::int64_t kBatches = kExamples / kBatch;
  std::int64_t step = 0;
  for (auto _ : state) {
    const auto examples = order.at(step++ % kBatches);
    batch.gather(data.train, kBatch, [&](std::size_t row) { return examples[row]; });
    benchmark::ClobberMemory();
  }
  const std::int64_t total = state.iterations() * static_cast<std::int64_t>(kBatch * data.features);
  state.SetItemsProcessed(total);
  state.SetBytesProcessed(total * static_cast<std::int64_t>(sizeof(float) + sizeof(T)));
}

template <typename T>
void add_benchmarks(const std::string& precision) {
  const auto add = [&](const std::string& name, const std::string& size, auto function,
                       auto... arguments) {
    const std::string whole = name + '/' + precision + '/' + size;
    benchmark::RegisterBenchmark(whole.c_str(), function, arguments...)
        ->Unit(benchmark::kMicrosecond);
  };
  for (const std::size_t width : {std::size_t{100}, std::size_t{1024}}) {
    const std::string size = "width:" + std::to_string(width) + "/batch:" + std::to_string(kBatch);
    for (const std::string name : {"relu", "tanh", "sigmoid", "gelu"}) {
      add("activation/" + name + "/forward", size, measure_activation<T>, name, width);
      add("activation/" + name + "/backward", size, measure_slope<T>, name, width);
    }
    add("column_sums", size, measure_column_sums<T>, width);
    add("norm", size, measure_norm<T>, width);
    add("all_finite", "width:" + std::to_string(width), measure_all_finite<T>, width);
  }
  for (const StepShape& shape :
       {StepShape{"relu", 32, 20, kBatch}, StepShape{"relu", 100, 20, kBatch},
        StepShape{"relu", 1024, 5, kBatch}}) {
    add("adam", "width:" + std::to_string(shape.width) + "/depth:" + std::to_string(shape.depth),
        measure_adam<T>, shape);
  }
  add("gather", "features:784/batch:" + std::to_string(kBatch), measure_gather<T>);
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  plumbline::add_benchmarks<float>("float32");
  plumbline::add_benchmarks<double>("float64");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
