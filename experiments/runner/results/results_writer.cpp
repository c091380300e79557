// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

#include "experiments/runner/results/hdf5_output.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/results_description.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"
#include "experiments/runner/results/run_columns.hpp"

namespace plumbline {

namespace {

using hdf5::Check;
using hdf5::StoredAs;
using hdf5::Variable;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Doubles, and so JavaScript and R, hold every whole number below this.
constexpr double kWholeNumberLimit = 9007199254740992.0;

StoredAs stored_as(SettingType type) {
  switch (type) {
    case SettingType::flag:
      return StoredAs::int8;
    case SettingType::int32:
      return StoredAs::int32;
    case SettingType::int64:
      return StoredAs::int64;
    case SettingType::number:
      return StoredAs::float64;
    case SettingType::text:
      break;
  }
  return StoredAs::text;
}

/// A quantity of the records. It is described in the words of the first record that has it; in
/// those of the plan where none has.
struct MetricDataset {
  MetricVariable metric;
  Variable variable;
  bool described = false;

  void describe(const Check& check, const std::string& meaning, const std::string& units) {
    if (!described) hdf5::describe(check, variable, meaning, units);
    described = true;
  }
};

}  // namespace

class ResultsWriter::File {
 public:
  File(std::filesystem::path path, const Plan& plan, const Provenance& provenance);

  void write(std::size_t index, const RunRecord& record, const RunPlace& place);
  void close();
  /// Where runs of this process are computed.
  const RunPlace& here() const { return here_; }

 private:
  using Axes = std::vector<const Variable*>;

  Variable make_axis(const char* name, const std::vector<double>& coordinates,
                     const char* meaning) const;
  void write_settings();
  void make_measured_variables();
  /// A variable of doubles whose gaps are NaN.
  Variable measured_variable(const std::string& name, const Axes& axes, const char* role) const;
  MetricDataset& metric_dataset(const Metric& metric);

  void require_room(std::size_t index, const RunRecord& record) const;
  /// Where the steps of a record stand on the step axis.
  std::vector<std::size_t> positions(const RunRecord& record) const;

  const Check& check() const { return output_.check(); }
  hid_t file() const { return output_.id(); }

  // Declared first, so that the file outlives the variables in it.
  hdf5::OutputFile output_;
  ResultsLayout layout_;
  RunPlace here_;
  std::vector<bool> written_;

