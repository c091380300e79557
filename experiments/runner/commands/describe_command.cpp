// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/network/model_kinds.hpp"
#include "engine/probes/probe.hpp"
#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/definition_guide.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/plugin_kinds.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kLabelWidth = 13;

// "label    text", the texts of all labels below each other; nothing where there is no text.
void write_field(std::ostream& out, std::string label, const std::string& text) {
  if (text.empty()) return;
  label.resize(kLabelWidth, ' ');
  out << label;
  for (const char c : text) {
    out << c;
    if (c == '\n') out << std::string(kLabelWidth, ' ');
  }
  out << '\n';
}

// What a setting may be: of plug-ins their kind, or the names where `list` has no such kind.
std::string range_of(const SettingInfo& setting) {
  const std::vector<std::string>& kinds = list_kinds();
  if (setting.type != "plugin" || std::ranges::find(kinds, setting.range) != kinds.end()) {
    return setting.range;
  }
  std::string names;
  for (const std::string& name : setting.options) names += (names.empty() ? "" : ", ") + name;
  return "one of " + names;
}

void write_settings(const std::vector<SettingInfo>& settings, std::ostream& out) {
  TextTable table({{"setting"}, {"type"}, {"default", Align::right}, {"range"}, {"meaning"}});
  for (const SettingInfo& setting : settings) {
    const bool is_table = std::holds_alternative<SettingsTable>(setting.default_value.value);
    table.add_row({setting.name, setting.type, is_table ? "" : to_string(setting.default_value),
                   range_of(setting), setting.meaning});
  }
  table.write_plain(out, kWidth);
}

void describe_plugin(const std::string& kind, const PluginInfo& info, std::ostream& out) {
  out << info.name << " (" << kind << ")\n" << info.summary << "\n\n";
  write_field(out, "formula", info.formula);
  write_field(out, "paper", info.paper);
  if (info.settings.empty()) {
    write_field(out, "settings", "none");
    return;
  }
  out << '\n';
  write_settings(info.settings, out);
}

/// The quantities of a probe by default, and those that it has besides where one of its integers is
/// large, with the name of that setting.
std::vector<std::pair<Quantity, std::string>> quantities_of(const ProbeEntry& probe) {
  const auto quantities_with = [&](const SettingsTable& given) {
    SettingsReport report;
    Settings settings(given, "", report);
    return probe.make(settings)->quantities();
  };
  std::vector<std::pair<Quantity, std::string>> all;
  for (Quantity& quantity : quantities_with({})) all.emplace_back(std::move(quantity), "");
  for (const SettingInfo& setting : probe.info.settings) {
    if (setting.type != "integer" || !std::isfinite(setting.bounds.high)) continue;
    SettingsTable given;
    given.set(setting.name, {static_cast<std::int64_t>(setting.bounds.high), {}});
    for (Quantity& quantity : quantities_with(given)) {
      const bool is_new = std::ranges::none_of(
          all, [&](const auto& one) { return one.first.name == quantity.name; });
      if (is_new) all.emplace_back(std::move(quantity), setting.name);
    }
  }
  return all;
}

void describe_probe(const std::string& kind, const ProbeEntry& probe, std::ostream& out) {
  describe_plugin(kind, probe.info, out);
  out << '\n';
  TextTable table({{"variable"}, {"dimensions"}, {"units"}, {"meaning"}});
  for (const auto& [quantity, setting] : quantities_of(probe)) {
    std::string dimensions = "run, step";
    if (quantity.axis != QuantityAxis::none)
      dimensions += ", " + std::string(to_string(quantity.axis));
    table.add_row({quantity.name, dimensions, quantity.units,
                   quantity.summary + (setting.empty() ? "" : " With " + setting + ".")});
  }
  table.write_plain(out, kWidth);
}

void describe_model(const ModelKindInfo& model, std::ostream& out) {
  out << model.name << " (kind of model)\n" << model.summary << "\n\n";
  write_field(out, "formula", model.formula);
  write_field(out, "paper", model.paper);
  write_field(out, "settings", "those of all models: `plumbline describe model`");
  const std::vector<GuidedTable> tables = definition_guide();
  const auto table = std::ranges::find(tables, "model", &GuidedTable::name);
  std::vector<SettingInfo> own;
  for (const SettingInfo& setting : table->settings) {
    const bool is_own = std::ranges::find(model.settings, setting.name) != model.settings.end();
    if (is_own) own.push_back(setting);
  }
  if (own.empty()) return;
  out << '\n';
  write_settings(own, out);
}

