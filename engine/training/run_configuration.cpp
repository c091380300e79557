// SPDX-License-Identifier: Apache-2.0
#include "engine/training/run_configuration.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "engine/core/digest.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/optimizers/parameter_groups.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline {

namespace {

template <class Entry>
auto make_chosen(const Chosen<Entry>& chosen, SettingsReport& report) {
  const auto construct = [](const Entry& entry, Settings& own) { return entry.make(own); };
  using Made = decltype(construct(*chosen.entry, std::declval<Settings&>()));
  return chosen.entry == nullptr ? Made() : chosen.make(report, construct);
}

std::string canonical(const ResolvedSettings& settings, std::string_view prefix) {
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

constexpr double kMostRecordedSteps = 1e6;

constexpr const char* kDataSeed = "data_seed";
// Doubles hold every whole number up to this.
constexpr std::int64_t kLargestSeed = 9007199254740991;
constexpr Range kSeeds = between(0, static_cast<double>(kLargestSeed));
constexpr Range kSeedsOrNone = between(-1, static_cast<double>(kLargestSeed));

// One stream's seed. Where it is none of its own, the run is the one without the setting.
std::int64_t read_stream_seed(Settings& settings, const char* name, std::int64_t seed,
                              const std::string& of_what) {
  const std::int64_t own =
      settings.integer(name, -1, kSeedsOrNone, "of " + of_what + " alone; -1: train.seed");
  if (own == -1 || own == seed) settings.restates(name);
  return own == -1 ? seed : own;
}

void read_train(Settings& settings, RunConfiguration& run) {
  run.batch = static_cast<std::size_t>(settings.integer(
      "batch", 128, between(1, 1e9), "examples in a step; what is left of an epoch is dropped"));
  const bool full_batch =
      settings.flag("full_batch", false, "all training examples in a step, in the place of batch");
  settings.restates("full_batch");
  run.steps = settings.integer("steps", 1000, between(0, kMostUpdates), "updates of the whole run");
  const std::int64_t epochs = settings.integer(
      "epochs", 0, between(0, 1e9), "passes over the training examples, in the place of steps");
  settings.restates("epochs");
  run.seed =
      settings.integer("seed", 0, kSeeds, "what all random numbers of the run are drawn from");
  run.seeds = {read_stream_seed(settings, "init_seed", run.seed, "the initial parameters"),
               read_stream_seed(settings, "order_seed", run.seed, "the order of the examples"),
               read_stream_seed(settings, "noise_seed", run.seed, "dropout and other noise")};
  settings.integer(kDataSeed, -1, kSeedsOrNone,
                   "of the data alone, in the place of data.split_seed; -1: data.split_seed");
  settings.restates(kDataSeed);
  run.checkpoint_every =
      settings.integer("checkpoint_every", 0, between(0, kMostUpdates),
                       "updates between checkpoints, from which a run that was ended goes on; 0: "
                       "no checkpoints");
  settings.restates("checkpoint_every");  // it changes no number
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
    if (run.steps > kMostUpdates) {
      settings.problem("epochs", "make " + std::to_string(run.steps) +
                                     " steps; allowed are at most " + std::to_string(kMostUpdates));
      run.steps = 0;
    }
  }
  settings.finish();
}

// "train.data_seed" as what it stands for. A value that is no seed stays where read_train() reports it.
SettingsTable with_data_seed(const SettingsTable& settings, SettingsReport& report) {
  SettingsTable result = settings;
  const auto in_table = [&](const char* table, const char* name) -> const SettingNode* {
    const SettingNode* node = settings.find(table);
    const auto* given = node == nullptr ? nullptr : std::get_if<SettingsTable>(&node->value);
    return given == nullptr ? nullptr : given->find(name);
  };
  const SettingNode* seed = in_table("train", kDataSeed);
  const auto* number = seed == nullptr ? nullptr : std::get_if<std::int64_t>(&seed->value);
  if (number == nullptr || *number < 0 || *number > kLargestSeed) return result;
  if (in_table("data", "split_seed") != nullptr) {
    report.problems.push_back(
        {seed->place, "'train.data_seed' is given beside 'data.split_seed'; give one of the two"});
  }
  const SettingNode* data = settings.find("data");
  if (data == nullptr || std::holds_alternative<SettingsTable>(data->value)) {
    result.set_path("data.split_seed", *seed);
  }
  return result;
}

// What keeps the target from being looked at, or from being anything but NaN.
void check_target(const RunConfiguration& run, bool is_followed, SettingsReport& report) {
  if (!run.budget.target || run.data == nullptr) return;
  const EvaluatedMetric metric = run.budget.target->metric;
  const std::string name = evaluated_names()[static_cast<std::size_t>(metric)];
  const std::string metric_is = "'budget.target.metric' is '" + name + "', and the data have no ";
  Place place = report.place_of("budget.target.metric");
  const bool of_valid =
      metric == EvaluatedMetric::valid_loss || metric == EvaluatedMetric::valid_accuracy;
  const bool of_labels =
      metric == EvaluatedMetric::train_accuracy || metric == EvaluatedMetric::valid_accuracy;
  if (of_valid && run.data->sizes().valid == 0) {
    report.problems.push_back({place, metric_is + "validation examples; see 'data.valid'"});
  } else if (of_labels && !run.data->has_labels()) {
    report.problems.push_back({place, metric_is + "labels"});
  } else if (!is_followed) {
    report.warnings.push_back(
        {place,
         "'budget.target' is looked at where 'train.evaluate' records, and that is at the run's "
         "start and end alone; try train.evaluate.every"});
  }
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

// Where the definition names the probe.
Place place_of_probe(const SettingsTable& settings, const std::string& name) {
  const SettingNode* node = settings.find("probes");
  const auto* probes = node == nullptr ? nullptr : std::get_if<SettingsTable>(&node->value);
  const SettingNode* probe = probes == nullptr ? nullptr : probes->find(name);
  return probe == nullptr ? Place() : probe->place;
}

// Each quantity that says nothing of this run, once for all that have the same reason.
void warn_of_undefined(const RunConfiguration& run, const SettingsTable& settings,
                       SettingsReport& report) {
  const ProbedRun probed = run.probed();
  for (const ScheduledProbe& scheduled : run.probes) {
    const std::vector<Quantity> quantities = scheduled.kind->quantities();
    std::vector<std::pair<std::string, std::string>> reasons;  // with the quantities
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const std::string reason = scheduled.kind->undefined(q, probed);
      if (reason.empty()) continue;
      auto found = std::ranges::find(reasons, reason, &std::pair<std::string, std::string>::first);
      if (found == reasons.end()) found = reasons.insert(found, {reason, ""});
      found->second += (found->second.empty() ? "" : ", ") + quantities[q].name;
    }
    for (const auto& [reason, names] : reasons) {
      const std::string& probe = scheduled.entry->info.name;
      report.warnings.push_back({place_of_probe(settings, probe),
                                 "'probes." + probe + "' measures no " + names + " here, because " +
                                     reason + "; the values will be NaN"});
    }
  }
}

template <class Entry>
Chosen<Entry> choose_table(Settings& root, std::string_view name, std::string_view default_value,
                           const Catalogue<Entry>& catalogue) {
  Settings table = root.table(name);
  return choose_here(table, default_value, catalogue);
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

// What draws the weights over the state is asked of these alone.
void check_recurrent_initializer(const RunConfiguration& run, SettingsReport& report) {
  ParameterLayout recurrent;
  const ParameterLayout layout = parameter_layout(run.model, run.input(), run.data->outputs());
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (tensor.group != ParameterGroup::recurrent) continue;
    recurrent.add(tensor.name, tensor.layer, tensor.group, tensor.rows, tensor.cols);
  }
  if (recurrent.size() == 0) return;
  const std::string misfit = run.model.recurrent_initializer->problem(recurrent);
  if (misfit.empty()) return;
  const std::string setting = run.model.recurrent_initializer->problem_setting();
  const std::string key = "model.recurrent_initializer" + (setting.empty() ? "" : '.' + setting);
  report.problems.push_back(
      {report.place_of(setting.empty() ? key + ".name" : key), "'" + key + "' " + misfit});
}

// Values that an initializer does not draw, but has from elsewhere, may be too large for the net's type.
void check_given_values(const RunConfiguration& run, SettingsReport& report) {
  const Initializer& initializer = *run.model.initializer;
  if (run.model.precision == Precision::float64) return;
  Random unused(0, RandomStream::init, 0);
  const ParameterLayout layout = parameter_layout(run.model, run.input(), run.data->outputs());
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (!initializer.has_values_of(tensor)) continue;
    std::vector<double> values(tensor.size());
    if (tensor.is_weight_matrix()) {
      initializer.fill_weights(tensor, {values.data(), tensor.rows, tensor.cols, tensor.cols},
                               unused);
    } else {
      initializer.fill_bias(tensor, values, unused);
    }
    const auto large = std::ranges::find_if(
        values, [](double value) { return std::abs(value) > std::numeric_limits<float>::max(); });
    if (large == values.end()) continue;
    const std::string key = "model.initializer." + initializer.problem_setting();
    report.problems.push_back(
        {report.place_of(key), "'" + key + "' does not fit this net: '" + tensor.name + "' holds " +
                                   shortest(*large) +
                                   ", which float32 cannot; try model.precision = \"float64\""});
  }
}

}  // namespace