  Variable run_;
  Variable step_;
  Variable layer_;
  RunColumns columns_;
  Variable recorded_;
  std::vector<MetricDataset> metrics_;
  std::vector<Variable> predictions_;
};

ResultsWriter::File::File(std::filesystem::path path, const Plan& plan,
                          const Provenance& provenance)
    : output_(std::move(path)),
      layout_(results_layout(plan)),
      here_{provenance_value(provenance, "host"),
            std::atoi(provenance_value(provenance, "threads").c_str())},
      written_(plan.runs.size(), false) {
  write_root_attributes(check(), file(), plan, layout_, provenance);
  std::vector<double> runs(plan.runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i] = static_cast<double>(i);
  std::vector<double> layers(layout_.layers);
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = static_cast<double>(i + 1);
  run_ = make_axis("run", runs, "run of the sweep, in the order of its axes");
  step_ = make_axis("step", {layout_.steps.begin(), layout_.steps.end()}, "updates done");
  layer_ = make_axis("layer", layers, "weight layer, 1 at the input side");
  write_settings();
  columns_ = RunColumns(check(), file(), run_);
  make_measured_variables();
  write_provenance_group(check(), file(), plan, layout_, provenance);
  std::vector<std::string> drawn;
  for (const MetricVariable& metric : layout_.metrics) {
    if (metric.per_layer) drawn.push_back(metric.name);
  }
  write_plots(check(), file(), drawn);
}

Variable ResultsWriter::File::make_axis(const char* name, const std::vector<double>& coordinates,
                                        const char* meaning) const {
  if (coordinates.back() > std::numeric_limits<std::int32_t>::max()) {
    check().refuse("the axis '" + std::string(name) + "' holds numbers up to 2^31 - 1");
  }
  Variable axis = hdf5::create_dimension(check(), file(), name, coordinates);
  hdf5::describe(check(), axis, meaning, "1");
  return axis;
}

void ResultsWriter::File::write_settings() {
  const Variable run_id =
      hdf5::create_variable(check(), file(), "run_id", StoredAs::text, Axes{&run_});
  hdf5::describe(check(), run_id, "digest of the run's settings and seed");
  hdf5::write_texts(check(), run_id, layout_.run_ids);
  for (const SettingVariable& setting : layout_.settings) {
    const bool is_wide = std::ranges::any_of(
        setting.numbers, [](double number) { return std::abs(number) >= kWholeNumberLimit; });
    if (is_wide && setting.type == SettingType::int64) {
      check().refuse("'" + setting.key +
                     "' has a value of 2^53 or more, which doubles do not hold");
    }
    const Variable variable =
        hdf5::create_variable(check(), file(), setting.name, stored_as(setting.type), Axes{&run_});
    hdf5::describe(check(), variable, setting.role + ' ' + setting.key);
    hdf5::set_attribute(check(), variable.id(), "role", setting.role);
    if (setting.type == SettingType::flag) hdf5::describe_flags(check(), variable, "false true");
    if (setting.type == SettingType::text) {
      hdf5::write_texts(check(), variable, setting.texts);
    } else {
      hdf5::write_numbers(check(), variable, setting.numbers);
    }
  }
}

void ResultsWriter::File::make_measured_variables() {
  recorded_ =
      hdf5::create_variable(check(), file(), "recorded", StoredAs::int8, Axes{&run_, &step_});
  hdf5::describe(check(), recorded_, "whether the step is one of those that the run records");
  hdf5::describe_flags(check(), recorded_, "no yes");
  for (const MetricVariable& metric : layout_.metrics) {
    const Axes axes = metric.per_layer ? Axes{&run_, &step_, &layer_} : Axes{&run_, &step_};
    metrics_.push_back({metric, measured_variable(metric.name, axes, "metric")});
  }
  for (const PredictionVariable& prediction : kPredictions) {
    predictions_.push_back(measured_variable(prediction.name, Axes{&run_, &layer_}, "prediction"));
    hdf5::describe(check(), predictions_.back(), prediction.meaning, "1");
  }
}

Variable ResultsWriter::File::measured_variable(const std::string& name, const Axes& axes,
                                                const char* role) const {
  Variable variable = hdf5::create_variable(check(), file(), name, StoredAs::float64, axes);
  hdf5::set_attribute(check(), variable.id(), "_FillValue", std::array{kNaN}, StoredAs::float64);
  hdf5::set_attribute(check(), variable.id(), "coordinates", coordinate_names(layout_));
  hdf5::set_attribute(check(), variable.id(), "role", role);
  return variable;
}

MetricDataset& ResultsWriter::File::metric_dataset(const Metric& metric) {
  const auto found = std::ranges::find_if(metrics_, [&](const MetricDataset& dataset) {
    return dataset.metric.name == metric.name && dataset.metric.per_layer == metric.per_layer;
  });
  if (found != metrics_.end()) return *found;
  // One that the plan did not announce is as welcome: what was measured is kept.
  const Axes axes = metric.per_layer ? Axes{&run_, &step_, &layer_} : Axes{&run_, &step_};
  metrics_.push_back({{metric.name, metric.meaning, metric.units, metric.per_layer},
                      measured_variable(metric.name, axes, "metric")});
  return metrics_.back();
}

void ResultsWriter::File::require_room(std::size_t index, const RunRecord& record) const {
  const auto refuse = [&](const std::string& message) {
    const std::string run_id = index < layout_.run_ids.size() ? layout_.run_ids[index] : "?";
    throw std::invalid_argument("the record of run " + run_id + " " + message);
  };
  if (index >= written_.size()) refuse("is of none of the plan's runs");
  if (written_[index]) refuse("is written already");
  if (record.n_layers < 0 || record.n_layers > static_cast<std::int64_t>(layout_.layers)) {
    refuse("has more layers than any run of the plan");
  }
  const auto layers = static_cast<std::size_t>(record.n_layers);
  for (const Metric& metric : record.metrics) {
    if (metric.values.size() != record.steps.size() * (metric.per_layer ? layers : 1)) {
      refuse("has a " + metric.name + " of the wrong length");
    }
  }
  for (const PredictionVariable& prediction : kPredictions) {
    const std::size_t size = (record.*prediction.values).size();
    if (size != 0 && size != layers) {
      refuse("has a " + std::string(prediction.name) + " of the wrong length");
    }
  }
  if (!std::ranges::includes(layout_.steps, record.steps)) {
    refuse("has a step at which the plan does not record");
  }
}

std::vector<std::size_t> ResultsWriter::File::positions(const RunRecord& record) const {
  std::vector<std::size_t> found;
  for (const std::int64_t step : record.steps) {
    const auto place = std::ranges::lower_bound(layout_.steps, step);
    found.push_back(static_cast<std::size_t>(place - layout_.steps.begin()));
  }
  return found;
}

void ResultsWriter::File::write(std::size_t index, const RunRecord& record, const RunPlace& place) {
  const hdf5::Turn turn;
  require_room(index, record);
  const auto layers = static_cast<std::size_t>(record.n_layers);
  const std::vector<std::size_t> rows = positions(record);

  std::vector<double> recorded(layout_.steps.size(), 0);
  for (const std::size_t row : rows) recorded[row] = 1;
  hdf5::write_row(check(), recorded_, index, recorded);

  for (const Metric& metric : record.metrics) {
    MetricDataset& dataset = metric_dataset(metric);
    dataset.describe(check(), metric.meaning, metric.units);
    const std::size_t width = metric.per_layer ? layout_.layers : 1;
    const std::size_t given = metric.per_layer ? layers : 1;
    std::vector<double> padded(layout_.steps.size() * width, kNaN);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto values = std::span(metric.values).subspan(i * given, given);
      std::ranges::copy(values, &padded[rows[i] * width]);
    }
    hdf5::write_row(check(), dataset.variable, index, padded);
  }

