// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/definition.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

// toml++ asserts of some wrong texts what is not so, and would go on to say what is wrong with them.
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>

#include "engine/core/sha256.hpp"
#include "experiments/runner/definition/argument_settings.hpp"
#include "experiments/runner/definition/definition_reader.hpp"
#include "experiments/runner/definition/override.hpp"

namespace plumbline {

namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // An empty file has nothing to insert, which a stream would call a failure.
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || text.fail()) {
    throw EnvironmentError(path.string() +
                           ": cannot be read: " + std::generic_category().message(errno));
  }
  return text.str();
}

// The line of a text that a place is in, cut before the place; columns count characters from 1.
struct CutLine {
  std::string_view before;
  std::string_view rest;
};

CutLine cut_line(std::string_view text, const toml::source_position& position) {
  for (toml::source_index i = 1; i < position.line; ++i) {
    text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  std::size_t at = 0;
  for (toml::source_index i = 1; i < position.column && at < line.size(); ++i) {
    constexpr unsigned kContinues = 0x80;  // 10xxxxxx, inside a character in UTF-8
    do ++at;
    while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0U) == kContinues);
  }
  return {line.substr(0, at), line.substr(at)};
}

// What is wrong where toml++ stops, which is at `place`: its words, but where these are not about what a user
// did wrong.
Problem syntax_problem(std::string_view text, const toml::parse_error& error, Place place) {
  const CutLine line = cut_line(text, error.source().begin);
  // toml++ refuses numbers out of range as it would refuse any word.
  const std::string number(
      line.before.substr(line.before.find_last_not_of("0123456789_.eE+-") + 1));
  if (std::string wrong = range_problem(number); !wrong.empty()) {
    place.column -= static_cast<int>(number.size());
    return {place, std::move(wrong)};
  }
  const std::string said(error.description());
  const auto says = [&](std::string_view words) { return said.find(words) != said.npos; };
  if (says("string: ") && says("control characters")) {
    const bool at_end = line.rest.empty() || line.rest == "\r";
    return {place, at_end
                       ? "the line ends before the text in quotes does"
                       : "a control character stands in a text in quotes; there it is written as "
                         "\\u and four digits"};
  }
  const std::string_view word = line.rest.substr(0, line.rest.find_first_of(" \t\r,]}#"));
  if (!word.empty() && (says("could not determine value type") || says("parsing boolean"))) {
    return {place,
            '\'' + std::string(word) +
                "' is no value; a text needs the quotes \" around it, and a flag is true or false"};
  }
  return {place, said};
}

// Turns what toml++ read into settings with places, in the order of the text: toml++ sorts tables
// by name, but knows where each key stands.
class TomlReader {
 public:
  // `has_lines` is false for a text that the user sees as one word: an argument.
  TomlReader(std::string file, bool has_lines, std::vector<Problem>& problems)
      : file_(std::move(file)), has_lines_(has_lines), problems_(&problems) {}

  std::optional<SettingsTable> read(std::string_view text) const {
    try {
      return table(toml::parse(text), "");
    } catch (const toml::parse_error& error) {
      problems_->push_back(syntax_problem(text, error, place(error.source().begin)));
      return std::nullopt;
    }
  }

  // The value of an argument is TOML, or else a bare word that means itself as a text; so does a number
  // beyond all range, which may be a digest: who expects a number says so.
  std::optional<SettingNode> read_value(const std::string& key, const std::string& text) const {
    try {
      const toml::table parsed = toml::parse("value = " + text);
      // A line break in the text could begin a second entry.
      if (parsed.size() == 1) return value(*parsed.get("value"), key);
    } catch (const toml::parse_error& error) {
      const bool is_bare = std::string_view("\"'[{").find(text.front()) == std::string_view::npos;
      if (!is_bare) {
        problems_->push_back({place({}), "'" + key + "': " + std::string(error.description())});
        return std::nullopt;
      }
    }
    return SettingNode{text, place({})};
  }

 private:
  Place place(const toml::source_position& position) const {
    if (!has_lines_) return {file_, 0, 0};
    return {file_, static_cast<int>(position.line), static_cast<int>(position.column)};
  }

