// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/definition_schema.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/sampling.hpp"
#include "engine/network/model_kinds.hpp"
#include "experiments/runner/commands/definition_guide.hpp"
#include "experiments/runner/commands/plugin_kinds.hpp"
#include "experiments/runner/commands/setting_schema.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

// A way in which a definition writes the values of settings. The parts of the schema that are for it have
// its suffix.
struct Form {
  std::string suffix;
  std::function<ordered_json(ordered_json)> leaf;  ///< from the schema of one value
};

ordered_json list_of(ordered_json items) {
  return {{"type", "array"}, {"minItems", 1}, {"items", std::move(items)}};
}

// One value: `lr = 0.1`.
const Form kValues{".table", [](ordered_json value) { return value; }};
// The values of an axis: `lr = [0.1, 0.2]`.
const Form kAxes{".axes", [](ordered_json value) {
                   value = list_of(std::move(value));
                   value["uniqueItems"] = true;
                   return value;
                 }};

// The same where several keys make one axis, of which one may have a value twice.
const Form kColumns{".columns", [](ordered_json value) { return list_of(std::move(value)); }};
// The values that a run may have for a rule to hold: `lr = 0.1` or `lr = [0.1, 0.2]`.
const Form kChoices{".choices", [](ordered_json value) {
                      ordered_json list = list_of(value);
                      return any_of({std::move(value), std::move(list)});
                    }};

struct Kind {
  std::string name;
  std::vector<PluginInfo> plugins;
};

// A setting that is the table of this name.
SettingInfo table_setting(std::string name, std::string table, std::string meaning) {
  return {std::move(name), "table", {SettingsTable(), {}}, std::move(table), std::move(meaning)};
}

std::vector<std::string> names_of(const Kind& kind) {
  std::vector<std::string> names;
  for (const PluginInfo& plugin : kind.plugins) names.push_back(plugin.name);
  return names;
}

// Names, of which editors show what each is.
ordered_json name_schema(const Kind& kind) {
  ordered_json meanings = ordered_json::array();
  for (const PluginInfo& plugin : kind.plugins) meanings.push_back(plugin.summary);
  return {{"type", "string"},
          {"enum", names_of(kind)},
          {"x-taplo", {{"docs", {{"enumValues", std::move(meanings)}}}}}};
}

std::string about(const PluginInfo& plugin) {
  std::string text = plugin.summary;
  for (const std::string& more : {plugin.formula, plugin.paper}) {
    if (!more.empty()) text += "\n\n" + more;
  }
  return text;
}

// When something is recorded follows from one of Sampling's settings.
ordered_json with_one_rule(ordered_json table) {
  const auto rules = declared_settings([](Settings& settings) { const Sampling unused(settings); });
  ordered_json pairs = ordered_json::array();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = i + 1; j < rules.size(); ++j) {
      ordered_json in_force = ordered_json::object();
      for (const SettingInfo* rule : {&rules[i], &rules[j]}) {
        if (rule->type == "integer") in_force[rule->name] = {{"exclusiveMinimum", 0}};
      }
      pairs.push_back({{"required", {rules[i].name, rules[j].name}}, {"properties", in_force}});
    }
  }
  table["not"] = {{"anyOf", std::move(pairs)}};
  return table;
}

ordered_json with_required(ordered_json table, const std::vector<std::string>& keys) {
  table["required"] = keys;
  return table;
}

/// Collects the parts of the schema. For each kind of plug-in, such as "optimizers":
///   optimizers.adam     a table with this name, and so on for each
///   optimizers.named    a name, or one of these tables
///   optimizers.unnamed  a table without a name: the default, or one that an axis names
///   optimizers.table    either of these tables, for groups of parameters
///   optimizers          any of all
/// For each table that is no plug-in, such as "model", there is model.table. Both have as ".axes" the
/// tree of keys that leads to the axes of a sweep, and so on for each form that the definition's own
/// tables need.
class SchemaWriter {
 public:
  SchemaWriter() {
    for (const PluginKind& kind : plugin_kinds()) {
      kinds_.push_back({kind.name, {}});
      for (const PluginInfo* info : kind.plugins) kinds_.back().plugins.push_back(*info);
    }
    for (const GuidedTable& table : definition_guide()) add(table);
    add_forms();
    for (const Kind& kind : kinds_) write_kind(kind);
    for (const auto& [name, settings] : tables_) write_table(name, settings);
    write_probes();
    write_forms("settings", [this](const Form& form) { return tree(settings_, form); });
  }

