// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/results_segment.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "experiments/runner/results/hdf5_output.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/results_description.hpp"
#include "experiments/runner/results/run_columns.hpp"

namespace plumbline {

namespace {

using hdf5::Check;
using hdf5::StoredAs;
using hdf5::Variable;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// HDF5 has no empty axis, and a segment of failed runs has neither steps nor layers.
constexpr std::int64_t kOnlyStep = 0;
constexpr std::size_t kFewestLayers = 1;
/// Of the largest variable: a megabyte, which is what the library keeps of a file that is read.
constexpr std::size_t kChunkNumbers = 131072;

std::vector<double> numbered(std::size_t size) {
  std::vector<double> values(size);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

void include_steps(SegmentShape& shape, const std::vector<std::int64_t>& steps) {
  if (std::ranges::includes(shape.steps, steps)) return;
  std::vector<std::int64_t> all;
  std::ranges::set_union(shape.steps, steps, std::back_inserter(all));
  shape.steps = std::move(all);
}

void include_metric(SegmentShape& shape, MetricVariable&& metric) {
  const bool known = std::ranges::any_of(
      shape.metrics, [&](const MetricVariable& other) { return other.name == metric.name; });
  if (!known) shape.metrics.push_back(std::move(metric));
}

}  // namespace

void SegmentShape::include(const RunRecord& record) {
  include_steps(*this, record.steps);
  layers = std::max(layers, static_cast<std::size_t>(record.n_layers));
  lags = std::max(lags, static_cast<std::size_t>(record.n_lags));
  indices = std::max(indices, static_cast<std::size_t>(record.n_indices));
  for (const Metric& metric : record.metrics) {
    include_metric(*this, {metric.name, metric.meaning, metric.units, metric.axis});
  }
}

void SegmentShape::include(const ResultsReader& reader) {
  include_steps(*this, reader.steps());
  layers = std::max(layers, reader.layers());
  lags = std::max(lags, size_of(reader.axis_sizes(), QuantityAxis::lag));
  indices = std::max(indices, size_of(reader.axis_sizes(), QuantityAxis::index));
  for (MetricVariable& metric : reader.metrics()) include_metric(*this, std::move(metric));
}

class SegmentWriter::File {
 public:
  File(std::filesystem::path path, std::size_t runs, const SegmentShape& shape,
       const Definition& definition, const Provenance& provenance);

  void write(std::span<const FinishedRun> runs);
  void start_writing_back() { output_.start_writing_back(); }
  void close();

 private:
  /// The next rows, which are those of a chunk, or the last.
  void write_chunk(std::span<const FinishedRun> runs);
  struct MetricBlock {
    MetricVariable metric;
    Variable variable;
  };
  using Axes = std::vector<const Variable*>;

  Variable measured_variable(const std::string& name, const Axes& axes, const char* role);
  void write_recorded(std::span<const FinishedRun> runs);
  void write_metric(const MetricBlock& block, std::span<const FinishedRun> runs);
  void write_prediction(std::size_t which, std::span<const FinishedRun> runs);
  std::size_t place_of(std::int64_t step) const;

  const Check& check() const { return output_.check(); }
  hid_t file() const { return output_.id(); }

  // Declared first, so that the file outlives the variables in it.
  hdf5::OutputFile output_;
  std::vector<std::int64_t> steps_;
  AxisSizes sizes_;
  std::size_t runs_;
  std::size_t chunk_rows_;
  std::size_t written_ = 0;
  std::vector<FinishedRun> waiting_;  ///< fewer than a chunk's
  std::vector<std::string> run_ids_;