  for (std::size_t i = 0; i < kPredictions.size(); ++i) {
    const std::vector<double>& values = record.*kPredictions[i].values;
    if (values.empty()) continue;
    std::vector<double> padded(layout_.layers, kNaN);
    std::ranges::copy(values, padded.begin());
    hdf5::write_row(check(), predictions_[i], index, padded);
  }

  columns_.keep(index, layout_.run_ids[index], record, place);
  written_[index] = true;
}

void ResultsWriter::File::close() {
  const hdf5::Turn turn;
  columns_.save(check(), file());
  for (MetricDataset& dataset : metrics_) {
    dataset.describe(check(), dataset.metric.meaning, dataset.metric.units);
  }
  // The library closes a file when the last of its objects is closed.
  columns_ = {};
  metrics_.clear();
  predictions_.clear();
  recorded_ = {};
  run_ = {};
  step_ = {};
  layer_ = {};
  output_.publish_sealed();
}

ResultsWriter::ResultsWriter(std::filesystem::path path, const Plan& plan,
                             const Provenance& provenance)
    : file_([&] {
        const hdf5::Turn turn;
        return std::make_unique<File>(std::move(path), plan, provenance);
      }()) {}

ResultsWriter::~ResultsWriter() = default;

void ResultsWriter::write(std::size_t index, const RunRecord& record) {
  file_->write(index, record, file_->here());
}

void ResultsWriter::write(std::size_t index, const RunRecord& record, const RunPlace& place) {
  file_->write(index, record, place);
}

void ResultsWriter::close() { file_->close(); }

}  // namespace plumbline
