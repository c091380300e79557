// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/datasets/data_options.hpp"

namespace plumbline {

namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// Blanks around a number and a plus sign are let pass; one that is too large for a double is infinite.
std::optional<double> number_of(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  return value;
}

std::vector<std::string> sorted_classes(const std::map<std::string, CsvField>& first_of) {
  std::vector<std::string> classes;
  bool numbers = true;
  for (const auto& [name, field] : first_of) {
    classes.push_back(name);
    numbers = numbers && number_of(name).has_value();
  }
  if (numbers) {
    std::ranges::stable_sort(classes, {}, [](const std::string& name) { return *number_of(name); });
  }
  return classes;
}

Matrix<float> matrix(const std::vector<float>& values, std::size_t rows) {
  Matrix<float> matrix(Matrix<float>::shape_type{rows, values.size() / rows});
  std::ranges::copy(values, matrix.data());
  return matrix;
}

}  // namespace

CsvTable::CsvTable(const std::vector<std::uint8_t>& bytes, std::string path)
    : path_(std::move(path)),
      reader_({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_) {
  if (!reader_.next(fields_)) throw EnvironmentError(path_ + ": is empty, without a header");
  for (const CsvField& field : fields_) {
    if (number_of(field.text)) {
      reader_.refuse(field,
                     "'" + field.text + "' is a number; the first line must name the columns");
    }
    if (holds(header_, field.text)) {
      reader_.refuse(field, "there is a second column '" + field.text + "'");
    }
    header_.push_back(field.text);
  }
}

CsvExamples CsvTable::read(const CsvColumns& columns) {
  const std::vector<std::size_t> features = feature_indices(columns);
  std::vector<std::size_t> targets;
  for (const std::string& name : columns.targets) targets.push_back(index(name));
  std::vector<float> inputs;
  std::vector<float> values;
  std::vector<std::string> labels;
  std::map<std::string, CsvField> first_of;  // where each class stands first
  std::size_t rows = 0;
  for (; reader_.next(fields_); ++rows) {
    if (fields_.size() != header_.size()) {
      reader_.refuse(fields_.front(), "has " + std::to_string(fields_.size()) +
                                          (fields_.size() == 1 ? " field" : " fields") +
                                          ", and the header has " + std::to_string(header_.size()));
    }
    for (const std::size_t column : features) {
      inputs.push_back(symbol(column, columns.symbols));
    }
    for (const std::size_t column : targets) values.push_back(number(column));
    if (columns.label.empty()) continue;
    const CsvField& field = fields_[index(columns.label)];
    first_of.try_emplace(field.text, field);
    labels.push_back(field.text);
  }
  if (rows == 0) throw EnvironmentError(path_ + ": has no row beneath its header");
  CsvExamples read;
  read.examples.inputs = matrix(inputs, rows);
  if (!columns.label.empty()) {
    number_classes(columns, labels, first_of, read);
  } else {
    read.examples.values = targets.empty() ? read.examples.inputs : matrix(values, rows);
  }
  return read;
}

std::vector<std::size_t> CsvTable::feature_indices(const CsvColumns& columns) const {
  std::vector<std::size_t> indices;
  for (const std::string& name : columns.features) indices.push_back(index(name));
  if (!indices.empty()) return indices;
  for (const std::string& name : header_) {
    if (name != columns.label && !holds(columns.targets, name)) indices.push_back(index(name));
  }
  return indices;
}

std::size_t CsvTable::index(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::find(header_, name) - header_.begin());
}

float CsvTable::number(std::size_t column) const {
  const CsvField& field = fields_[column];
  const std::optional<double> value = number_of(field.text);
  const std::string what = "'" + field.text + "' in column '" + header_[column] + "' ";
  if (!value) reader_.refuse(field, what + "is not a number");
  const auto rounded = static_cast<float>(*value);
  if (!std::isfinite(rounded)) {
    reader_.refuse(field, what + "is not a finite number in single precision");
  }
  return rounded;
}

float CsvTable::symbol(std::size_t column, std::int64_t symbols) const {
  const float value = number(column);
  if (is_symbol(value, symbols)) return value;
  reader_.refuse(fields_[column], "'" + fields_[column].text + "' in column '" + header_[column] +
                                      "' is no symbol" + allowed_symbols(symbols));
}

void CsvTable::number_classes(const CsvColumns& columns, const std::vector<std::string>& labels,
                              const std::map<std::string, CsvField>& first_of,
                              CsvExamples& read) const {
  read.classes = columns.classes.empty() ? sorted_classes(first_of) : columns.classes;
  read.examples_of_class.assign(read.classes.size(), 0);
  std::map<std::string, std::int32_t> numbers;
  for (const std::string& name : read.classes) {
    numbers.emplace(name, static_cast<std::int32_t>(numbers.size()));
  }
  for (const std::string& label : labels) {
    const auto found = numbers.find(label);
    if (found == numbers.end()) {
      reader_.refuse(first_of.at(label), "'" + label + "' in column '" + columns.label +
                                             "' is none of the classes that are given" +
                                             suggestion(label, read.classes));
    }
    read.examples.labels.push_back(found->second);
    ++read.examples_of_class[static_cast<std::size_t>(found->second)];
  }
}

}  // namespace plumbline