RunConfiguration configure(const SettingsTable& settings, SettingsReport& report) {
  RunConfiguration run;
  const SettingsTable in_force = with_data_seed(settings, report);
  Settings root(in_force, "", report);
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
    if (auto misfit = run.model.problem(run.model.input(run.data->shape()))) {
      // A layer that stands in no list is there by the model's kind, and that perhaps by default.
      if (misfit->place == Place{}) misfit->place = report.place_of("model.kind");
      if (misfit->place == Place{}) misfit->place = data.plugin.place;
      report.problems.push_back(std::move(*misfit));
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
    check_recurrent_initializer(run, report);
    if (report.problems.empty()) check_given_values(run, report);
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
  Settings budget = root.table("budget");
  run.budget = read_budget(budget, run.steps);
  budget.finish();
  check_target(run, train.given("evaluate"), report);
  if (run.budget.max_seconds > 0) {
    report.warnings.push_back(
        {report.place_of("budget.max_seconds"),
         "'budget.max_seconds' ends runs by the clock: how many updates they make, and so their "
         "numbers, are another machine's or another day's to change"});
  }
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
  double recorded = run.evaluation.at_most(run.last_step());
  for (const ScheduledProbe& probe : run.probes) {
    recorded += probe.sampling.at_most(run.last_step());
  }
  if (recorded > kMostRecordedSteps) {
    root.problem("probes",
                 "and 'train.evaluate' may record at more than 1000000 steps of a run; "
                 "record less often");
  }

  if (report.problems.empty()) warn_of_undefined(run, in_force, report);
  run.resolved = ResolvedSettings(report.resolved);
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
           declared_settings([](Settings& settings) { const Sampling sampling(settings); })},
          {"budget", "What ends a run before train.steps.",
           declared_settings([](Settings& settings) { read_budget(settings, 0); })},
          {"budget.target", "A value that ends the run at the first evaluation which reaches it.",
           declared_settings([](Settings& settings) { read_target(settings); })}};
}

