// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

#include "experiments/runner/results/hdf5_output.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/record_size.hpp"
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
/// Of the largest variable, in a chunk of several runs.
constexpr std::size_t kChunkBytes = 16384;
/// Of records that wait until those of their chunk are together.
constexpr std::size_t kMostBytesWaiting = std::size_t{32} << 20;

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

  /// null where the record has no such metric.
  const Metric* find(const RunRecord& record) const {
    const auto found = std::ranges::find_if(record.metrics, [&](const Metric& other) {
      return other.name == metric.name && other.axis == metric.axis;
    });
    return found == record.metrics.end() ? nullptr : &*found;
  }

  void describe(const Check& check, const std::string& meaning, const std::string& units) {
    if (!described) hdf5::describe(check, variable, meaning, units);
    described = true;
  }
};

}  // namespace

class ResultsWriter::File {
 public:
  File(std::filesystem::path path, const Plan& plan, const Provenance& provenance);

  void write(std::size_t index, RunRecord&& record, const RunPlace& place);
  void close();
  /// Where runs of this process are computed.
  const RunPlace& here() const { return here_; }

 private:
  using Axes = std::vector<const Variable*>;

  Variable make_axis(const std::string& name, const std::vector<double>& coordinates,
                     const std::string& meaning) const;
  Axes axes_of(QuantityAxis axis) const;
  void write_settings();
  void make_measured_variables();
  /// A variable of doubles whose gaps are NaN.
  Variable measured_variable(const std::string& name, const Axes& axes, const char* role) const;
  MetricDataset& metric_dataset(const Metric& metric);

  /// Records of consecutive runs from `first` on.
  void write_rows(std::size_t first, std::span<const RunRecord* const> records);
  void write_metric(const MetricDataset& dataset, std::size_t first,
                    std::span<const RunRecord* const> records,
                    const std::vector<std::vector<std::size_t>>& positions);
  void write_waiting();

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
  AxisSizes sizes_;
  std::size_t chunk_runs_;
  std::map<std::size_t, RunRecord> waiting_;  ///< by the number of the run
  std::vector<std::size_t> waiting_of_chunk_;
  std::size_t waiting_bytes_ = 0;

