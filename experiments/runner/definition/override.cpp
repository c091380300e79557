// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/override.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace plumbline {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  int depth = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      // A backslash escapes in TOML's basic strings only, not between single quotes.
      if (c == '\\' && quote == '"') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.emplace_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.emplace_back(trimmed(text.substr(begin)));
  return parts;
}

// Names of letters, digits, '_' and '-', with dots between them.
bool is_dotted_key(std::string_view key) {
  bool after_name = false;
  for (const char c : key) {
    const bool in_name = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    if (!in_name && !(c == '.' && after_name)) return false;
    after_name = in_name;
  }
  return after_name;
}

}  // namespace

std::optional<Override> parse_override(std::string_view argument, std::vector<Problem>& problems) {
  const auto fail = [&](std::string message) {
    problems.push_back({{std::string(argument), 0, 0}, std::move(message)});
    return std::nullopt;
  };

  const std::size_t equals = argument.find('=');
  if (equals == argument.npos) return fail("there is no '='; expected key=value");
  const std::string key(trimmed(argument.substr(0, equals)));
  if (!is_dotted_key(key)) {
    return fail("'" + key + "' is not a key; expected names with dots between them");
  }
  std::vector<std::string> values = split_at_commas(argument.substr(equals + 1));
  if (values.size() == 1 && values.front().empty()) return fail("'" + key + "' has no value");
  if (std::ranges::find(values, "") != values.end()) {
    return fail("'" + key + "' has an empty value beside a comma");
  }
  return Override{key, std::move(values)};
}

}  // namespace plumbline