/// The words with commas between them, in lines of at most `width` columns.
std::string wrapped(const std::vector<std::string>& words, std::size_t width) {
  std::string text;
  std::size_t line_begin = 0;
  for (const std::string& word : words) {
    if (!text.empty()) {
      const bool fits = text.size() - line_begin + 3 + word.size() <= width;
      text += fits ? ", " : ",\n";
      if (!fits) line_begin = text.size();
    }
    text += word;
  }
  return text;
}

void describe_table(const GuidedTable& table, std::ostream& out) {
  out << table.name << " (table of a definition)\n" << table.summary << "\n\n";
  write_settings(table.settings, out);
  if (table.plugins.empty()) return;
  out << '\n';
  write_field(out, table.kind, wrapped(table.plugins, kWidth - kLabelWidth));
}

/// "; did you mean 'adam', 'adan' or 'adamw'?", the nearest first, or where the names are.
std::string nearest_names(const std::string& name, std::vector<std::string> known) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> near;
  while (near.size() < kMost) {
    const std::string next = nearest_name(name, known);
    if (next.empty()) break;
    near.push_back('\'' + next + '\'');
    std::erase(known, next);
  }
  if (near.empty()) return "; `plumbline list` prints all names";
  std::string text = "; did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i > 0) text += i + 1 == near.size() ? " or " : ", ";
    text += near[i];
  }
  return text + '?';
}

/// "2, 8", and for trials what they are drawn from: "(halton, seed 7) 0.0023, 0.41".
std::string values_text(const SweepAxis& axis, std::size_t key) {
  std::string values;
  for (const AxisPoint& point : axis.points) {
    values += (values.empty() ? "" : ", ") + to_string(point[key].value);
  }
  return axis.drawn.empty() ? values : "(" + axis.drawn + ") " + values;
}

void describe_experiment(const std::filesystem::path& path, std::ostream& out) {
  std::vector<Problem> ignored;
  const Definition definition = read_definition(path, {}, ignored);
  out << path.stem().string() << " (experiments)\n" << definition.title << "\n\n";
  write_field(out, "question", definition.question);
  write_field(out, "expectation", definition.expectation);
  write_field(out, "paper", definition.paper);
  write_field(out, "file", path.string());
  out << '\n';
  for (const Study& study : definition.studies) {
    if (&study != &definition.studies.front()) out << '\n';
    if (!study.name.empty()) write_field(out, "study", study.name);
    TextTable table({{"axis"}, {"values"}});
    for (const SweepAxis& axis : study.axes) {
      for (std::size_t k = 0; k < axis.keys.size(); ++k) {
        table.add_row({axis.keys[k], values_text(axis, k)});
      }
    }
    table.write_plain(out, kWidth);
  }
}

}  // namespace

int describe_command(const DescribeOptions& options, std::ostream& out, std::ostream& err) {
  std::vector<std::string> known;
  bool found = false;
  const auto matches = [&](const std::string& name) {
    known.push_back(name);
    if (name != options.name) return false;
    if (found) out << '\n';
    found = true;
    return true;
  };
  for (const PluginKind& kind : plugin_kinds()) {
    for (const PluginInfo* info : kind.plugins) {
      if (!matches(info->name)) continue;
      if (kind.name == probe_catalogue().kind()) {
        describe_probe(kind.name, *probe_catalogue().find(info->name), out);
      } else {
        describe_plugin(kind.name, *info, out);
      }
    }
  }
  for (const ModelKindInfo& model : model_kind_infos()) {
    if (matches(model.name)) describe_model(model, out);
  }
  for (const GuidedTable& table : definition_guide()) {
    if (matches(table.name)) describe_table(table, out);
  }
  for (const GuidedTable& table : tables_of_studies()) {
    if (matches(table.name)) describe_table(table, out);
  }
  for (const std::filesystem::path& path : shipped_definitions()) {
    if (matches(path.stem().string())) describe_experiment(path, out);
  }
  if (found) return kAllWell;
  err << "'" << options.name << "' is no plug-in, no model, no table and no definition that ships"
      << nearest_names(options.name, std::move(known)) << '\n';
  return kWrongUsage;
}

}  // namespace plumbline
