// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/show_summary.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/text/counted.hpp"
#include "experiments/runner/text/json_text.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

using Json = nlohmann::ordered_json;

/// Three significant digits, the same number of places for numbers of one size: "0.950", "1.2e-40".
std::string number_text(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size < 1e-3 || size >= 1e4) return fmt::format("{:.1e}", value);
  std::string text = fmt::format("{:#.3g}", value);
  if (text.find('e') != text.npos) return fmt::format("{:.0f}", value);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string spread_text(const Spread& spread) {
  if (spread.n == 0) return spread.undefined > 0 ? "undefined" : "-";
  if (spread.reached) {
    const auto text = [](double value) {
      return std::isinf(value) ? std::string("not reached") : number_text(value);
    };
    const std::string share = fmt::format("{} of {}: ", *spread.reached, spread.n);
    if (*spread.reached == 0) return share + text(spread.median);
    return share +
           fmt::format("{} ({}, {})", text(spread.median), text(spread.low), text(spread.high));
  }
  return fmt::format("{} ({}, {})", number_text(spread.median), number_text(spread.low),
                     number_text(spread.high));
}

std::string key_text(const GroupValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return short_number(*number, 6);
  const auto& text = std::get<std::string>(value);
  return text.empty() ? "-" : text;
}

/// Columns of the settings that make a group, numbers to the right.
std::vector<TextTable::Column> key_columns(const SweepSummary& summary) {
  std::vector<TextTable::Column> columns;
  for (std::size_t i = 0; i < summary.by.size(); ++i) {
    const bool is_number = std::ranges::any_of(summary.groups, [i](const Group& group) {
      return std::holds_alternative<double>(group.key[i]);
    });
    columns.push_back({summary.by[i], is_number ? Align::right : Align::left});
  }
  return columns;
}

std::vector<std::string> key_cells(const Group& group) {
  std::vector<std::string> cells;
  for (const GroupValue& value : group.key) cells.push_back(key_text(value));
  return cells;
}

/// Where the values of quantity number `index` stand; empty of numbers of whole runs.
std::string steps_text(const SweepSummary& summary, std::size_t index) {
  std::optional<std::pair<std::int64_t, std::int64_t>> all;
  for (const Group& group : summary.groups) {
    if (const auto& steps = group.values[index].steps) {
      all =
          all ? std::pair(std::min(all->first, steps->first), std::max(all->second, steps->second))
              : *steps;
    }
  }
  if (!all) return {};
  if (all->first == all->second) return fmt::format("at step {}, the last that has it", all->first);
  return fmt::format("at the last step of each run that has it, from {} to {}", all->first,
                     all->second);
}

void print_values(const SweepSummary& summary, std::ostream& out) {
  std::vector<TextTable::Column> columns = key_columns(summary);
  columns.push_back({"n", Align::right});
  columns.push_back({"diverged", Align::right});
  for (const std::string& name : summary.values) columns.push_back({name, Align::left});
  TextTable table(std::move(columns));
  for (const Group& group : summary.groups) {
    std::vector<std::string> cells = key_cells(group);
    cells.push_back(std::to_string(count(group.counts, RunStatus::complete)));
    cells.push_back(std::to_string(count(group.counts, RunStatus::diverged)));
    for (const Spread& spread : group.values) cells.push_back(spread_text(spread));
    table.add_row(std::move(cells));
  }
  out << "\nn complete runs in each group; median (quartiles) over them\n";
  if (std::ranges::any_of(summary.values, need_not_be_reached)) {
    out << "steps_to_target: how many reached it of all, diverged ones too; median (quartiles) "
           "over all\n";
  }
  for (std::size_t i = 0; i < summary.values.size(); ++i) {
    const std::string text = steps_text(summary, i);
    if (!text.empty()) out << summary.values[i] << ": " << text << '\n';
  }
  out << '\n';
  table.write_plain(out);
}

std::size_t findings_total(const Group& group) {
  std::size_t total = 0;
  for (const auto& [finding, runs] : group.findings) total += runs;
  return total;
}

/// Whether any group has a prediction of the per-layer quantity number `index`.
bool has_theory(const SweepSummary& summary, std::size_t index) {
  for (const Group& group : summary.groups) {
    if (group.decays[index].theory_factor.n > 0) return true;
  }
  return false;
}

void print_decays(const SweepSummary& summary, std::ostream& out) {
  std::vector<TextTable::Column> columns = key_columns(summary);
  for (std::size_t i = 0; i < summary.decays.size(); ++i) {
    columns.push_back({summary.decays[i] + " 1:L", Align::right});
    columns.push_back({"a layer", Align::right});
    if (has_theory(summary, i)) columns.push_back({"theory", Align::right});
  }
  TextTable table(std::move(columns));
  for (const Group& group : summary.groups) {
    std::vector<std::string> cells = key_cells(group);
    for (std::size_t i = 0; i < group.decays.size(); ++i) {
      const LayerDecaySpread& decay = group.decays[i];
      const bool is_undefined = decay.first_to_last.n == 0 && decay.undefined > 0;
      cells.push_back(is_undefined ? "undefined" : number_text(decay.first_to_last.median));
      cells.push_back(number_text(decay.factor.median));
      if (has_theory(summary, i)) cells.push_back(number_text(decay.theory_factor.median));
    }
    table.add_row(std::move(cells));
  }
  out << "\nBefore training: the first weight layer over the last (1:L), and the factor a layer\n"
         "towards the input; medians, diverged runs included\n\n";
  table.write_plain(out);
}