  Variable run_;
  Variable step_;
  /// Those of metrics beside run and step, by QuantityAxis; empty where the file has none such.
  std::array<Variable, std::tuple_size_v<AxisSizes>> axes_;
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
      written_(plan.runs.size(), false),
      sizes_{1, layout_.layers, layout_.lags, layout_.indices},
      chunk_runs_(std::clamp<std::size_t>(
          kChunkBytes / (sizeof(double) * layout_.steps.size() * std::ranges::max(sizes_)), 1,
          plan.runs.size())),
      waiting_of_chunk_(plan.runs.size() / chunk_runs_ + 1) {
  write_root_attributes(check(), file(), plan, layout_, provenance);
  std::vector<double> runs(plan.runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i] = static_cast<double>(i);
  run_ = make_axis("run", runs, "run of the sweep, in the order of its axes");
  step_ = make_axis("step", {layout_.steps.begin(), layout_.steps.end()}, "updates done");
  for (const QuantityAxis axis : {QuantityAxis::layer, QuantityAxis::lag, QuantityAxis::index}) {
    const std::size_t size = size_of(sizes_, axis);
    if (size == 0) continue;
    axes_[static_cast<std::size_t>(axis)] =
        make_axis(std::string(to_string(axis)), axis_coordinates(axis, size), axis_meaning(axis));
  }
  write_settings();
  columns_ = RunColumns(check(), file(), run_);
  make_measured_variables();
  write_provenance_group(check(), file(), plan, layout_, provenance);
  std::vector<std::string> drawn;
  for (const MetricVariable& metric : layout_.metrics) {
    if (metric.axis == QuantityAxis::layer) drawn.push_back(metric.name);
  }
  write_plots(check(), file(), drawn);
}

ResultsWriter::File::Axes ResultsWriter::File::axes_of(QuantityAxis axis) const {
  if (axis == QuantityAxis::none) return {&run_, &step_};
  return {&run_, &step_, &axes_[static_cast<std::size_t>(axis)]};
}

Variable ResultsWriter::File::make_axis(const std::string& name,
                                        const std::vector<double>& coordinates,
                                        const std::string& meaning) const {
  if (coordinates.back() > std::numeric_limits<std::int32_t>::max()) {
    check().refuse("the axis '" + name + "' holds numbers up to 2^31 - 1");
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
  recorded_ = hdf5::create_variable(check(), file(), "recorded", StoredAs::int8,
                                    Axes{&run_, &step_}, chunk_runs_);
  hdf5::describe(check(), recorded_, "whether the step is one of those that the run records");
  hdf5::describe_flags(check(), recorded_, "no yes");
  for (const MetricVariable& metric : layout_.metrics) {
    metrics_.push_back({metric, measured_variable(metric.name, axes_of(metric.axis), "metric")});
    if (!metric.undefined.empty()) {
      hdf5::set_attribute(check(), metrics_.back().variable.id(), "undefined", metric.undefined);
    }
  }
  const Axes predicted{&run_, &axes_[static_cast<std::size_t>(QuantityAxis::layer)]};
  for (const PredictionVariable& prediction : kPredictions) {
    predictions_.push_back(measured_variable(prediction.name, predicted, "prediction"));
    hdf5::describe(check(), predictions_.back(), prediction.meaning, "1");
  }
}

Variable ResultsWriter::File::measured_variable(const std::string& name, const Axes& axes,
                                                const char* role) const {
  Variable variable =
      hdf5::create_variable(check(), file(), name, StoredAs::float64, axes, chunk_runs_);
  hdf5::set_attribute(check(), variable.id(), "_FillValue", std::array{kNaN}, StoredAs::float64);
  hdf5::set_attribute(check(), variable.id(), "coordinates", coordinate_names(layout_));
  hdf5::set_attribute(check(), variable.id(), "role", role);
  return variable;
}

MetricDataset& ResultsWriter::File::metric_dataset(const Metric& metric) {
  const auto found = std::ranges::find_if(metrics_, [&](const MetricDataset& dataset) {
    return dataset.metric.name == metric.name && dataset.metric.axis == metric.axis;
  });
  if (found != metrics_.end()) return *found;
  // One that the plan did not announce is as welcome: what was measured is kept.
  metrics_.push_back({{metric.name, metric.meaning, metric.units, metric.axis},
                      measured_variable(metric.name, axes_of(metric.axis), "metric")});
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
    if (metric.values.size() != record.steps.size() * record.width(metric.axis)) {
      refuse("has a " + metric.name + " of the wrong length");
    }
    if (record.width(metric.axis) > size_of(sizes_, metric.axis)) {
      refuse("has a " + metric.name + " that is longer than the axis '" +
             std::string(to_string(metric.axis)) + '\'');
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

void ResultsWriter::File::write(std::size_t index, RunRecord&& record, const RunPlace& place) {
  const hdf5::Turn turn;
  require_room(index, record);
  columns_.keep(index, layout_.run_ids[index], record, place);
  written_[index] = true;
  const std::size_t chunk = index / chunk_runs_;
  const std::size_t first = chunk * chunk_runs_;
  const std::size_t runs = std::min(chunk_runs_, written_.size() - first);
  waiting_bytes_ += bytes_of(record);
  const auto place_of_run = waiting_.emplace(index, std::move(record)).first;
  if (++waiting_of_chunk_[chunk] == runs) {
    auto begin = place_of_run;
    while (begin->first != first) --begin;
    std::vector<const RunRecord*> records;
    auto end = begin;
    for (; records.size() < runs; ++end) records.push_back(&end->second);
    write_rows(first, records);
    for (const RunRecord* written : records) waiting_bytes_ -= bytes_of(*written);
    waiting_.erase(begin, end);
  }
  if (waiting_bytes_ > kMostBytesWaiting) write_waiting();
}

void ResultsWriter::File::write_waiting() {
  for (auto begin = waiting_.begin(); begin != waiting_.end();) {
    std::vector<const RunRecord*> records;
    auto end = begin;
    for (; end != waiting_.end() && end->first == begin->first + records.size(); ++end) {
      records.push_back(&end->second);
    }
    write_rows(begin->first, records);
    begin = end;
  }
  waiting_.clear();
  std::ranges::fill(waiting_of_chunk_, 0);
  waiting_bytes_ = 0;
}

void ResultsWriter::File::write_rows(std::size_t first, std::span<const RunRecord* const> records) {
  const std::size_t steps = layout_.steps.size();
  std::vector<std::vector<std::size_t>> rows;
  std::vector<double> recorded(records.size() * steps, 0);
  for (std::size_t i = 0; i < records.size(); ++i) {
    rows.push_back(positions(*records[i]));
    for (const std::size_t row : rows[i]) recorded[i * steps + row] = 1;
    for (const Metric& metric : records[i]->metrics) {
      metric_dataset(metric).describe(check(), metric.meaning, metric.units);
    }
  }
  hdf5::write_rows(check(), recorded_, first, records.size(), recorded);
  for (const MetricDataset& dataset : metrics_) write_metric(dataset, first, records, rows);
  for (std::size_t k = 0; k < kPredictions.size(); ++k) {
    std::vector<double> padded(records.size() * layout_.layers, kNaN);
    for (std::size_t i = 0; i < records.size(); ++i) {
      std::ranges::copy(records[i]->*kPredictions[k].values, &padded[i * layout_.layers]);
    }
    hdf5::write_rows(check(), predictions_[k], first, records.size(), padded);
  }
}

void ResultsWriter::File::write_metric(const MetricDataset& dataset, std::size_t first,
                                       std::span<const RunRecord* const> records,
                                       const std::vector<std::vector<std::size_t>>& positions) {
  const std::size_t width = size_of(sizes_, dataset.metric.axis);
  const std::size_t row_size = layout_.steps.size() * width;
  std::vector<double> padded(records.size() * row_size, kNaN);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Metric* metric = dataset.find(*records[i]);
    if (metric == nullptr) continue;
    const std::size_t given = records[i]->width(metric->axis);
    for (std::size_t step = 0; step < positions[i].size(); ++step) {
      const auto values = std::span(metric->values).subspan(step * given, given);
      std::ranges::copy(values, &padded[i * row_size + positions[i][step] * width]);
    }
  }
  hdf5::write_rows(check(), dataset.variable, first, records.size(), padded);
}

void ResultsWriter::File::close() {
  const hdf5::Turn turn;
  write_waiting();
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
  axes_ = {};
  output_.publish_sealed();
}

ResultsWriter::ResultsWriter(std::filesystem::path path, const Plan& plan,
                             const Provenance& provenance)
    : file_([&] {
        const hdf5::Turn turn;
        return std::make_unique<File>(std::move(path), plan, provenance);
      }()) {}

ResultsWriter::~ResultsWriter() = default;

void ResultsWriter::write(std::size_t index, RunRecord record) {
  file_->write(index, std::move(record), file_->here());
}

void ResultsWriter::write(std::size_t index, RunRecord record, const RunPlace& place) {
  file_->write(index, std::move(record), place);
}

void ResultsWriter::close() { file_->close(); }

}  // namespace plumbline
