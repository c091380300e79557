// SPDX-License-Identifier: Apache-2.0
// One training step, forward + loss + backward + search for divergence + Adam, of a net 784-W^L-10
// under cross-entropy, on one thread and one fixed random batch. As the trainer takes it, but for
// gathering the batch and for what is measured at some steps only.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/random.hpp"
#include "engine/core/settings.hpp"
#include "engine/core/tensor.hpp"
#include "engine/layers/dense.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/training/divergence.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kFeatures = 784;
constexpr std::size_t kOutputs = 10;
constexpr std::size_t kBatch = 128;
constexpr std::int64_t kSeed = 1;

struct Shape {
  std::string activation;
  std::int64_t width = 0;
  std::int64_t depth = 0;
};

/// The model of `shape` with its settings read as from a definition.
ModelSettings model_settings(const Shape& shape) {
  SettingsTable given;
  given.set("activation", {shape.activation, {}});
  given.set("initializer", {std::string("he_uniform"), {}});
  given.set("width", {shape.width, {}});
  given.set("depth", {shape.depth, {}});
  SettingsReport report;
  Settings settings(given, "model", report);
  ModelSettings model = ModelSettings::read(settings);
  if (!report.problems.empty()) throw std::invalid_argument(report.problems.front().message);
  return model;
}

/// A plug-in with its default settings, made by `construct(entry, settings)`.
template <class Entry, class Construct>
auto make_default(const Catalogue<Entry>& catalogue, std::string_view name,
                  const Construct& construct) {
  const Entry* entry = catalogue.find(name);
  if (entry == nullptr) throw std::invalid_argument("no plug-in '" + std::string(name) + "'");
  const SettingsTable nothing_given;
  SettingsReport report;
  Settings settings(nothing_given, std::string(name), report);
  return construct(*entry, settings);
}

template <typename T>
class TrainingRun {
 public:
  explicit TrainingRun(const Shape& shape)
      : TrainingRun(model_settings(shape), Random(kSeed, RandomStream::data, 0)) {}

  /// One step; throws where the net has diverged: its time would be another one.
  void step() {
    const MatrixView<const T> outputs = network_.forward(parameters_, inputs());
    const double loss =
        loss_->evaluate(outputs, Targets<T>{labels_, {}}, network_.output_gradient()) /
        static_cast<double>(kBatch);
    network_.backward(parameters_, inputs(), gradient_);
    if (!network_.finite() || !std::isfinite(loss)) {
      throw std::runtime_error("not finite: " + find_divergence<T>(steps_, network_.layout(),
                                                                   parameters_, loss, gradient_));
    }
    optimizer_->step(parameters_, gradient_, {++steps_, 1.0});
  }

  /// Of the three products of each layer, 2 operations a weight and example; layer 1 needs no
  /// gradient of its inputs.
  double operations() const {
    double weights = 0;
    for (const ParameterTensor& tensor : network_.layout().tensors()) {
      if (tensor.group != ParameterGroup::bias) weights += static_cast<double>(tensor.size());
    }
    const auto first = static_cast<double>(network_.layout().tensors().front().size());
    return (6 * weights - 2 * first) * static_cast<double>(kBatch);
  }

 private:
  TrainingRun(const ModelSettings& model, Random random)
      : network_(model, kFeatures, kOutputs, kBatch),
        parameters_(network_.layout().size()),
        gradient_(network_.layout().size()),
        inputs_(typename Matrix<T>::shape_type{kBatch, padded_stride<T>(kFeatures)}, T(0)),
        labels_(kBatch),
        loss_(make_default(loss_catalogue(), "cross_entropy",
                           [](const LossEntry& entry, Settings& own) { return entry.make(own); })),
        optimizer_(make_default(optimizer_catalogue(), "adam",
                                [this](const OptimizerEntry& entry, Settings& own) {
                                  return entry.make<T>(own, network_.layout());
                                })) {
    network_.initialize(*model.initializer, kSeed, parameters_);
    for (std::size_t row = 0; row < kBatch; ++row) {
      for (std::size_t j = 0; j < kFeatures; ++j) {
        inputs_(row, j) = static_cast<T>(random.normal());
      }
      labels_[row] = static_cast<std::int32_t>(random.below(kOutputs));
    }
  }

  MatrixView<const T> inputs() const {
    return {inputs_.data(), kBatch, kFeatures, inputs_.shape()[1]};
  }

  Network<T> network_;
  std::vector<T> parameters_;
  std::vector<T> gradient_;
  Matrix<T> inputs_;
  std::vector<std::int32_t> labels_;
  std::shared_ptr<const Loss> loss_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  std::int64_t steps_ = 0;
};

template <typename T>
void measure_step(benchmark::State& state, const Shape& shape) {
  TrainingRun<T> run(shape);
  run.step();  // the first step allocates
  for (auto _ : state) run.step();
  const auto steps = static_cast<double>(state.iterations());
  state.counters["steps"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
  state.counters["GFLOP/s"] =
      benchmark::Counter(steps * run.operations() * 1e-9, benchmark::Counter::kIsRate);
}

template <typename T>
void add_benchmarks(const std::string& precision) {
  for (const std::string activation : {"relu", "tanh"}) {
    for (const std::int64_t width : {32, 100, 256, 1024}) {
      for (const std::int64_t depth : {5, 20}) {
        const std::string name =
            "step/" + precision + '/' + activation + "/width:" + std::to_string(width) +
            "/depth:" + std::to_string(depth) + "/batch:" + std::to_string(kBatch);
        benchmark::RegisterBenchmark(name.c_str(), measure_step<T>, Shape{activation, width, depth})
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  plumbline::add_benchmarks<float>("float32");
  plumbline::add_benchmarks<double>("float64");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
