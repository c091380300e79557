// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/training/explained_step.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/explained_text.hpp"
#include "experiments/runner/commands/inspection_commands.hpp"
#include "experiments/runner/commands/single_run.hpp"
#include "experiments/runner/text/setting_json.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

// With more nobody reads it; and names such as w1_23 have one digit for the unit, one for the input.
constexpr std::size_t kMostUnits = 9;
constexpr std::size_t kMostParameters = 100;
constexpr std::size_t kMostExamples = 4;

// What is too large in this net, or an empty text.
std::string too_large(const RunConfiguration& run) {
  const auto message = [](std::size_t has, const char* what, std::size_t most) {
    return "the run has " + std::to_string(has) + ' ' + what + "; explain prints at most " +
           std::to_string(most);
  };
  if (!run.model.is_dense()) {
    const auto other = std::ranges::find_if(
        run.model.hidden, [](const NamedLayer& layer) { return !layer.kind->is_dense(); });
    const std::string name =
        other == run.model.hidden.end() ? "a layer of the run's model" : other->name;
    return name + " is not dense; explain tells dense layers alone";
  }
  if (run.batch > kMostExamples) return message(run.batch, "examples in a batch", kMostExamples);
  const ParameterLayout layout = parameter_layout(run.model, run.input(), run.data->outputs());
  if (layout.size() > kMostParameters) {
    return message(layout.size(), "parameters", kMostParameters);
  }
  for (const ParameterTensor& tensor : layout.tensors()) {
    const std::size_t units = std::max(tensor.rows, tensor.cols);
    if (units > kMostUnits) return message(units, "units in a layer", kMostUnits);
  }
  return "";
}

ordered_json number(double value) { return setting_json({value, {}}); }

ordered_json named(const std::string& symbol, const std::vector<double>& values) {
  ordered_json object = ordered_json::object();
  for (std::size_t i = 0; i < values.size(); ++i) {
    object[symbol + '_' + std::to_string(i + 1)] = number(values[i]);
  }
  return object;
}

ordered_json parameters(const ParameterLayout& layout, const std::vector<double>& block) {
  ordered_json object = ordered_json::object();
  for (const ParameterTensor& tensor : layout.tensors()) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      object[parameter_symbol(tensor, i)] = number(block[tensor.offset + i]);
    }
  }
  return object;
}

// The parameters that have a value in the block.
ordered_json kept(const ParameterLayout& layout, const StateBlock& block) {
  ordered_json object = parameters(layout, block.values);
  for (auto entry = object.begin(); entry != object.end();) {
    entry = entry->is_null() ? object.erase(entry) : std::next(entry);
  }
  return object;
}

ordered_json state(const ExplainedStep& step) {
  ordered_json blocks = ordered_json::array();
  for (std::size_t b = 0; b < step.state_after.size(); ++b) {
    if (step.state_after[b].values.empty()) continue;
    blocks.push_back({{"name", step.state_after[b].name},
                      {"before", kept(step.layout, step.state_before[b])},
                      {"after", kept(step.layout, step.state_after[b])}});
  }
  return blocks;
}

ordered_json rules(const ExplainedStep& step) {
  ordered_json object = ordered_json::object();
  for (std::size_t i = 0; i < step.rules.size(); ++i) {
    ordered_json& list = object[tensor_symbol(step.layout.tensors()[i])] = ordered_json::array();
    for (const UpdateRule& rule : step.rules[i]) {
      list.push_back({{"name", rule.name}, {"formula", rule.formula}, {"table", rule.path}});
    }
  }
  return object;
}

ordered_json to_json(const ExplainedStep& step, const SingleRun& run) {
  ordered_json examples = ordered_json::array();
  for (const ExplainedExample& example : step.examples) {
    ordered_json object = named("x", example.inputs);
    object.update(named("t", example.target));
    for (std::size_t l = 0; l < example.layers.size(); ++l) {
      const std::string layer = std::to_string(l + 1);
      object.update(named("z" + layer, example.layers[l].z));
      object.update(named("a" + layer, example.layers[l].a));
      object.update(named("delta" + layer, example.layers[l].delta));
    }
    object["L"] = number(example.loss);
    object.update(named("dL/dy", example.loss_slope));
    examples.push_back(std::move(object));
  }
  return {{"run_id", run.spec.run_id},
          {"step", step.step},
          {"examples", std::move(examples)},
          {"loss", number(step.loss)},
          {"schedule_factor", number(step.schedule_factor)},
          {"rules", rules(step)},
          {"state", state(step)},
          {"before", parameters(step.layout, step.before)},
          {"gradient", parameters(step.layout, step.gradient)},
          {"after", parameters(step.layout, step.after)}};
}

}  // namespace

int explain_command(const ExplainOptions& options, std::ostream& out, std::ostream& err) {
  const SingleRun run = single_run(options.run.definition, options.run.overrides,
                                   options.run.run_id, options.run.data_folders, options.run.yes);
  const RunConfiguration& configuration = run.spec.configuration;
  if (const std::string message = too_large(configuration); !message.empty()) {
    err << message << '\n';
    return kWrongUsage;
  }
  if (options.step < 0 || options.step >= configuration.steps) {
    err << "--step is " << options.step << "; the run has " << configuration.steps
        << " updates, counted from 0\n";
    return kWrongUsage;
  }
  const Dataset data = configuration.data->load(options.run.data_folders);
  const Explanation explanation = explain_step(configuration, data, options.step);
  if (!explanation.step) {
    err << "the run ends before its step " << options.step << ": " << explanation.message << '\n';
    return kNotWell;
  }
  if (options.run.json) {
    out << to_json(*explanation.step, run).dump(2) << '\n';
  } else {
    out << run.title() << ", step " << options.step << '\n';
    write_explanation(*explanation.step, configuration, out);
  }
  return kAllWell;
}

}  // namespace plumbline