  Variable run_;
  Variable step_;
  std::array<Variable, std::tuple_size_v<AxisSizes>> axes_;  ///< as those of ResultsWriter
  Variable run_id_;
  RunColumns columns_;
  Variable recorded_;
  std::vector<MetricBlock> metrics_;
  std::vector<Variable> predictions_;
};

SegmentWriter::File::File(std::filesystem::path path, std::size_t runs, const SegmentShape& shape,
                          const Definition& definition, const Provenance& provenance)
    : output_(std::move(path)),
      steps_(shape.steps.empty() ? std::vector{kOnlyStep} : shape.steps),
      sizes_{1, std::max(shape.layers, kFewestLayers), shape.lags, shape.indices},
      runs_(runs),
      chunk_rows_(std::clamp<std::size_t>(
          kChunkNumbers / (steps_.size() * std::ranges::max(sizes_)), 1, runs)) {
  write_file_attributes(check(), file(), definition, provenance,
                        {.schema = kResultsSchema,
                         .version = kResultsSchemaVersion,
                         .id = definition.name + ".segment"});
  write_origin(check(), file(), definition, provenance);
  run_ = hdf5::create_dimension(check(), file(), "run", numbered(runs));
  step_ = hdf5::create_dimension(check(), file(), "step",
                                 std::vector<double>(steps_.begin(), steps_.end()));
  for (const QuantityAxis axis : {QuantityAxis::layer, QuantityAxis::lag, QuantityAxis::index}) {
    const std::size_t size = size_of(sizes_, axis);
    if (size == 0) continue;
    axes_[static_cast<std::size_t>(axis)] = hdf5::create_dimension(
        check(), file(), std::string(to_string(axis)), axis_coordinates(axis, size));
  }
  run_id_ = hdf5::create_variable(check(), file(), "run_id", StoredAs::text, Axes{&run_});
  columns_ = RunColumns(check(), file(), run_);
  recorded_ = hdf5::create_variable(check(), file(), "recorded", StoredAs::int8,
                                    Axes{&run_, &step_}, chunk_rows_);
  for (const MetricVariable& metric : shape.metrics) {
    Axes axes{&run_, &step_};
    if (metric.axis != QuantityAxis::none) {
      axes.push_back(&axes_[static_cast<std::size_t>(metric.axis)]);
    }
    metrics_.push_back({metric, measured_variable(metric.name, axes, "metric")});
    hdf5::describe(check(), metrics_.back().variable, metric.meaning, metric.units);
  }
  for (const PredictionVariable& prediction : kPredictions) {
    predictions_.push_back(measured_variable(
        prediction.name, Axes{&run_, &axes_[static_cast<std::size_t>(QuantityAxis::layer)]},
        "prediction"));
  }
}

Variable SegmentWriter::File::measured_variable(const std::string& name, const Axes& axes,
                                                const char* role) {
  Variable variable =
      hdf5::create_variable(check(), file(), name, StoredAs::float64, axes, chunk_rows_);
  hdf5::set_attribute(check(), variable.id(), "role", role);
  return variable;
}

std::size_t SegmentWriter::File::place_of(std::int64_t step) const {
  const auto place = std::ranges::lower_bound(steps_, step);
  if (place == steps_.end() || *place != step) {
    throw std::invalid_argument("a segment has no step " + std::to_string(step));
  }
  return static_cast<std::size_t>(place - steps_.begin());
}

void SegmentWriter::File::write(std::span<const FinishedRun> runs) {
  if (runs.size() > runs_ - written_ - waiting_.size()) {
    throw std::invalid_argument("a segment has no room left");
  }
  while (!runs.empty()) {
    if (waiting_.empty() && runs.size() >= chunk_rows_) {
      write_chunk(runs.first(chunk_rows_));
      runs = runs.subspan(chunk_rows_);
      continue;
    }
    const auto next = runs.first(std::min(runs.size(), chunk_rows_ - waiting_.size()));
    waiting_.insert(waiting_.end(), next.begin(), next.end());
    runs = runs.subspan(next.size());
    if (waiting_.size() < chunk_rows_) return;
    write_chunk(waiting_);
    waiting_.clear();
  }
}

void SegmentWriter::File::write_chunk(std::span<const FinishedRun> runs) {
  const hdf5::Turn turn;
  write_recorded(runs);
  for (const MetricBlock& block : metrics_) write_metric(block, runs);
  for (std::size_t i = 0; i < kPredictions.size(); ++i) write_prediction(i, runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    run_ids_.push_back(runs[i].run_id);
    columns_.keep(written_ + i, runs[i].run_id, runs[i].record, runs[i].place);
  }
  written_ += runs.size();
}

void SegmentWriter::File::write_recorded(std::span<const FinishedRun> runs) {
  std::vector<double> recorded(runs.size() * steps_.size(), 0);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const std::int64_t step : runs[i].record.steps) {
      recorded[i * steps_.size() + place_of(step)] = 1;
    }
  }
  hdf5::write_rows(check(), recorded_, written_, runs.size(), recorded);
}

