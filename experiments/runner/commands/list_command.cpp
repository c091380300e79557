// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <nlohmann/json.hpp>

#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/plugin_kinds.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/text/setting_json.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kWidth = 100;
const std::string kExperiments = "experiments";

struct ListedKind {
  std::string name;
  std::vector<PluginInfo> members;
  std::vector<std::string> runs = {};  ///< of each member, where the members are experiments
};

// What definitions say of themselves; mistakes in them are for `check` to tell.
ListedKind experiments() {
  ListedKind kind{kExperiments, {}};
  for (const std::filesystem::path& path : shipped_definitions()) {
    std::vector<Problem> ignored;
    const Definition definition = read_definition(path, {}, ignored);
    const std::string& summary =
        definition.question.empty() ? definition.title : definition.question;
    kind.members.push_back({path.stem().string(), summary, "", definition.paper, {}});
    kind.runs.push_back(std::to_string(number_of_runs(definition)));
  }
  return kind;
}

std::vector<ListedKind> listed(const std::string& wanted) {
  std::vector<ListedKind> kinds;
  for (const PluginKind& kind : plugin_kinds()) {
    if (!wanted.empty() && wanted != kind.name) continue;
    kinds.push_back({kind.name, {}});
    for (const PluginInfo* info : kind.plugins) kinds.back().members.push_back(*info);
  }
  if (wanted.empty() || wanted == kExperiments) kinds.push_back(experiments());
  return kinds;
}

ordered_json to_json(const std::vector<ListedKind>& kinds) {
  ordered_json array = ordered_json::array();
  for (const ListedKind& kind : kinds) {
    for (const PluginInfo& info : kind.members) {
      ordered_json settings = ordered_json::array();
      for (const SettingInfo& setting : info.settings) {
        settings.push_back({{"name", setting.name},
                            {"type", setting.type},
                            {"default", setting_json(setting.default_value)},
                            {"range", setting.range},
                            {"meaning", setting.meaning}});
      }
      array.push_back({{"name", info.name},
                       {"kind", kind.name},
                       {"summary", info.summary},
                       {"paper", info.paper},
                       {"settings", std::move(settings)}});
    }
  }
  return array;
}

}  // namespace

const std::vector<std::string>& list_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> names;
    for (const PluginKind& kind : plugin_kinds()) names.push_back(kind.name);
    names.push_back(kExperiments);
    return names;
  }();
  return kinds;
}

int list_command(const ListOptions& options, std::ostream& out, std::ostream& err) {
  const std::vector<std::string>& known = list_kinds();
  if (!options.kind.empty() && std::ranges::find(known, options.kind) == known.end()) {
    err << "there is no kind '" << options.kind << "'" << suggestion(options.kind, known) << '\n';
    return kWrongUsage;
  }
  const std::vector<ListedKind> kinds = listed(options.kind);
  if (options.json) {
    out << to_json(kinds).dump(2) << '\n';
    return kAllWell;
  }
  bool first = true;
  for (const ListedKind& kind : kinds) {
    if (!first) out << '\n';
    first = false;
    const bool has_heading = options.kind.empty();
    if (has_heading) out << (options.markdown ? "### " : "") << kind.name << "\n\n";
    TextTable table = kind.runs.empty()
                          ? TextTable({{"name"}, {"summary"}, {"paper"}})
                          : TextTable({{"name"}, {"question"}, {"runs", Align::right}, {"paper"}});
    for (std::size_t i = 0; i < kind.members.size(); ++i) {
      const PluginInfo& info = kind.members[i];
      std::vector<std::string> row = {options.markdown ? '`' + info.name + '`' : info.name,
                                      info.summary};
      if (!kind.runs.empty()) row.push_back(kind.runs[i]);
      row.push_back(info.paper);
      table.add_row(std::move(row));
    }
    if (options.markdown) {
      table.write_markdown(out);
    } else {
      table.write_plain(out, kWidth);
    }
  }
  return kAllWell;
}

}  // namespace plumbline