  SettingsTable table(const toml::table& source, const std::string& path) const {
    std::vector<std::pair<const toml::key*, const toml::node*>> entries;
    for (const auto& [key, node] : source) entries.emplace_back(&key, &node);
    std::ranges::sort(entries, [](const auto& a, const auto& b) {
      return a.first->source().begin < b.first->source().begin;
    });
    SettingsTable result;
    for (const auto& [key, node] : entries) {
      const std::string name(key->str());
      if (auto setting = value(*node, path.empty() ? name : path + '.' + name)) {
        result.set(name, std::move(*setting));
      }
    }
    return result;
  }

  std::optional<SettingNode> value(const toml::node& node, const std::string& path) const {
    const Place here = place(node.source().begin);
    if (const auto* flag = node.as_boolean()) return SettingNode{flag->get(), here};
    if (const auto* integer = node.as_integer()) return SettingNode{integer->get(), here};
    if (const auto* number = node.as_floating_point()) return SettingNode{number->get(), here};
    if (const auto* text = node.as_string()) return SettingNode{text->get(), here};
    if (const auto* entries = node.as_table()) return SettingNode{table(*entries, path), here};
    if (const auto* elements = node.as_array()) {
      SettingList list;
      for (const toml::node& element : *elements) {
        if (auto setting = value(element, path)) list.push_back(std::move(*setting));
      }
      return SettingNode{std::move(list), here};
    }
    problems_->push_back({here, "'" + path + "' is a date or a time, which no setting is"});
    return std::nullopt;
  }

  std::string file_;
  bool has_lines_;
  std::vector<Problem>* problems_;
};

void apply_override(const std::string& argument, DefinitionReader& reader,
                    std::vector<Problem>& problems) {
  const std::optional<Override> given = parse_override(argument, problems);
  if (!given) return;
  const TomlReader toml(argument, false, problems);
  SettingList values;
  for (const std::string& text : given->values) {
    if (auto value = toml.read_value(given->key, text)) values.push_back(std::move(*value));
  }
  if (values.size() == given->values.size()) {
    reader.apply(given->key, std::move(values), {argument, 0, 0});
  }
}

}  // namespace

Definition read_definition(const std::filesystem::path& path,
                           const std::vector<std::string>& overrides,
                           std::vector<Problem>& problems) {
  std::string text = read_text(path);
  if (text.starts_with("\x89HDF\r\n")) {
    throw DefinitionError({{{path.string(), 0, 0},
                            "is an HDF5 file and no definition; `plumbline show` prints results"}});
  }
  return parse_definition(path, std::move(text), overrides, problems);
}

SettingsTable read_argument_settings(const std::vector<std::string>& arguments,
                                     std::vector<Problem>& problems) {
  SettingsTable settings;
  std::vector<std::string> keys;
  for (const std::string& argument : arguments) {
    const std::optional<Override> given = parse_override(argument, problems);
    if (!given) continue;
    const Place place{argument, 0, 0};
    if (given->values.size() > 1) {
      problems.push_back({place, "'" + given->key + "' takes one value here"});
    } else if (std::ranges::find(keys, given->key) != keys.end()) {
      problems.push_back({place, "'" + given->key + "' is given twice"});
    } else if (auto value = TomlReader(argument, false, problems)
                                .read_value(given->key, given->values.front())) {
      keys.push_back(given->key);
      try {
        settings.set_path(given->key, std::move(*value));
      } catch (const DefinitionError& error) {
        problems.insert(problems.end(), error.problems().begin(), error.problems().end());
      }
    }
  }
  return settings;
}

Definition parse_definition(const std::filesystem::path& path, std::string text,
                            const std::vector<std::string>& overrides,
                            std::vector<Problem>& problems) {
  Definition definition;
  definition.path = path.string();
  definition.text = std::move(text);
  definition.overrides = overrides;
  definition.sha256 = sha256_hex(definition.text);

  DefinitionReader reader(definition, problems);
  const TomlReader toml(definition.path, true, problems);
  const std::optional<SettingsTable> root = toml.read(definition.text);
  if (root) reader.read(*root);
  for (const std::string& argument : overrides) apply_override(argument, reader, problems);
  if (root) {
    reader.finish();
  } else {
    definition.studies.clear();
  }
  return definition;
}

}  // namespace plumbline
