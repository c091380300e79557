// SPDX-License-Identifier: Apache-2.0
// What a run takes: operations and memory.
#include <algorithm>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/datasets/stream_sizes.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/pass_cost.hpp"
#include "engine/optimizers/parameter_groups.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

namespace {

double weights(const ParameterLayout& layout) { return static_cast<double>(layout.size()); }

// The values that an optimizer keeps for this layout, of which none is made to be counted.
template <typename T>
double optimizer_state(const Chosen<OptimizerEntry>& optimizer, const ParameterLayout& layout) {
  SettingsReport checked_before;
  const auto made = make_optimizer<T>(optimizer, checked_before, one_of_each_group());
  return static_cast<double>(made->state_size_over(layout));
}

// Whether one of the optimizers that the settings name evaluates the model at averages of its weights or
// the like.
bool evaluates_elsewhere(const ResolvedSettings& settings) {
  return std::ranges::any_of(settings, [](const ResolvedSetting& setting) {
    const auto* name = std::get_if<std::string>(&setting.value.value);
    if (name == nullptr || !setting.key.starts_with("optimizer") || !setting.key.ends_with(".name"))
      return false;
    const OptimizerEntry* entry = optimizer_catalogue().find(*name);
    if (entry == nullptr || entry->scope == UpdateScope::objective) return false;
    const SettingsTable defaults;
    SettingsReport unused;
    Settings own(defaults, "", unused);
    const ParameterLayout one = one_of_each_group();
    const auto optimizer = entry->make<double>(own, one);
    // Before the first step all evaluate where they train.
    std::vector<double> parameters(one.size());
    optimizer->step(parameters, std::vector<double>(one.size(), 1.0), {1, 1.0, 1, nullptr});
    return optimizer->evaluation_point(parameters).data() != parameters.data();
  });
}

double probing_cost(const RunConfiguration& run) {
  if (run.probes.empty()) return 0;
  const ProbedRun probed = run.probed();
  double cost = 0;
  for (const ScheduledProbe& scheduled : run.probes) {
    if (!is_defined(*scheduled.kind, probed)) continue;
    const auto measurements = static_cast<double>(run.steps_of(scheduled.sampling).size());
    cost += measurements * scheduled.kind->cost(probed);
  }
  return cost;
}

// What the probes keep, with the copy of the parameters for those that see updates.
double probing_bytes(const RunConfiguration& run) {
  if (run.probes.empty()) return 0;
  const ProbedRun probed = run.probed();
  double bytes = 0;
  bool keeps_parameters = false;
  std::size_t examples = 0;
  for (const ScheduledProbe& scheduled : run.probes) {
    if (!is_defined(*scheduled.kind, probed)) continue;
    const ProbeCalls calls = scheduled.kind->calls(probed);
    bytes += scheduled.kind->memory(probed);
    keeps_parameters = keeps_parameters || sees_updates(calls);
    examples = std::max(examples, calls.examples);
  }
  if (keeps_parameters) bytes += probed.block_bytes();
  if (examples > 0) {
    const std::size_t row = probed.input.steps * padded_stride<float>(probed.input.values());
    bytes += probed.value_bytes() * static_cast<double>(row * run.batch);
    const std::size_t held = run.data->window() > 0 ? std::min(examples, probed.train_examples) : 0;
    bytes += static_cast<double>(held * run.data->example_bytes());
  }
  return bytes;
}

}  // namespace

double RunConfiguration::cost() const {
  const StackKind layers = model.layers(data->outputs());
  const Shape input = this->input();
  const ParameterLayout layout = parameter_layout(model, input, data->outputs());
  const double updated = weights(layout);
  const SplitSizes sizes = data->sizes();
  // Adam's update costs some 12 for each parameter.
  const double step = gradient_cost(layers, input) * static_cast<double>(batch) + 12 * updated;
  const auto evaluations = static_cast<double>(steps_of(evaluation).size());
  const auto evaluated = static_cast<double>(sizes.train + sizes.valid);
  // Where a net with running statistics is evaluated elsewhere than it trains, a pass over the training
  // examples finds those of the place, each time and once more for testing.
  const double found = layers.keeps_statistics() && evaluates_elsewhere(resolved)
                           ? static_cast<double>(sizes.train) * (evaluations + 1)
                           : 0;
  return step * static_cast<double>(last_step() + 1) +
         forward_cost(layers, input) *
             (evaluated * evaluations + found + static_cast<double>(sizes.test)) +
         probing_cost(*this);
}

bool RunConfiguration::has_shared_steps() const {
  bool shared = false;
  model.layers(data->outputs()).for_each(input(), [&](const LayerKind& kind, const Shape& input) {
    const double products = kind.products(input) * static_cast<double>(batch);
    shared = shared || products >= static_cast<double>(kSharedProduct);
  });
  return shared;
}

// Not included is what a thread keeps for all its runs: where products pack their factors, 1.25 MiB for each
// precision, and a few images with frames around them (layers/convolution_products.cpp).
double RunConfiguration::memory() const {
  const Shape input = this->input();
  const ParameterLayout layout = parameter_layout(model, input, data->outputs());
  const double state = model.precision == Precision::float64
                           ? sizeof(double) * optimizer_state<double>(optimizer, layout)
                           : sizeof(float) * optimizer_state<float>(optimizer, layout);
  const std::size_t size = model.precision == Precision::float64 ? sizeof(double) : sizeof(float);
  std::size_t largest = 0;
  for (const ParameterTensor& tensor : layout.tensors()) largest = std::max(largest, tensor.size());
  // The network keeps the gathered inputs too.
  const double kept = model.layers(data->outputs()).kept_values(input) +
                      static_cast<double>(input.steps * padded_stride<float>(input.values()));
  const double parameters = static_cast<double>(size) * weights(layout);
  const double checkpoint = checkpoint_every > 0 ? parameters + state : 0;
  return state + streaming_bytes(*data, batch) + checkpoint + probing_bytes(*this) +
         2 * parameters +
         static_cast<double>(size) * (packed_values(layout) + kept * static_cast<double>(batch)) +
         static_cast<double>(sizeof(double) * largest);  // in which a layer's weights are drawn
}

}  // namespace plumbline