void print_findings(const SweepSummary& summary, std::ostream& out) {
  std::vector<TextTable::Column> columns = key_columns(summary);
  columns.push_back({"diagnosis", Align::left});
  columns.push_back({"runs", Align::right});
  TextTable table(std::move(columns));
  for (const Group& group : summary.groups) {
    if (group.findings.empty()) continue;
    std::vector<std::string> cells = key_cells(group);
    const auto& [finding, runs] = group.findings.front();
    cells.push_back(finding);
    cells.push_back(fmt::format("{} of {}", runs, findings_total(group)));
    table.add_row(std::move(cells));
  }
  out << "\nWhat the first batch shows, by its most frequent diagnosis; the variable diagnosis has "
         "a\n"
         "sentence for each run\n\n";
  table.write_plain(out);
}

void print_undefined(const SweepSummary& summary, std::ostream& out) {
  if (!summary.undefined.empty()) out << '\n';
  const std::size_t measured =
      count(summary.counts, RunStatus::complete) + count(summary.counts, RunStatus::diverged);
  for (const UndefinedQuantity& one : summary.undefined) {
    out << fmt::format("{}: undefined in {} of {}, because {}\n", one.quantity, one.runs,
                       counted(measured, "complete or diverged run"), one.reason);
  }
}

Json number_json(double value) {
  if (std::isnan(value)) return nullptr;
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json spread_json(const Spread& spread) {
  Json json;
  json["n"] = spread.n;
  json["median"] = number_json(spread.median);
  json["low"] = number_json(spread.low);
  json["high"] = number_json(spread.high);
  if (spread.reached) json["reached"] = *spread.reached;
  if (spread.steps) json["steps"] = {spread.steps->first, spread.steps->second};
  if (spread.undefined > 0) json["undefined"] = spread.undefined;
  return json;
}

Json key_json(const GroupValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr) return text->empty() ? Json(nullptr) : Json(*text);
  const double number = std::get<double>(value);
  constexpr double kExactIntegers = 9007199254740992;  // 2^53
  const bool is_integer = std::trunc(number) == number && std::abs(number) <= kExactIntegers;
  return is_integer ? Json(static_cast<std::int64_t>(number)) : number_json(number);
}

Json counts_json(const StatusCounts& counts) {
  Json json;
  json["total"] = total(counts);
  json["complete"] = count(counts, RunStatus::complete);
  json["diverged"] = count(counts, RunStatus::diverged);
  json["failed"] = count(counts, RunStatus::failed);
  json["pending"] = count(counts, RunStatus::pending);
  return json;
}

Json group_json(const SweepSummary& summary, const Group& group) {
  Json json;
  json["key"] = Json::object();
  for (std::size_t i = 0; i < summary.by.size(); ++i) {
    json["key"][summary.by[i]] = key_json(group.key[i]);
  }
  json["runs"] = counts_json(group.counts);
  json["values"] = Json::object();
  for (std::size_t i = 0; i < summary.values.size(); ++i) {
    json["values"][summary.values[i]] = spread_json(group.values[i]);
  }
  json["layers_at_step_0"] = Json::object();
  for (std::size_t i = 0; i < summary.decays.size(); ++i) {
    Json& decay = json["layers_at_step_0"][summary.decays[i]];
    decay["first_to_last"] = spread_json(group.decays[i].first_to_last);
    decay["factor_per_layer"] = spread_json(group.decays[i].factor);
    decay["theory_factor_per_layer"] = spread_json(group.decays[i].theory_factor);
    if (group.decays[i].undefined > 0) decay["undefined"] = group.decays[i].undefined;
  }
  json["diagnosis"] = Json::object();
  for (const auto& [finding, runs] : group.findings) json["diagnosis"][finding] = runs;
  return json;
}

}  // namespace

void show_tables(const SweepSummary& summary, std::ostream& out) {
  const StatusCounts& counts = summary.counts;
  out << summary.title << '\n'
      << fmt::format("{}: {} of {} complete, {} diverged, {} failed, {} pending\n", summary.path,
                     count(counts, RunStatus::complete), counted(total(counts), "run"),
                     count(counts, RunStatus::diverged), count(counts, RunStatus::failed),
                     count(counts, RunStatus::pending));
  if (!summary.values.empty() || summary.decays.empty()) print_values(summary, out);
  if (!summary.decays.empty()) print_decays(summary, out);
  print_undefined(summary, out);
  if (summary.has_findings) print_findings(summary, out);
}

std::string show_json(const SweepSummary& summary) {
  Json json;
  json["path"] = summary.path;
  json["title"] = summary.title;
  json["runs"] = counts_json(summary.counts);
  json["by"] = summary.by;
  if (!summary.undefined.empty()) {
    json["undefined"] = Json::object();
    for (const UndefinedQuantity& one : summary.undefined) {
      json["undefined"][one.quantity] = {{"runs", one.runs}, {"because", one.reason}};
    }
  }
  json["groups"] = Json::array();
  for (const Group& group : summary.groups) json["groups"].push_back(group_json(summary, group));
  return json_text(json, 2);
}

}  // namespace plumbline
