// SPDX-License-Identifier: Apache-2.0
#include "engine/training/run_configuration.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/core/digest.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/optimizers/parameter_groups.hpp"

namespace plumbline {

namespace {

template <class Entry>
auto make_chosen(const Chosen<Entry>& chosen, SettingsReport& report) {
  const auto construct = [](const Entry& entry, Settings& own) { return entry.make(own); };
  using Made = decltype(construct(*chosen.entry, std::declval<Settings&>()));
  return chosen.entry == nullptr ? Made() : chosen.make(report, construct);
}

std::string canonical(const std::vector<ResolvedSetting>& settings, std::string_view prefix) {
  std::vector<std::string> lines;
  for (const ResolvedSetting& setting : settings) {
    if (setting.key.starts_with(prefix) && !setting.restates) {
      lines.push_back(setting.key + " = " + to_string(setting.value) + '\n');
    }
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

// The step axis of a results file is a 32-bit integer.
constexpr double kMostSteps = 2147483647;
constexpr double kMostRecordedSteps = 1e6;

void read_train(Settings& settings, RunConfiguration& run) {
  run.batch = static_cast<std::size_t>(settings.integer(
      "batch", 128, between(1, 1e9), "examples in a step; what is left of an epoch is dropped"));
  const bool full_batch =
      settings.flag("full_batch", false, "all training examples in a step, in the place of batch");
  settings.restates("full_batch");
  run.steps = settings.integer("steps", 1000, between(0, kMostSteps), "updates of the whole run");
  const std::int64_t epochs = settings.integer(
      "epochs", 0, between(0, 1e9), "passes over the training examples, in the place of steps");
  settings.restates("epochs");
  run.seed = settings.integer("seed", 0, between(0, 9007199254740991.0),
                              "what all random numbers of the run are drawn from");
  Settings evaluate = settings.table("evaluate");
  run.evaluation = Sampling(evaluate);
  evaluate.finish();
  if (settings.given("steps") && epochs > 0) {
    settings.problem("epochs", "is given beside 'train.steps'; give one of the two");
  }
  const std::size_t examples = run.data == nullptr ? 0 : run.data->sizes().train;
  if (full_batch && settings.given("batch")) {
    settings.problem("full_batch", "is given beside 'train.batch'; give one of the two");
  } else if (full_batch && run.data != nullptr) {
    run.batch = examples;
    settings.settle("batch", {static_cast<std::int64_t>(examples), {}});
  }
  if (run.data != nullptr && run.batch > examples) {
    settings.problem("batch", "is " + std::to_string(run.batch) + ", more than the " +
                                  std::to_string(examples) + " training examples");
  } else if (epochs > 0) {
    run.steps = epochs * static_cast<std::int64_t>(examples / run.batch);
    settings.settle("steps", {run.steps, {}});
    if (static_cast<double>(run.steps) > kMostSteps) {
      settings.problem(
          "epochs", "make " + std::to_string(run.steps) + " steps; allowed are at most 2147483647");
    }
  }
  settings.finish();
}

Gemm read_gemm(Settings& settings) {
  const std::string gemm =
      settings.choice("gemm", "native", {"native", "blas"},
                      "what computes the products of the layers: the engine's own kernels, or "
                      "OpenBLAS for a check");
  // Runs keep the identity that they had before there was a choice.
  if (gemm == "native") settings.restates("gemm");
  settings.finish();
  return gemm == "blas" ? Gemm::blas : Gemm::native;
}

void read_probes(Settings settings, RunConfiguration& run) {
  for (const ProbeEntry& entry : probe_catalogue().entries()) {
    Settings own = settings.table(entry.info.name);
    if (!settings.given(entry.info.name)) continue;
    Sampling sampling(own);
    run.probes.push_back({&entry, entry.make(own), std::move(sampling)});
    own.finish();
  }
  settings.finish();
}

template <class Entry>
Chosen<Entry> choose_table(Settings& root, std::string_view name, std::string_view default_value,
                           const Catalogue<Entry>& catalogue) {
  Settings table = root.table(name);
  return choose_here(table, default_value, catalogue);
}

// The values that an optimizer keeps for this layout, of which none is made to be counted.
template <typename T>
double optimizer_state(const Chosen<OptimizerEntry>& optimizer, const ParameterLayout& layout) {
  SettingsReport checked_before;
  const auto made = make_optimizer<T>(optimizer, checked_before, one_of_each_group());
  return static_cast<double>(made->state_size_over(layout));
}

// An update rule as a definition names it.
struct NamedRule {
  std::string key;  // "optimizer.inner"
  std::string name;
  Place place;
};

// Of the optimizer and those in it, as wrappers and groups hold them, the first of which `is` holds by
// itself. Those in it are the settings `name` that the report resolved from number `first` on.
NamedRule first_rule(const Settings::Plugin& whole, const SettingsReport& report, std::size_t first,
                     bool (Optimizer<double>::*is)() const) {
  for (std::size_t i = first; i < report.resolved.size(); ++i) {
    const ResolvedSetting& setting = report.resolved[i];
    constexpr std::string_view kName = ".name";
    const auto* name = std::get_if<std::string>(&setting.value.value);
    if (name == nullptr || !setting.key.ends_with(kName)) continue;
    const OptimizerEntry* entry = optimizer_catalogue().find(*name);
    if (entry == nullptr) continue;
    const SettingsTable defaults;
    SettingsReport unused;
    Settings settings(defaults, "", unused);
    if ((*entry->make<double>(settings, ParameterLayout()).*is)()) {
      return {setting.key.substr(0, setting.key.size() - kName.size()), *name, setting.value.place};
    }
  }
  return {whole.path, whole.name, whole.place};
}

double weights(const ParameterLayout& layout) { return static_cast<double>(layout.size()); }

}  // namespace

RunConfiguration configure(const SettingsTable& settings, SettingsReport& report) {
  RunConfiguration run;
  Settings root(settings, "", report);
  const auto data = choose_table(root, "data", "digits", dataset_catalogue());
  if (data.entry != nullptr) {
    run.data = data.make(report, [](const DatasetEntry& entry, Settings& own) {
      auto source = entry.make(own);
      // One whose file cannot be used, which the report says, and nothing more can be said of.
      if (source->sizes().train == 0) source = nullptr;
      return with_options(std::move(source), own);
    });
  }

  Settings model = root.table("model");
  run.model = ModelSettings::read(model);
  const bool model_is_right = report.problems.empty();
  if (model_is_right) {
    run.model.targets_each_step = run.data->target_steps() > 1;
    if (const auto misfit = run.model.problem(run.model.input(run.data->shape()))) {
      report.problems.push_back(*misfit);
    } else if (const std::size_t made =
                   run.model.layers(run.data->outputs()).output(run.input()).steps;
               made != run.data->target_steps()) {
      const auto at_steps = [](std::size_t steps, const std::string& what) {
        return steps == 1 ? "one " + what + " an example"
                          : "a " + what + " at each of " + std::to_string(steps) + " steps";
      };
      report.problems.push_back(
          {data.plugin.place, "'data' is '" + data.plugin.name + "', which has " +
                                  at_steps(run.data->target_steps(), "target") +
                                  "; the model makes " + at_steps(made, "output")});
    }
  }
  if (report.problems.empty()) {
    if (run.model.initializer->looks_at_data() && !run.model.is_dense()) {
      report.problems.push_back({report.place_of("model.initializer.name"),
                                 "'model.initializer' is '" + run.model.initializer_name +
                                     "', which is for stacks of dense layers alone"});
    }
    const std::string misfit = run.model.initializer->problem(
        parameter_layout(run.model, run.input(), run.data->outputs()));
    const std::string setting = run.model.initializer->problem_setting();
    const std::string key = "model.initializer" + (setting.empty() ? "" : '.' + setting);
    // Where the value in force stands, which may be elsewhere than the table that it is in.
    Place place = report.place_of(setting.empty() ? key + ".name" : key);
    if (!misfit.empty()) report.problems.push_back({std::move(place), "'" + key + "' " + misfit});
  }

  const auto loss = choose_table(root, "loss", "cross_entropy", loss_catalogue());
  run.loss = make_chosen(loss, report);
  if (run.loss != nullptr && run.data != nullptr) {
    const std::string problem = run.loss->problem_with(run.data->outputs(), run.data->has_labels());
    if (!problem.empty()) {
      report.problems.push_back({loss.plugin.place, "loss '" + loss.plugin.name + "' " + problem});
    }
  }

  run.optimizer = choose_table(root, "optimizer", "sgd", optimizer_catalogue());
  if (run.optimizer.entry != nullptr) {
    const std::size_t before = report.resolved.size();
    const auto optimizer = make_optimizer<double>(run.optimizer, report, ParameterLayout());
    if (run.loss != nullptr && optimizer->draws_targets() && !run.loss->means_a_distribution()) {
      const NamedRule drawing =
          first_rule(run.optimizer.plugin, report, before, &Optimizer<double>::draws_targets);
      report.problems.push_back(
          {drawing.place, '\'' + drawing.key + "' is '" + drawing.name +
                              "', which draws targets from the model, and loss '" +
                              loss.plugin.name +
                              "' means no distribution to draw from; try cross_entropy "
                              "without class weights"});
    }
    if (optimizer->looks_into_layers() && model_is_right && !run.model.is_dense()) {
      const NamedRule looking =
          first_rule(run.optimizer.plugin, report, before, &Optimizer<double>::looks_into_layers);
      report.problems.push_back(
          {looking.place,
           '\'' + looking.key + "' is '" + looking.name +
               "', which is for stacks of dense layers alone; this model has others"});
    }
  }
  const auto schedule = choose_table(root, "schedule", "constant", schedule_catalogue());
  run.schedule = make_chosen(schedule, report);
  Settings train = root.table("train");
  read_train(train, run);
  Settings engine = root.table("engine");
  run.model.gemm = read_gemm(engine);
  if (model_is_right && run.data != nullptr) {
    const std::size_t least = run.model.layers(run.data->outputs()).least_batch(run.input());
    if (run.batch < least) {
      train.problem("batch", "is " + std::to_string(run.batch) + "; batch_norm needs at least " +
                                 std::to_string(least) + " examples, as one is its own mean");
    }
  }
  if (run.schedule != nullptr) {
    const std::string remark = run.schedule->remark(run.steps);
    if (!remark.empty()) {
      // The remark tells the run's length, and runs of many lengths may deserve it.
      const std::string mistake = "schedule '" + schedule.plugin.name + '\'';
      report.warnings.push_back({schedule.plugin.place, mistake + ' ' + remark, mistake});
    }
  }
  read_probes(root.table("probes"), run);
  root.finish();
  double recorded = run.evaluation.at_most(run.steps);
  for (const ScheduledProbe& probe : run.probes) recorded += probe.sampling.at_most(run.steps);
  if (recorded > kMostRecordedSteps) {
    root.problem("probes",
                 "and 'train.evaluate' may record at more than 1000000 steps of a run; "
                 "record less often");
  }

  run.resolved = report.resolved;
  run.data_key = canonical(run.resolved, "data.");
  return run;
}

std::vector<TableInfo> definition_tables() {
  return {{"data", "The examples that a net is trained, validated and tested on.", data_options()},
          {"model", "The net: its shape, its activations, how it starts.",
           declared_settings([](Settings& settings) { ModelSettings::read(settings); })},
          {"train", "How long a net is trained, and on how many examples at once.",
           declared_settings([](Settings& settings) {
             RunConfiguration unused;
             read_train(settings, unused);
           })},
          {"engine", "How the engine computes.",
           declared_settings([](Settings& settings) { read_gemm(settings); })},
          {"train.evaluate", "When loss and accuracy over the whole sets are recorded.",
           declared_settings([](Settings& settings) { const Sampling sampling(settings); })}};
}

std::vector<std::int64_t> RunConfiguration::recorded_steps() const {
  std::set<std::int64_t> recorded;
  const auto add = [&](const Sampling& sampling) {
    for (const std::int64_t step : sampling.steps(steps)) recorded.insert(step);
  };
  add(evaluation);
  for (const ScheduledProbe& probe : probes) add(probe.sampling);
  return {recorded.begin(), recorded.end()};
}

double RunConfiguration::cost() const {
  const StackKind layers = model.layers(data->outputs());
  const Shape input = this->input();
  const double updated = weights(parameter_layout(model, input, data->outputs()));
  // A product of a row with W costs 2 per weight; a step has three of them (forward, weight
  // gradient, input gradient), but layer 1 needs no input gradient. Adam's update costs some 12.
  const double products = layers.products(input);
  const double first = layers.kinds().front()->products(input);
  const SplitSizes sizes = data->sizes();
  const double step = (6 * products - 2 * first) * static_cast<double>(batch) + 12 * updated;
  const auto evaluations = static_cast<double>(evaluation.steps(steps).size());
  const auto evaluated = static_cast<double>(sizes.train + sizes.valid);
  return step * static_cast<double>(steps + 1) +
         2 * products * (evaluated * evaluations + static_cast<double>(sizes.test));
}

bool RunConfiguration::has_shared_steps() const {
  bool shared = false;
  model.layers(data->outputs()).for_each(input(), [&](const LayerKind& kind, const Shape& input) {
    const double products = kind.products(input) * static_cast<double>(batch);
    shared = shared || products >= static_cast<double>(kSharedProduct);
  });
  return shared;
}

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
  // Of streamed examples two windows with up to a batch beside each, and the order of one of them
  // (training/streamed_batches.hpp); and three blocks, each with a copy of what is wanted of it, where
  // the next is read while one is evaluated.
  double streamed = 0;
  if (data->window() > 0) {
    constexpr double kOrderBytes = 20;
    const auto window = static_cast<double>(std::min(data->window(), data->sizes().train));
    const auto blocks = static_cast<double>(3 * data->block());
    streamed = (2 * (window + static_cast<double>(batch)) + blocks) *
                   static_cast<double>(data->example_bytes()) +
               kOrderBytes * window;
  }
  return state + streamed +
         static_cast<double>(size) * (2 * weights(layout) + kept * static_cast<double>(batch)) +
         static_cast<double>(sizeof(double) * largest);  // in which a layer's weights are drawn
}

std::string run_id(const RunConfiguration& configuration) {
  return digest("semantics = " + std::to_string(kSemanticsVersion) + '\n' +
                canonical(configuration.resolved, ""));
}

}  // namespace plumbline
