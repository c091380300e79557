// SPDX-License-Identifier: Apache-2.0
// A run takes its memory up to its first update and keeps it. A program of its own, as it replaces
// operator new.
#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "engine/training/first_examples.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace {

// Of this thread, since start_counting().
thread_local bool counting = false;
thread_local std::ptrdiff_t allocations = 0;
thread_local std::ptrdiff_t bytes = 0;
thread_local std::ptrdiff_t most_bytes = 0;

void start_counting() {
  allocations = bytes = most_bytes = 0;
  counting = true;
}

std::ptrdiff_t size_of(void* block) {
  return static_cast<std::ptrdiff_t>(malloc_usable_size(block));
}

// Counts a block; null stays null.
void* counted(void* block) {
  if (counting && block != nullptr) {
    ++allocations;
    bytes += size_of(block);
    most_bytes = std::max(most_bytes, bytes);
  }
  return block;
}

void* counted_or_bad_alloc(void* block) {
  return block == nullptr ? throw std::bad_alloc() : counted(block);
}

std::size_t not_zero(std::size_t size) { return size == 0 ? 1 : size; }

}  // namespace

// All forms: what one of them made, another may give back, and the arrays' forms call these.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return counted_or_bad_alloc(std::malloc(not_zero(size)));
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return counted(std::malloc(not_zero(size)));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto multiple = static_cast<std::size_t>(alignment);
  const std::size_t rounded = (not_zero(size) + multiple - 1) / multiple * multiple;
  return counted_or_bad_alloc(std::aligned_alloc(multiple, rounded));
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (counting && block != nullptr) bytes -= size_of(block);
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t /*size*/) noexcept {
  operator delete(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  operator delete(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t /*size*/,
                                       std::align_val_t /*alignment*/) noexcept {
  operator delete(block);
}

namespace plumbline {
namespace {

/// Counts from behind the first update to the end of the last.
class AllocationCount final : public TrainingObserver {
 public:
  explicit AllocationCount(std::int64_t steps) : steps_(steps) {}

  bool before_update(const StepView<float>& view) override { return seen(view.step); }
  bool before_update(const StepView<double>& view) override { return seen(view.step); }
  bool after_update(std::span<const float> /*parameters*/) override { return true; }
  bool after_update(std::span<const double> /*parameters*/) override { return true; }

  std::ptrdiff_t count = -1;

 private:
  bool seen(std::int64_t step) {
    if (step == 1) start_counting();
    if (step == steps_) {
      counting = false;
      count = allocations;
    }
    return true;
  }

  std::int64_t steps_;
};

std::ptrdiff_t allocations_of(const std::vector<Setting>& settings) {
  const RunConfiguration run = configured(settings);
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  AllocationCount observer(run.steps);
  train_observed(run, data, stop, observer);
  return observer.count;
}

TEST(Allocations, AreSeen) {
  start_counting();
  {
    const std::vector<char> some(3000);
  }
  counting = false;
  EXPECT_EQ(allocations, 1);
  EXPECT_GE(most_bytes, 3000);
  EXPECT_EQ(bytes, 0);
}

// Those that only look at the net, each at every step.
std::vector<Setting> looking_probes() {
  std::vector<Setting> settings;
  for (const ProbeEntry& entry : probe_catalogue().entries()) {
    const RunConfiguration run = configured(small_run());
    if (make_plugin(probe_catalogue(), entry.info.name)->calls(run.probed()).running_net) continue;
    settings.push_back({"probes." + entry.info.name + ".every", node(1)});
  }
  return settings;
}

// Over three epochs, with everything measured at every step.
TEST(Allocations, AreNoneAfterTheFirstStep) {
  for (const char* precision : {"float32", "float64"}) {
    for (const std::string& activation : activation_catalogue().names()) {
      EXPECT_EQ(allocations_of(with(with(small_run(), looking_probes()),
                                    {{"model.precision", node(precision)},
                                     {"model.activation", node(activation)},
                                     {"optimizer.name", node("adam")},
                                     {"train.steps", node(18)},
                                     {"train.evaluate.every", node(1)}})),
                0)
          << activation << " in " << precision;
    }
  }
}

TEST(Allocations, AreNoneAfterTheFirstStepOfConvolutionsAndPools) {
  for (const char* precision : {"float32", "float64"}) {
    EXPECT_EQ(allocations_of(with(small_run(), {{"model.precision", node(precision)},
                                                {"model.kind", node("cnn")},
                                                {"model.depth", node(3)},
                                                {"model.width", node(9)},
                                                {"model.pool_every", node(1)},
                                                {"train.steps", node(18)}})),
              0)
        << precision;
  }
}

// Evaluation has smaller batches at its end; gradient_norm makes a product for each step of a sequence.
TEST(Allocations, AreNoneAfterTheFirstStepOfRecurrentModels) {
  for (const char* kind : {"rnn", "lstm", "gru"}) {
    EXPECT_EQ(allocations_of(with({{"data.name", node("adding_problem")},
                                   {"data.steps", node(6)},
                                   {"data.train", node(200)},
                                   {"data.valid", node(50)},
                                   {"loss.name", node("mean_squared_error")},
                                   {"model.kind", node(kind)},
                                   {"model.width", node(13)},
                                   {"train.batch", node(32)},
                                   {"train.steps", node(18)},
                                   {"train.evaluate.every", node(1)}},
                                  looking_probes())),
              0)
        << kind;
  }
}

// Methods that compute with whole matrices, or keep pairs of points, have intermediate results.
TEST(Allocations, AreNoneAfterTheFirstStepOfOptimizersButForThoseOfWholeMatrices) {
  const std::set<std::string> others = {"hessian_free", "kfac", "lbfgs", "muon", "shampoo", "soap"};
  for (const std::string& name : optimizer_catalogue().names()) {
    if (others.contains(name)) continue;
    EXPECT_EQ(allocations_of(
                  with(small_run(), {{"optimizer.name", node(name)}, {"train.steps", node(18)}})),
              0)
        << name;
  }
}

// Parameters, gradient, two moments and the activations, for the whole life of the run: drawing the
// initial weights included.
TEST(Allocations, TakeLittleMoreThanANetNeeds) {
  for (const char* precision : {"float32", "float64"}) {
    for (const int depth : {1, 4}) {
      const RunConfiguration run =
          configured(with(small_run(), {{"model.precision", node(precision)},
                                        {"model.depth", node(depth)},
                                        {"model.width", node(800)},
                                        {"optimizer.name", node("adam")},
                                        {"train.steps", node(2)},
                                        {"probes.gradient_norm.every", node(1)}}));
      const Dataset data = run.data->load({});
      const std::atomic<bool> stop{false};
      start_counting();
      train(run, data, stop);
      counting = false;
      const std::size_t size = run.model.precision == Precision::float64 ? 8 : 4;
      const ParameterLayout layout =
          parameter_layout(run.model, run.data->features(), run.data->outputs());
      // z, a and the error signal of each layer, and the inputs.
      const auto columns = static_cast<std::size_t>(3 * (800 * depth + 10) + 64);
      const auto needed = static_cast<double>(size * (4 * layout.size() + columns * run.batch));
      EXPECT_LE(static_cast<double>(most_bytes), 1.15 * needed) << precision << ", depth " << depth;
      EXPECT_GE(static_cast<double>(most_bytes), needed) << precision << ", depth " << depth;
    }
  }
}

// The most bytes at once of a probe by itself, which measures once at a step of the run.
template <typename T>
double most_bytes_of_probe(const ProbeEntry& entry, const RunConfiguration& run) {
  const Dataset data = run.data->load({});
  const ProbedRun probed = run.probed();
  Network<T> network(run.model, probed.input, probed.outputs, run.batch);
  std::vector<T> parameters(network.layout().size());
  network.initialize(*run.model.initializer, 3, parameters);
  std::vector<T> gradient(parameters.size());
  FirstTrainExamples<T> batch(data, run.batch, run.batch, probed.input);
  const MatrixView<const T> inputs = batch.inputs(0, run.batch);
  run.loss->evaluate(network.forward(parameters, inputs), batch.targets(),
                     network.output_gradient());
  network.backward(parameters, inputs, gradient);
  std::vector<T> updated = parameters;
  for (std::size_t i = 0; i < updated.size(); ++i) updated[i] -= gradient[i] / T(8);
  const ProbeCalls calls = make_plugin(probe_catalogue(), entry.info.name)->calls(probed);
  FirstTrainExamples<T> examples(data, calls.examples, run.batch, probed.input);
  const RunningNet<T> net{network, *run.loss, examples};
  const Snapshot<T> at{.network = network,
                       .parameters = parameters,
                       .gradient = gradient,
                       .rows = run.batch,
                       .inputs = inputs,
                       .targets = batch.targets()};
  const Update<T> update{.network = network,
                         .before = parameters,
                         .after = updated,
                         .gradient = gradient,
                         .rows = run.batch,
                         .inputs = inputs,
                         .targets = batch.targets()};
  start_counting();
  {
    ProbeAlone<T> probe(entry.info.name, {}, probed);
    if (calls.see_before) probe->see_before(at);
    if (calls.see_update) probe->see_update(update);
    if (calls.before_update) probe->before_update(at, probe.readings());
    if (calls.running_net) probe->running_net(at, net, probe.readings());
    if (calls.after_update) probe->after_update(update, net, probe.readings());
  }
  counting = false;
  return static_cast<double>(most_bytes);
}

struct MemoryCase {
  std::string name;
  std::vector<Setting> settings;
  /// More bytes of each layer that do not grow with the batch, such as where windows and pixels are.
  double objects = 0;
};

void PrintTo(const MemoryCase& model, std::ostream* stream) { *stream << model.name; }

class MemoryOfProbes : public testing::TestWithParam<MemoryCase> {};

INSTANTIATE_TEST_SUITE_P(
    Models, MemoryOfProbes,
    testing::Values(
        // So many examples that a number for each is seen.
        MemoryCase{
            "mlp",
            {{"data.train", node(1400)}, {"train.batch", node(1400)}, {"model.width", node(90)}}},
        // Matrices of many rows, then of many cols: no buffer is the largest for the same one.
        MemoryCase{"autoencoder",
                   {{"model.kind", node("autoencoder")},
                    {"model.code", node(3)},
                    {"model.width", node(200)},
                    {"model.depth", node(3)}}},
        MemoryCase{"values",
                   {{"data.name", node("teacher_student")},
                    {"data.outputs", node(40)},
                    {"loss.name", node("mean_squared_error")}}},
        MemoryCase{"residual",
                   {{"model.kind", node("residual")},
                    {"model.width", node(90)},
                    {"model.depth", node(3)}}},
        // Rows of 17 values take the room of 32, which is 65 kB a layer for the batch. A layer has the objects
        // of two dense ones and of a gate.
        MemoryCase{
            "highway",
            {{"model.kind", node("highway")}, {"model.width", node(17)}, {"model.depth", node(3)}},
            2000},
        MemoryCase{"cnn", {{"model.kind", node("cnn")}, {"model.width", node(24)}}, 13000},
        MemoryCase{"lstm",
                   {{"data.name", node("adding_problem")},
                    {"data.steps", node(12)},
                    {"loss.name", node("mean_squared_error")},
                    {"model.kind", node("lstm")},
                    {"model.depth", node(1)},
                    {"model.width", node(40)}}},
        MemoryCase{"each_step",
                   {{"data.name", node("copy_memory")},
                    {"data.delay", node(3)},
                    {"model.kind", node("gru")},
                    {"model.depth", node(1)},
                    {"model.width", node(30)}}}),
    [](const auto& instance) { return instance.param.name; });

// What is not counted are some objects, of tens of bytes: of the probe, and of each layer of a net that it has.
constexpr double kOfAProbe = 4096;
constexpr double kOfALayer = 1024;

TEST_P(MemoryOfProbes, IsAtLeastWhatTheyAllocate) {
  for (const char* precision : {"float32", "float64"}) {
    const RunConfiguration run = configured(
        with(with(small_run(), {{"train.batch", node(120)}, {"model.precision", node(precision)}}),
             GetParam().settings));
    const ProbedRun probed = run.probed();
    const double unseen =
        kOfAProbe + (kOfALayer + GetParam().objects) * static_cast<double>(probed.layers);
    for (const ProbeEntry& entry : probe_catalogue().entries()) {
      const auto kind = make_plugin(probe_catalogue(), entry.info.name);
      if (!is_defined(*kind, probed)) continue;
      const auto measured = run.model.precision == Precision::float64 ? most_bytes_of_probe<double>
                                                                      : most_bytes_of_probe<float>;
      measured(entry, run);  // what a thread keeps for good
      EXPECT_LE(measured(entry, run), kind->memory(probed) + unseen)
          << entry.info.name << precision;
    }
  }
}

}  // namespace
}  // namespace plumbline
