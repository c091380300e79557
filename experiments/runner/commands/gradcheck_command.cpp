// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/inspection_commands.hpp"
#include "experiments/runner/commands/single_run.hpp"
#include "experiments/runner/text/setting_json.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

// "layer_3.weight" is "weight" in a row that has the layer.
std::string part_of(const ParameterTensor& tensor) {
  return tensor.name.substr(tensor.name.rfind('.') + 1);
}

ordered_json number(double value) { return setting_json({value, {}}); }

ordered_json to_json(const GradientCheck& check, const std::string& title) {
  ordered_json tensors = ordered_json::array();
  for (const TensorCheck& one : check.tensors) {
    tensors.push_back({{"layer", one.tensor.layer},
                       {"tensor", part_of(one.tensor)},
                       {"size", one.tensor.size()},
                       {"checked", one.checked},
                       {"skipped", one.skipped},
                       {"largest_gradient", number(one.largest_gradient)},
                       {"largest_difference", number(one.largest_difference)},
                       {"rounding", number(one.rounding)},
                       {"verdict", to_string(one.verdict)}});
  }
  return {{"run", title},
          {"loss", number(check.loss)},
          {"noise", number(check.noise)},
          {"tolerance", kGradientTolerance},
          {"holds", check.holds()},
          {"tensors", std::move(tensors)}};
}

// On a net where that takes more than a few seconds: what is going on until the table comes.
void tell_of_a_long_check(const RunConfiguration& run, std::size_t most, std::ostream& err) {
  constexpr double kLong = 1e11;
  constexpr int kFewestPasses = 6;
  const ParameterLayout layout = parameter_layout(run.model, run.input(), run.data->outputs());
  std::size_t checked = 0;
  for (const ParameterTensor& tensor : layout.tensors()) checked += std::min(tensor.size(), most);
  const double flops = flops_of_a_pass(run) * kFewestPasses * static_cast<double>(checked);
  if (flops < kLong) return;
  err << "Checks " << checked << " parameters by " << kFewestPasses
      << " passes over the batch each, or more: " << short_number(flops, 2)
      << " operations; --sample takes fewer of each tensor.\n";
}

}  // namespace

int print_gradient_check(const GradientCheck& check, const std::string& title, bool json,
                         std::ostream& out, std::ostream& err) {
  if (!std::isfinite(check.loss)) {
    err << title << ": the loss of the first batch is " << short_number(check.loss)
        << "; there is no gradient to check\n";
    return kNotWell;
  }
  if (json) {
    out << to_json(check, title).dump(2) << '\n';
    return check.holds() ? kAllWell : kNotWell;
  }
  out << title << ", first batch, in float64: loss " << short_number(check.loss, 6)
      << ", its rounding " << short_number(check.noise, 2) << "\n\n";
  TextTable table({{"layer", Align::right},
                   {"tensor"},
                   {"size", Align::right},
                   {"checked", Align::right},
                   {"skipped", Align::right},
                   {"largest gradient", Align::right},
                   {"largest difference", Align::right},
                   {"rounding", Align::right},
                   {"verdict"}});
  bool skipped = false;
  bool unseen = false;
  for (const TensorCheck& one : check.tensors) {
    const bool any = one.checked > 0;
    table.add_row({std::to_string(one.tensor.layer), part_of(one.tensor),
                   std::to_string(one.tensor.size()), std::to_string(one.checked),
                   std::to_string(one.skipped), any ? short_number(one.largest_gradient, 2) : "",
                   any ? short_number(one.largest_difference, 2) : "",
                   any ? short_number(one.rounding, 2) : "", std::string(to_string(one.verdict))});
    skipped = skipped || one.skipped > 0;
    unseen = unseen || one.verdict == GradientVerdict::below_rounding;
  }
  table.write_plain(out);
  out << "\nDifference and rounding are relative to the largest gradient. A parameter agrees "
         "within "
      << short_number(kGradientTolerance) << "\nof its own gradient plus rounding.\n";
  if (skipped) out << "Beside skipped parameters the loss is not smooth enough to tell.\n";
  if (unseen) out << "Gradients below rounding are too small for finite differences to see.\n";
  if (!check.holds()) out << "The gradient is wrong.\n";
  return check.holds() ? kAllWell : kNotWell;
}

int gradcheck_command(const GradcheckOptions& options, std::ostream& out, std::ostream& err) {
  const SingleRun run = single_run(options.run.definition, options.run.overrides,
                                   options.run.run_id, options.run.data_folders, options.run.yes);
  const RunConfiguration& configuration = run.spec.configuration;
  if (configuration.model.precision != Precision::float64) {
    err << "The run is in float32; its gradient is checked in float64.\n";
  }
  const Dataset data = configuration.data->load(options.run.data_folders);
  tell_of_a_long_check(configuration,
                       options.all ? std::numeric_limits<std::size_t>::max() : options.sample, err);
  const GradientCheckOptions how{
      .most = options.all ? std::numeric_limits<std::size_t>::max() : options.sample,
      .seed = run.spec.seed};
  return print_gradient_check(check_gradient(configuration, data, how), run.title(),
                              options.run.json, out, err);
}

}  // namespace plumbline
