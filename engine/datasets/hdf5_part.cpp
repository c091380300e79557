// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/hdf5_part.hpp"

#include <cmath>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/datasets/stoppable_load.hpp"

namespace plumbline {

namespace {

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

std::string in_row(std::size_t row) { return " in row " + std::to_string(row); }

}  // namespace

Hdf5Part::Hdf5Part(const std::string& path, Hdf5Names names, Hdf5Meaning meaning)
    : path_(path), names_(std::move(names)), meaning_(meaning), inputs_(path, names_.inputs) {
  if (!names_.targets.empty()) targets_.emplace(path, names_.targets);
  if (inputs_.row_size() == 0) refuse(names_.inputs, "has no value in a row");
  if (inputs_.rows() == 0) refuse(names_.inputs, "has no row");
  if (inputs_.shape().size() > 5) {
    refuse(names_.inputs, "is " + shape_text(inputs_.shape()) + "; expected at most 5 axes");
  }
  if (targets_) check_targets();
}

void Hdf5Part::check_targets() const {
  if (targets_->rows() != inputs_.rows()) {
    throw EnvironmentError(path_ + ": '" + names_.inputs + "' has " +
                           std::to_string(inputs_.rows()) + " rows, and '" + names_.targets +
                           "' has " + std::to_string(targets_->rows()));
  }
  if (meaning_.labels && !targets_->holds_integers()) {
    refuse(names_.targets, "holds floating-point numbers; class labels are integers");
  }
  if (targets_->shape().size() > (meaning_.labels ? 2U : 3U)) {
    refuse(names_.targets, "is " + shape_text(targets_->shape()) + "; expected " +
                               (meaning_.labels ? "rows, or rows x steps"
                                                : "rows x values, or rows x steps x values"));
  }
  if (targets_->row_size() == 0) refuse(names_.targets, "has no value in a row");
  if (target_steps() != 1 && target_steps() != shape().steps) {
    refuse(names_.targets, "has " + std::to_string(target_steps()) + " targets an example, and '" +
                               names_.inputs + "' has " + std::to_string(shape().steps) +
                               (shape().steps == 1 ? " step" : " steps"));
  }
}

Shape Hdf5Part::shape() const {
  const std::vector<std::size_t>& s = inputs_.shape();
  switch (s.size()) {
    case 1:
      return {};
    case 2:
      return {.channels = s[1]};
    case 3:
      return meaning_.sequences ? Shape{.steps = s[1], .channels = s[2]}
                                : Shape{.height = s[1], .width = s[2]};
    case 4:
      return {.channels = s[1], .height = s[2], .width = s[3]};
    default:
      return {.steps = s[1], .channels = s[2], .height = s[3], .width = s[4]};
  }
}

std::size_t Hdf5Part::target_steps() const {
  if (!targets_) return 1;
  const std::vector<std::size_t>& s = targets_->shape();
  return s.size() == (meaning_.labels ? 2U : 3U) ? s[1] : 1;
}

std::size_t Hdf5Part::values() const {
  return targets_ ? targets_->row_size() / target_steps() : inputs_.row_size();
}

Examples Hdf5Part::read(std::size_t first, std::size_t count, std::size_t classes) const {
  StoppableLoad::check();
  Examples examples;
  examples.inputs = read_values(inputs_, names_.inputs, first, count);
  check_symbols(examples.inputs, first);
  if (!targets_) {
    examples.values = examples.inputs;
  } else if (meaning_.labels) {
    examples.labels = read_labels(first, count, classes);
  } else {
    examples.values = read_values(*targets_, names_.targets, first, count);
  }
  return examples;
}

void Hdf5Part::check_symbols(const Matrix<float>& inputs, std::size_t first) const {
  if (meaning_.symbols == 0) return;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const float value = inputs.data()[i];
    if (is_symbol(value, meaning_.symbols)) continue;
    refuse(names_.inputs, "holds " + shortest(static_cast<double>(value)) +
                              in_row(first + i / inputs_.row_size()) +
                              allowed_symbols(meaning_.symbols));
  }
}

void Hdf5Part::refuse(const std::string& name, const std::string& message) const {
  throw EnvironmentError(path_ + ": '" + name + "' " + message);
}

Matrix<float> Hdf5Part::read_values(const hdf5::RowReader& reader, const std::string& name,
                                    std::size_t first, std::size_t count) const {
  Matrix<float> values(Matrix<float>::shape_type{count, reader.row_size()});
  reader.read(first, count, std::span(values.data(), values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values.data()[i])) continue;
    refuse(name, "holds a number that is not finite in single precision" +
                     in_row(first + i / reader.row_size()));
  }
  return values;
}

std::vector<std::int32_t> Hdf5Part::read_labels(std::size_t first, std::size_t count,
                                                std::size_t classes) const {
  std::vector<std::int64_t> stored(count * targets_->row_size());
  targets_->read(first, count, stored);
  std::vector<std::int32_t> labels;
  labels.reserve(stored.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] < 0 || static_cast<std::size_t>(stored[i]) >= classes) {
      refuse(names_.targets, "holds " + std::to_string(stored[i]) +
                                 in_row(first + i / targets_->row_size()) +
                                 "; labels are from 0 to " + std::to_string(classes - 1));
    }
    labels.push_back(static_cast<std::int32_t>(stored[i]));
  }
  return labels;
}

}  // namespace plumbline