  ordered_json schema() && {
    ordered_json properties = {
        {"schema", {{"const", 1}, {"description", "the version of the language"}}},
        {"name",
         {{"type", "string"},
          {"pattern", "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"},
          {"description", "results files are named after it"}}},
        {"title", {{"type", "string"}, {"description", "one line for people"}}},
        {"about", about_table()}};
    properties.update(definitions_["settings.table"]["properties"]);
    properties["sweep"] = nested(sweep_);
    if (!study_.empty()) {
      ordered_json study = nested(study_);
      ordered_json& search = study["properties"]["search"];
      search = with_required(std::move(search), {"method", "space"});
      properties["study"] = list_of(std::move(study));
    }
    ordered_json schema = closed_table(std::move(properties));
    ordered_json head = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                         {"title", "Definition of an experiment with Plumbline"}};
    head.update(schema);
    head = with_required(std::move(head), {"schema", "name"});
    head["definitions"] = std::move(definitions_);
    return head;
  }

 private:
  // Takes from the guide which tables there are, and what plug-ins have beside their own settings.
  void add(const GuidedTable& table) {
    std::vector<SettingInfo> settings = table.settings;
    std::erase_if(settings, [](const SettingInfo& one) { return one.name == "name"; });
    if (table.name == "sweep") {
      sweep_ = settings;
    } else if (table.name == "study") {
      study_ = table.settings;
    } else if (table.name == "groups") {
      for (SettingInfo& group : settings) group.range = "optimizers";
      tables_.emplace_back("groups", settings);
    } else if (table.name == "probes") {
      sampling_ = declared_settings([](Settings& own) { const Sampling unused(own); });
      settings_.push_back(table_setting("probes", "probes", table.summary));
    } else if (!table.kind.empty()) {
      for (SettingInfo& setting : settings) {
        if (setting.type == "table") setting.range = setting.name;
      }
      for (PluginInfo& plugin : kind(table.kind).plugins) {
        for (const SettingInfo& setting : settings) add_setting(plugin.settings, setting);
      }
      settings_.push_back({table.name, "plugin", {SettingsTable(), {}}, table.kind, table.summary});
    } else if (const std::size_t dot = table.name.find('.'); dot != std::string::npos) {
      const auto outer =
          std::ranges::find(tables_, table.name.substr(0, dot), &NamedSettings::first);
      outer->second.push_back(table_setting(table.name.substr(dot + 1), table.name, table.summary));
      tables_.emplace_back(table.name, settings);
    } else {
      for (const SettingInfo& setting : settings) add_kind_of(setting);
      if (table.name == "model") add_recurrent_layers(settings);
      tables_.emplace_back(table.name, settings);
      settings_.push_back(table_setting(table.name, table.name, table.summary));
    }
  }

  // A plug-in's own settings come before those that all of its kind have.
  static void add_setting(std::vector<SettingInfo>& settings, const SettingInfo& more) {
    const auto same = std::ranges::find(settings, more.name, &SettingInfo::name);
    if (same == settings.end()) settings.push_back(more);
  }

  // What a setting chooses from may be a selection of layers, which has no catalogue of its own.
  void add_kind_of(const SettingInfo& setting) {
    if (setting.type != "plugin" || find_kind(setting.range) != nullptr) return;
    Kind chosen{setting.range, {}};
    for (const std::string& name : setting.options) {
      const std::vector<PluginInfo>& layers = kind("layers").plugins;
      const auto layer = std::ranges::find(layers, name, &PluginInfo::name);
      chosen.plugins.push_back(layer == layers.end() ? PluginInfo{name} : *layer);
    }
    kinds_.push_back(std::move(chosen));
  }

  // A recurrent model has the settings of its layers in a table of their name.
  void add_recurrent_layers(std::vector<SettingInfo>& model) {
    for (const PluginInfo& layer : kind("layers").plugins) {
      if (!ModelKind{layer.name}.is_recurrent()) continue;
      tables_.emplace_back("model." + layer.name, layer.settings);
      model.push_back(table_setting(layer.name, "model." + layer.name,
                                    "of a model of this kind: " + layer.summary));
    }
  }

  Kind* find_kind(const std::string& name) {
    const auto found = std::ranges::find(kinds_, name, &Kind::name);
    return found == kinds_.end() ? nullptr : &*found;
  }
  Kind& kind(const std::string& name) { return *find_kind(name); }

  // The setting as a key of a table that is written in this form.
  ordered_json property(const SettingInfo& setting, const Form& form) const {
    if (setting.type == "table") {
      return described(schema_reference(setting.range + form.suffix), setting);
    }
    if (setting.type == "plugins") {
      return described(form.leaf(list_of(schema_reference(setting.range + ".named"))), setting);
    }
    if (setting.type != "plugin") {
      return described(form.leaf(plain_value_schema(setting)), setting);
    }
    const ordered_json value = schema_reference(setting.range);
    if (form.suffix == kValues.suffix) return described(value, setting);
    return described(any_of({form.leaf(value), schema_reference(setting.range + form.suffix)}),
                     setting);
  }

  ordered_json tree(const std::vector<SettingInfo>& settings, const Form& form) const {
    ordered_json properties = ordered_json::object();
    for (const SettingInfo& setting : settings) {
      properties[setting.name] = property(setting, form);
    }
    return closed_table(std::move(properties));
  }

  // The settings of all plug-ins of the kind: what is known where no name is.
  ordered_json union_of(const Kind& kind, const Form& form) const {
    std::vector<std::string> names;
    ordered_json properties = ordered_json::object();
    for (const PluginInfo& plugin : kind.plugins) {
      for (const SettingInfo& setting : plugin.settings) {
        if (std::ranges::find(names, setting.name) == names.end()) names.push_back(setting.name);
      }
    }
    for (const std::string& name : names) properties[name] = any_setting(kind, name, form);
    return closed_table(std::move(properties));
  }

  // The setting of this name of whichever plug-in, described as the first of them describes it.
  ordered_json any_setting(const Kind& kind, const std::string& name, const Form& form) const {
    const SettingInfo* first = nullptr;
    std::vector<ordered_json> alternatives;
    for (const PluginInfo& plugin : kind.plugins) {
      for (const SettingInfo& setting : plugin.settings) {
        if (setting.name != name) continue;
        if (first == nullptr) first = &setting;
        ordered_json one = property(setting, form);
        one.erase("description");
        one.erase("default");
        alternatives.push_back(std::move(one));
      }
    }
    SettingInfo shown = *first;
    shown.default_value = {SettingsTable(), {}};
    return described(any_of(alternatives), shown);
  }

  void write_kind(const Kind& kind) {
    if (kind.name == "probes") return;
    std::vector<ordered_json> tables;
    for (const PluginInfo& plugin : kind.plugins) {
      ordered_json table = tree(plugin.settings, kValues);
      ordered_json properties = {
          {"name", {{"const", plugin.name}, {"description", plugin.summary}}}};
      properties.update(table["properties"]);
      table["title"] = plugin.name;
      table["description"] = about(plugin);
      table["properties"] = std::move(properties);
      definitions_[kind.name + '.' + plugin.name] = with_required(std::move(table), {"name"});
      tables.push_back(schema_reference(kind.name + '.' + plugin.name));
    }
    std::vector<ordered_json> named = tables;
    named.insert(named.begin(), name_schema(kind));
    definitions_[kind.name + ".named"] = any_of(named);
    if (kind.name == "layers") return;  // which stand in lists alone, where each needs its name

    definitions_[kind.name + ".unnamed"] = union_of(kind, kValues);
    if (kind.name == "optimizers") {  // for groups of parameters, where a name alone will not do
      tables.push_back(schema_reference(kind.name + ".unnamed"));
      definitions_[kind.name + kValues.suffix] = any_of(tables);
    }
    definitions_[kind.name] =
        any_of({schema_reference(kind.name + ".named"), schema_reference(kind.name + ".unnamed")});
    for (const Form& form : forms_) {
      ordered_json keys = union_of(kind, form);
      keys["properties"]["name"] = form.leaf(name_schema(kind));
      definitions_[kind.name + form.suffix] = std::move(keys);
    }
  }

  void write_table(const std::string& name, const std::vector<SettingInfo>& settings) {
    write_forms(name, [&](const Form& form) { return tree(settings, form); });
    if (name == "train.evaluate") {
      ordered_json& table = definitions_[name + kValues.suffix];
      table = with_one_rule(std::move(table));
    }
  }

  // Each probe is a table, which may be empty, of its own settings and of when it measures.
  void write_probes() {
    std::vector<SettingInfo> all;
    for (const PluginInfo& probe : kind("probes").plugins) {
      std::vector<SettingInfo> settings = sampling_;
      settings.insert(settings.end(), probe.settings.begin(), probe.settings.end());
      const std::string name = "probes." + probe.name;
      write_forms(name, [&](const Form& form) { return tree(settings, form); });
      ordered_json& table = definitions_[name + kValues.suffix];
      table = with_one_rule(std::move(table));
      all.push_back(table_setting(probe.name, name, about(probe)));
    }
    write_forms("probes", [&](const Form& form) { return tree(all, form); });
  }

  // A table of settings in every form; but for one value also whole, as what a setting may be.
  template <class Tree>
  void write_forms(const std::string& name, const Tree& tree_in) {
    definitions_[name + kValues.suffix] = tree_in(kValues);
    const ordered_json whole = schema_reference(name + kValues.suffix);
    for (const Form& form : forms_) {
      ordered_json keys = tree_in(form);
      definitions_[name + form.suffix] =
          name == "settings" ? std::move(keys) : any_of({form.leaf(whole), std::move(keys)});
    }
  }

  static ordered_json about_table() {
    ordered_json properties = ordered_json::object();
    for (const char* key : {"question", "expectation", "paper"}) {
      properties[key] = {{"type", "string"}};
    }
    ordered_json table = closed_table(std::move(properties));
    table["description"] = "What the experiment is for.";
    return table;
  }

  // The forms in which the definition's own tables hold settings.
  void add_forms() {
    const auto has = [](const std::vector<SettingInfo>& settings, std::string_view name) {
      return std::ranges::find(settings, name, &SettingInfo::name) != settings.end();
    };
    forms_ = {kAxes};
    if (has(sweep_, "zip")) forms_.push_back(kColumns);
    if (has(sweep_, "exclude")) forms_.push_back(kChoices);
    if (has(study_, "search.space")) forms_.push_back(dimensions());
  }

  // Of a search: `lr = [0.1, 0.2]` or a table of what is called search.space.KEY.
  Form dimensions() const {
    std::vector<SettingInfo> settings;
    for (SettingInfo setting : study_) {
      if (!setting.name.starts_with(kOfDimension)) continue;
      setting.name.erase(0, kOfDimension.size());
      settings.push_back(std::move(setting));
    }
    return {".space", [this, settings](const ordered_json& value) {
              ordered_json listed = ordered_json::object();
              ordered_json ranged = ordered_json::object();
              for (const SettingInfo& setting : settings) {
                const bool is_list = setting.name == "values";
                const ordered_json one =
                    described(is_list ? kAxes.leaf(value) : value_of_own(setting), setting);
                if (is_list || setting.name == "when") listed[setting.name] = one;
                if (!is_list) ranged[setting.name] = one;
              }
              return any_of({kAxes.leaf(value), with_required(closed_table(listed), {"values"}),
                             with_required(closed_table(ranged), {"min", "max"})});
            }};
  }

  // A table of the definition's own, whose settings may have dotted names.
  ordered_json nested(const std::vector<SettingInfo>& settings) const {
    ordered_json table = closed_table(ordered_json::object());
    for (const SettingInfo& setting : settings) {
      if (setting.name.starts_with(kOfDimension)) continue;
      ordered_json* at = &table;
      std::string rest = setting.name;
      for (std::size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
        ordered_json& inner = (*at)["properties"][rest.substr(0, dot)];
        if (inner.is_null()) inner = closed_table(ordered_json::object());
        at = &inner;
        rest.erase(0, dot + 1);
      }
      (*at)["properties"][rest] = described(value_of_own(setting), setting);
    }
    return table;
  }

  ordered_json value_of_own(const SettingInfo& setting) const {
    const std::string name = setting.name.substr(setting.name.rfind('.') + 1);
    const ordered_json axes = schema_reference("settings" + kAxes.suffix);
    if (name == "grid") return axes;
    if (name == "zip") return list_of(schema_reference("settings" + kColumns.suffix));
    if (name == "exclude") return list_of(schema_reference("settings" + kChoices.suffix));
    if (name == "set") return schema_reference("settings" + kValues.suffix);
    if (name == "space") return schema_reference("settings.space");
    if (setting.type == "table") return {{"type", "object"}, {"minProperties", 1}};
    if (setting.name != "seeds") return plain_value_schema(setting);
    const ordered_json seed = definitions_["train" + kValues.suffix]["properties"]["seed"];
    ordered_json one = {
        {"type", "integer"}, {"minimum", seed["minimum"]}, {"maximum", seed["maximum"]}};
    return any_of({plain_value_schema(setting), kAxes.leaf(std::move(one))});
  }

  static constexpr std::string_view kOfDimension = "search.space.KEY.";

  using NamedSettings = std::pair<std::string, std::vector<SettingInfo>>;

  std::vector<Kind> kinds_;
  std::vector<NamedSettings> tables_;
  std::vector<SettingInfo> settings_;  ///< the tables that runs are made of
  std::vector<SettingInfo> sampling_;
  std::vector<SettingInfo> sweep_;
  std::vector<SettingInfo> study_;
  std::vector<Form> forms_;  ///< beside one value
  ordered_json definitions_ = ordered_json::object();
};

}  // namespace

ordered_json definition_schema() { return SchemaWriter().schema(); }

}  // namespace plumbline
