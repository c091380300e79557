// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/training/run_configuration.hpp"
#include "experiments/runner/commands.hpp"
#include "experiments/runner/definition.hpp"
#include "experiments/runner/plugin_kinds.hpp"
#include "experiments/runner/text_table.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kWidth = 100;

// "label    text", the texts of all labels below each other; nothing where there is no text.
void write_field(std::ostream& out, std::string label, const std::string& text) {
  constexpr std::size_t kLabelWidth = 13;
  if (text.empty()) return;
  label.resize(kLabelWidth, ' ');
  out << label;
  for (const char c : text) {
    out << c;
    if (c == '\n') out << std::string(kLabelWidth, ' ');
  }
  out << '\n';
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
  TextTable table({{"setting"}, {"type"}, {"default", Align::right}, {"range"}, {"meaning"}});
  for (const SettingInfo& setting : info.settings) {
    table.add_row({setting.name, setting.type, to_string(setting.default_value), setting.range,
                   setting.meaning});
  }
  table.write_plain(out, kWidth);
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
  TextTable table({{"axis"}, {"values"}});
  for (const SweepAxis& axis : definition.axes) {
    std::string values;
    for (const SettingNode& value : axis.values) {
      values += (values.empty() ? "" : ", ") + to_string(value);
    }
    table.add_row({axis.key, values});
  }
  table.write_plain(out, kWidth);
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
      if (matches(info->name)) describe_plugin(kind.name, *info, out);
    }
  }
  for (const TableInfo& table : definition_tables()) {
    if (matches(table.name)) {
      describe_plugin("table of a definition", {table.name, table.summary, "", "", table.settings},
                      out);
    }
  }
  for (const std::filesystem::path& path : shipped_definitions()) {
    if (matches(path.stem().string())) describe_experiment(path, out);
  }
  if (found) return 0;
  err << "'" << options.name << "' is no plug-in, no table and no definition that ships"
      << suggestion(options.name, known) << '\n';
  return 2;
}

}  // namespace plumbline