ProbedRun RunConfiguration::probed() const {
  SettingsReport checked_before;
  const ParameterLayout one = one_of_each_group();
  const auto rule = make_optimizer<double>(optimizer, checked_before, one);
  const auto* limited = dynamic_cast<const HasStabilityLimit<double>*>(rule.get());
  return {.model = model,
          .loss = *loss,
          .input = input(),
          .outputs = data->outputs(),
          .batch = batch,
          .train_examples = data->sizes().train,
          .layers = weight_layers(model, input(), data->outputs()),
          .layout = parameter_layout(model, input(), data->outputs()),
          .has_stability_limit = limited != nullptr,
          .has_preconditioner =
              limited != nullptr &&
              !limited->stability_limit(std::vector<double>(one.size(), 1.0), {.step = 1})
                   .preconditioner.empty()};
}

std::vector<std::int64_t> RunConfiguration::recorded_steps() const {
  std::set<std::int64_t> recorded;
  const auto add = [&](const Sampling& sampling) {
    for (const std::int64_t step : steps_of(sampling)) recorded.insert(step);
  };
  add(evaluation);
  for (const ScheduledProbe& probe : probes) add(probe.sampling);
  return {recorded.begin(), recorded.end()};
}

std::string run_id(const RunConfiguration& configuration) {
  return digest("semantics = " + std::to_string(kSemanticsVersion) + '\n' +
                canonical(configuration.resolved, ""));
}

}  // namespace plumbline
