// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/results_description.hpp"

#include <ctime>
#include <filesystem>

#include "engine/core/digest.hpp"

namespace plumbline {

namespace {

/// "2025-01-31T12:00:00Z"
std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void link(const hdf5::Check& check, const hdf5::Handle& group, const std::string& name) {
  check(H5Lcreate_soft(('/' + name).c_str(), group.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        "link '" + name + "'");
}

}  // namespace

std::string coordinate_names(const ResultsLayout& layout) {
  std::string names = "run_id";
  for (const SettingVariable& setting : layout.settings) names += ' ' + setting.name;
  return names;
}

void write_file_attributes(const hdf5::Check& check, hid_t file, const Definition& definition,
                           const Provenance& provenance, const FileIdentity& identity) {
  const std::string date = now();
  const auto set = [&](const char* name, const std::string& text) {
    hdf5::set_attribute(check, file, name, text);
  };
  set("Conventions", "CF-1.10 ACDD-1.3");
  set("title", definition.title);
  set("summary", definition.question);
  set("source", "Plumbline " + provenance_value(provenance, "plumbline_version") + ", commit " +
                    provenance_value(provenance, "git_commit"));
  set("history", date + ": " + provenance_value(provenance, "command_line"));
  set("date_created", date);
  set("id", identity.id);
  set("schema", identity.schema);
  set("schema_version", identity.version);
  set("definition_sha256", definition.sha256);
}

void write_root_attributes(const hdf5::Check& check, hid_t file, const Plan& plan,
                           const ResultsLayout& layout, const Provenance& provenance) {
  std::string run_ids;
  for (const std::string& run_id : layout.run_ids) run_ids += run_id + '\n';
  write_file_attributes(check, file, plan.definition, provenance,
                        {.schema = kResultsSchema,
                         .version = kResultsSchemaVersion,
                         .id = plan.definition.name + '.' + digest(run_ids)});
  hdf5::set_attribute(check, file, "sweep_axes", joined(layout.sweep_axes));
  hdf5::set_attribute(check, file, "coordinates", coordinate_names(layout));
}

hdf5::Handle write_origin(const hdf5::Check& check, hid_t file, const Definition& definition,
                          const Provenance& provenance) {
  hdf5::Handle group = hdf5::create_group(check, file, "provenance");
  for (const auto& [name, value] : provenance) {
    hdf5::set_attribute(check, group.id(), name, value);
  }
  hdf5::set_attribute(check, group.id(), "definition", definition.text);
  hdf5::set_attribute(check, group.id(), "definition_path",
                      std::filesystem::absolute(definition.path).string());
  std::string overrides;
  for (const std::string& one : definition.overrides) overrides += one + '\n';
  hdf5::set_attribute(check, group.id(), "overrides", overrides);
  return group;
}

void write_provenance_group(const hdf5::Check& check, hid_t file, const Plan& plan,
                            const ResultsLayout& layout, const Provenance& provenance) {
  const hdf5::Handle group = write_origin(check, file, plan.definition, provenance);
  hdf5::set_attribute(check, group.id(), "plan", plan_summary(plan, layout));
}

void write_plots(const hdf5::Check& check, hid_t file, const std::vector<std::string>& metrics) {
  const std::vector<std::string> axes = {"run", "step", "layer"};
  const hdf5::Handle plots = hdf5::create_group(check, file, "plots");
  hdf5::set_attribute(check, plots.id(), "NX_class", "NXentry");
  // A viewer follows the attribute `default` from the root to what it draws first.
  hdf5::set_attribute(check, file, "NX_class", "NXroot");
  hdf5::set_attribute(check, file, "default", "plots");
  if (!metrics.empty()) hdf5::set_attribute(check, plots.id(), "default", metrics.front());
  for (const std::string& metric : metrics) {
    const hdf5::Handle plot = hdf5::create_group(check, plots.id(), metric);
    hdf5::set_attribute(check, plot.id(), "NX_class", "NXdata");
    hdf5::set_attribute(check, plot.id(), "signal", metric);
    hdf5::set_attribute(check, plot.id(), "axes", axes);
    link(check, plot, metric);
    for (const std::string& axis : axes) link(check, plot, axis);
  }
}

}  // namespace plumbline
