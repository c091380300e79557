// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/shown_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kWidth = 100;

std::size_t first_coordinate(QuantityAxis axis) {
  return static_cast<std::size_t>(axis_coordinates(axis, 1).front());
}

ShownValue at_place(const MetricVariable& metric, std::size_t place) {
  const std::size_t coordinate = first_coordinate(metric.axis) + place;
  return {fmt::format("{}[{}]", metric.name, coordinate), &metric, place};
}

const MetricVariable* find_metric(const Measured& measured, std::string_view name) {
  const auto found = std::ranges::find(measured.metrics, name, &MetricVariable::name);
  return found == measured.metrics.end() ? nullptr : &*found;
}

/// "[1] to [14]"
std::string coordinates_text(QuantityAxis axis, std::size_t size) {
  const std::size_t first = first_coordinate(axis);
  return size == 1 ? fmt::format("[{}]", first)
                   : fmt::format("[{}] to [{}]", first, first + size - 1);
}

/// Of NAME[I]; what is wrong where it is none.
std::string choose_place(std::string_view word, const Measured& measured, ShownMetrics& chosen) {
  const std::size_t bracket = word.find('[');
  const MetricVariable* metric = find_metric(measured, word.substr(0, bracket));
  if (metric == nullptr) return {};
  if (metric->axis == QuantityAxis::none) return "is one number at each step: without [...]";
  const std::string_view inside = word.substr(bracket + 1);
  std::size_t coordinate = 0;
  const auto [end, error] =
      std::from_chars(inside.data(), inside.data() + inside.size(), coordinate);
  const std::size_t size = size_of(measured.sizes, metric->axis);
  const std::size_t first = first_coordinate(metric->axis);
  const bool is_number = error == std::errc() && end + 1 == inside.data() + inside.size();
  if (!is_number || *end != ']' || coordinate < first || coordinate - first >= size) {
    return fmt::format("is not there: the {} of '{}' is {}", to_string(metric->axis), metric->name,
                       coordinates_text(metric->axis, size));
  }
  chosen.values.push_back(at_place(*metric, coordinate - first));
  return {};
}

void choose_whole(const MetricVariable& metric, const Measured& measured, ShownMetrics& chosen) {
  const std::size_t size = size_of(measured.sizes, metric.axis);
  switch (metric.axis) {
    case QuantityAxis::none:
      chosen.values.push_back({metric.name, &metric});
      break;
    case QuantityAxis::layer:
      chosen.decays.push_back(&metric);
      break;
    case QuantityAxis::lag:
    case QuantityAxis::index:
      chosen.values.push_back(at_place(metric, 0));
      if (size > 1) chosen.values.push_back(at_place(metric, size - 1));
      break;
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::optional<std::vector<double>> numbers_if_numeric(const ResultsReader& reader,
                                                      const std::string& name) {
  try {
    return reader.numbers(name);
  } catch (const EnvironmentError&) {
    return std::nullopt;
  }
}

Measured measured_in(const ResultsReader& reader) {
  Measured measured{{}, {}, reader.axis_sizes()};
  if (std::ranges::any_of(reader.statuses(), is_finished)) measured.metrics = reader.metrics();
  for (std::string& name : reader.run_variables()) {
    if (numbers_if_numeric(reader, name)) measured.per_run.push_back(std::move(name));
  }
  return measured;
}

ShownMetrics chosen_metrics(const std::vector<std::string>& words, const Measured& measured,
                            std::optional<UnknownMetric>& unknown) {
  ShownMetrics chosen;
  for (const std::string& word : words) {
    if (std::ranges::find(measured.per_run, word) != measured.per_run.end()) {
      chosen.values.push_back({word});
    } else if (const MetricVariable* metric = find_metric(measured, word)) {
      choose_whole(*metric, measured, chosen);
    } else {
      const std::size_t before = chosen.values.size();
      std::string reason;
      if (word.find('[') != word.npos) reason = choose_place(word, measured, chosen);
      if (chosen.values.size() > before) continue;
      unknown = {word, std::move(reason)};
      break;
    }
  }
  return chosen;
}

void write_unknown(const UnknownMetric& unknown, const std::string& path, const Measured& measured,
                   const ResultsReader& reader, std::ostream& err) {
  std::vector<std::string> settings = reader.settings();
  std::vector<std::string> known;
  TextTable table({{"for each"}, {"quantities"}});
  for (const QuantityAxis axis :
       {QuantityAxis::none, QuantityAxis::layer, QuantityAxis::lag, QuantityAxis::index}) {
    std::vector<std::string> names;
    for (const MetricVariable& metric : measured.metrics) {
      if (metric.axis == axis) names.push_back(metric.name);
    }
    if (names.empty()) continue;
    std::string each = "step";
    if (axis != QuantityAxis::none) {
      each = fmt::format("{}, {}", to_string(axis),
                         coordinates_text(axis, size_of(measured.sizes, axis)));
    }
    table.add_row({std::move(each), joined(names)});
    known.insert(known.end(), names.begin(), names.end());
  }
  std::vector<std::string> of_runs = measured.per_run;
  std::erase_if(of_runs, [&](const std::string& name) {
    return std::ranges::find(settings, name) != settings.end();
  });
  table.add_row({"run", joined(of_runs)});
  known.insert(known.end(), measured.per_run.begin(), measured.per_run.end());

  const std::string name = unknown.word.substr(0, unknown.word.find('['));
  err << fmt::format("--metric: '{}' ", unknown.word);
  if (unknown.reason.empty()) {
    const std::string near = nearest_name(name, known);
    err << "is not measured in " << path << (near.empty() ? "" : "; did you mean '" + near + "'?")
        << "\n\n";
  } else {
    err << unknown.reason << "\n\n";
  }
  table.write_plain(err, kWidth);
}

const Metric* find_metric(const RunRecord& record, std::string_view name) {
  const auto found = std::ranges::find(record.metrics, name, &Metric::name);
  return found == record.metrics.end() ? nullptr : &*found;
}

bool is_undefined(const RunRecord& record, const MetricVariable& variable) {
  const Metric* metric = find_metric(record, variable.name);
  return metric != nullptr && !variable.undefined.empty() &&
         std::ranges::all_of(metric->values, [](double value) { return std::isnan(value); });
}

RunValue last_number(const RunRecord& record, const ShownValue& shown) {
  const Metric* metric = find_metric(record, shown.metric->name);
  const std::size_t width = record.width(shown.metric->axis);
  if (metric != nullptr && shown.place < width) {
    for (std::size_t step = record.steps.size(); step-- > 0;) {
      const double value = metric->values[step * width + shown.place];
      if (!std::isnan(value)) return {value, record.steps[step], false};
    }
  }
  return {kNaN, std::nullopt, is_undefined(record, *shown.metric)};
}

}  // namespace plumbline