void SegmentWriter::File::write_metric(const MetricBlock& block,
                                       std::span<const FinishedRun> runs) {
  const std::size_t width = size_of(sizes_, block.metric.axis);
  std::vector<double> padded(runs.size() * steps_.size() * width, kNaN);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunRecord& record = runs[i].record;
    const auto found = std::ranges::find(record.metrics, block.metric.name, &Metric::name);
    if (found == record.metrics.end()) continue;
    const std::size_t given = record.width(block.metric.axis);
    if (found->values.size() != record.steps.size() * given || given > width) {
      throw std::invalid_argument("a record has a " + found->name + " of the wrong length");
    }
    for (std::size_t row = 0; row < record.steps.size(); ++row) {
      const auto values = std::span(found->values).subspan(row * given, given);
      std::ranges::copy(values, &padded[(i * steps_.size() + place_of(record.steps[row])) * width]);
    }
  }
  hdf5::write_rows(check(), block.variable, written_, runs.size(), padded);
}

void SegmentWriter::File::write_prediction(std::size_t which, std::span<const FinishedRun> runs) {
  const std::size_t layers = size_of(sizes_, QuantityAxis::layer);
  std::vector<double> padded(runs.size() * layers, kNaN);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::vector<double>& values = runs[i].record.*kPredictions[which].values;
    if (values.size() > layers) throw std::invalid_argument("a prediction is too long");
    std::ranges::copy(values, padded.begin() + static_cast<std::ptrdiff_t>(i * layers));
  }
  hdf5::write_rows(check(), predictions_[which], written_, runs.size(), padded);
}

void SegmentWriter::File::close() {
  const hdf5::Turn turn;
  if (!waiting_.empty()) write_chunk(waiting_);
  waiting_.clear();
  if (written_ != runs_) throw std::logic_error("a segment lacks runs that were announced");
  hdf5::write_texts(check(), run_id_, run_ids_);
  columns_.save(check(), file());
  // The library closes a file when the last of its objects is closed.
  columns_ = {};
  metrics_.clear();
  predictions_.clear();
  for (Variable* variable : {&recorded_, &run_id_, &run_, &step_}) *variable = {};
  axes_ = {};
  output_.publish_sealed();
}

SegmentWriter::SegmentWriter(std::filesystem::path path, std::size_t runs,
                             const SegmentShape& shape, const Definition& definition,
                             const Provenance& provenance)
    : file_([&] {
        const hdf5::Turn turn;
        return std::make_unique<File>(std::move(path), runs, shape, definition, provenance);
      }()) {}

SegmentWriter::~SegmentWriter() = default;

void SegmentWriter::write(std::span<const FinishedRun> runs) { file_->write(runs); }

void SegmentWriter::start_writing_back() { file_->start_writing_back(); }

void SegmentWriter::close() { file_->close(); }

void write_segment(const std::filesystem::path& path, std::span<const FinishedRun> runs,
                   const Definition& definition, const Provenance& provenance) {
  SegmentShape shape;
  for (const FinishedRun& run : runs) shape.include(run.record);
  SegmentWriter writer(path, runs.size(), shape, definition, provenance);
  writer.write(runs);
  writer.close();
}

}  // namespace plumbline
