// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "engine/core/hdf5_extent.hpp"
#include "engine/core/hdf5_handle.hpp"
#include "engine/core/setting_node.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/record_checksum.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"
#include "experiments/runner/results/run_columns.hpp"

namespace plumbline {

namespace {

using hdf5::Check;
using hdf5::Handle;
using hdf5::Variable;

/// Of the largest variable, in a block of runs: a megabyte.
constexpr std::size_t kBlockNumbers = 131072;

constexpr std::array kAxesOfSomeFiles = {QuantityAxis::lag, QuantityAxis::index};

/// A metric of the file; its shape is that of the axes.
struct MetricDataset {
  Variable variable;
  std::string meaning;
  std::string units;
  QuantityAxis axis = QuantityAxis::none;
  std::string undefined;
};

/// What a record needs of the variables over (run), and the metrics, opened.
struct Contents {
  std::vector<double> status;
  std::vector<std::string> messages;
  std::vector<std::string> digests;
  std::vector<double> n_layers;
  std::vector<double> n_lags;     // empty where the file has no such variable
  std::vector<double> n_indices;  // likewise
  std::vector<double> n_steps;
  std::vector<std::string> ended_by;   // empty where the file has no such variable
  std::vector<std::string> diagnosis;  // the same
  std::vector<double> wall_seconds;
  std::vector<double> cpu_seconds;
  std::vector<double> started;
  std::vector<std::string> run_ids;
  std::vector<double> checksums;  // empty where the file has none
  std::vector<double> threads;
  std::vector<std::string> hosts;
  std::vector<std::pair<std::string, std::vector<double>>> summary;
  std::vector<std::pair<std::string, std::vector<double>>> probe_seconds;
  Variable recorded;
  std::vector<MetricDataset> metrics;
  std::array<Variable, kPredictions.size()> predictions;  // none that an older file does not have
};

}  // namespace

class ResultsReader::File {
 public:
  explicit File(const std::filesystem::path& path);

  const Check& check() const { return check_; }
  hid_t id() const { return file_.id(); }
  std::size_t runs() const { return runs_; }
  const std::vector<double>& steps() const { return steps_; }
  std::size_t layers() const { return size_of(sizes_, QuantityAxis::layer); }
  const AxisSizes& sizes() const { return sizes_; }

  /// A variable over (run) alone.
  Variable run_variable(const std::string& name) const;
  std::vector<double> run_numbers(const std::string& name) const;
  std::vector<std::string> run_texts(const std::string& name) const;
  /// Read at the first use: who wants a label of each run need not wait for all else.
  const Contents& contents();
  /// Throws std::out_of_range.
  void require_run(std::size_t index) const;
  std::vector<RunRecord> read(std::size_t first, std::size_t count);

 private:
  Variable shaped(const std::string& name, const std::vector<hsize_t>& shape) const;
  Contents read_contents() const;
  /// Throws where a run's checksum is not that of the record that was read.
  void require_whole(std::size_t index, const RunRecord& record) const;
  /// What stands over the run alone.
  RunRecord read_columns(std::size_t index) const;
  MetricDataset metric(Variable variable) const;

  Check check_;
  Handle file_;
  std::size_t runs_ = 0;
  std::vector<double> steps_;
  AxisSizes sizes_ = {1, 0, 0, 0};
  std::array<Variable, std::tuple_size_v<AxisSizes>> axes_;  // of kAxesOfSomeFiles
  std::optional<Contents> contents_;
};

ResultsReader::File::File(const std::filesystem::path& path)
    : check_(path.string()), file_(hdf5::open_to_read(check_)) {
  if (!hdf5::has_attribute(check_, id(), "schema")) {
    check_.refuse("is no results file of Plumbline: it has no attribute 'schema'");
  }
  const std::string schema = hdf5::text_attribute(check_, id(), "schema");
  if (schema != kResultsSchema) {
    check_.refuse("is no results file of Plumbline: its schema is '" + schema + "', not '" +
                  kResultsSchema + "'");
  }
  const std::string version = hdf5::text_attribute(check_, id(), "schema_version");
  if (!version.starts_with("1.")) {
    check_.refuse("has schema version '" + version + "'; this program reads 1.x");
  }
  const auto axis = [&](const char* name) {
    const Variable variable = hdf5::open_variable(check_, id(), name);
    if (!variable || variable.shape.size() != 1 || variable.shape[0] == 0) {
      check_.refuse("has no axis '" + std::string(name) + "'");
    }
    // All other variables have these lengths, so none is larger than the file can hold.
    hdf5::sides_of(check_, variable.dataset, "'" + std::string(name) + "'");
    return hdf5::read_numbers(check_, variable);
  };
  runs_ = axis("run").size();
  steps_ = axis("step");
  sizes_[static_cast<std::size_t>(QuantityAxis::layer)] = axis("layer").size();
  const std::vector<std::string> members = hdf5::members(check_, id());
  for (const QuantityAxis axis_of_some : kAxesOfSomeFiles) {
    const std::string name(to_string(axis_of_some));
    if (std::ranges::find(members, name) == members.end()) continue;
    Variable variable = hdf5::open_variable(check_, id(), name);
    // Of an older version it may be a setting of that name.
    if (!variable || !hdf5::is_dimension(check_, variable)) continue;
    sizes_[static_cast<std::size_t>(axis_of_some)] = variable.shape[0];
    axes_[static_cast<std::size_t>(axis_of_some)] = std::move(variable);
  }
}

void ResultsReader::File::require_run(std::size_t index) const {
  if (index < runs_) return;
  throw std::out_of_range(check_.path() + ": has " + std::to_string(runs_) + " runs, no run " +
                          std::to_string(index));
}

Variable ResultsReader::File::shaped(const std::string& name,
                                     const std::vector<hsize_t>& shape) const {
  Variable variable = hdf5::open_variable(check_, id(), name);
  if (!variable || variable.shape != shape) check_.refuse("'" + name + "' has a wrong shape");
  return variable;
}

Variable ResultsReader::File::run_variable(const std::string& name) const {
  return shaped(name, {runs_});
}

std::vector<double> ResultsReader::File::run_numbers(const std::string& name) const {
  return hdf5::read_numbers(check_, run_variable(name));
}

std::vector<std::string> ResultsReader::File::run_texts(const std::string& name) const {
  return hdf5::read_texts(check_, run_variable(name));
}

MetricDataset ResultsReader::File::metric(Variable variable) const {
  const auto refuse = [&] { check_.refuse("'" + variable.name + "' has a wrong shape"); };
  if (variable.shape.size() < 2 || variable.shape.size() > 3 || variable.shape[0] != runs_ ||
      variable.shape[1] != steps_.size()) {
    refuse();
  }
  QuantityAxis axis = QuantityAxis::none;
  if (variable.shape.size() == 3) {
    axis = QuantityAxis::layer;
    for (const QuantityAxis one : kAxesOfSomeFiles) {
      const Variable& dimension = axes_[static_cast<std::size_t>(one)];
      if (dimension && hdf5::is_over(check_, variable, dimension, 2)) axis = one;
    }
    if (variable.shape[2] != size_of(sizes_, axis)) refuse();
  }
  std::string meaning = hdf5::text_attribute(check_, variable.id(), "long_name");
  std::string units = hdf5::has_attribute(check_, variable.id(), "units")
                          ? hdf5::text_attribute(check_, variable.id(), "units")
                          : "";
  std::string undefined = hdf5::has_attribute(check_, variable.id(), "undefined")
                              ? hdf5::text_attribute(check_, variable.id(), "undefined")
                              : "";
  return {std::move(variable), std::move(meaning), std::move(units), axis, std::move(undefined)};
}

Contents ResultsReader::File::read_contents() const {
  Contents contents;
  contents.status = run_numbers("status");
  contents.messages = run_texts("message");
  contents.digests = run_texts("digest");
  contents.n_layers = run_numbers("n_layers");
  contents.n_steps = run_numbers("n_steps");
  contents.wall_seconds = run_numbers("wall_seconds");
  contents.cpu_seconds = run_numbers("cpu_seconds");
  contents.started = run_numbers("started");
  contents.threads = run_numbers("threads");
  contents.hosts = run_texts("host");
  contents.run_ids = run_texts("run_id");
  contents.recorded = shaped("recorded", {runs_, steps_.size()});
  const std::vector<std::string> names = hdf5::members(check_, id());
  for (std::size_t i = 0; i < kPredictions.size(); ++i) {
    const bool is_there = std::ranges::find(names, kPredictions[i].name) != names.end();
    if (kPredictions[i].is_late && !is_there) continue;
    contents.predictions[i] = shaped(kPredictions[i].name, {runs_, layers()});
  }
  for (const std::string& name : names) {
    if (name == "ended_by") contents.ended_by = run_texts(name);
    if (name == "diagnosis") contents.diagnosis = run_texts(name);
    if (name == "checksum") contents.checksums = run_numbers(name);
    if (name == "n_lags") contents.n_lags = run_numbers(name);
    if (name == "n_indices") contents.n_indices = run_numbers(name);
    Variable variable = hdf5::open_variable(check_, id(), name);
    if (!variable || !hdf5::has_attribute(check_, variable.id(), "role")) continue;
    const std::string role = hdf5::text_attribute(check_, variable.id(), "role");
    if (role == "summary") contents.summary.emplace_back(name, run_numbers(name));
    if (role == "probe") {
      contents.probe_seconds.emplace_back(name.substr(kProbeSeconds.size()), run_numbers(name));
    }
    if (role == "metric") contents.metrics.push_back(metric(std::move(variable)));
  }
  for (std::size_t run = 0; run < runs_; ++run) {
    const bool known_status = contents.status[run] >= 0 && contents.status[run] <= 3;
    const auto fits = [&](const std::vector<double>& sizes, QuantityAxis axis) {
      return sizes.empty() ||
             (sizes[run] >= 0 && sizes[run] <= static_cast<double>(size_of(sizes_, axis)));
    };
    const bool has_room = fits(contents.n_layers, QuantityAxis::layer) &&
                          fits(contents.n_lags, QuantityAxis::lag) &&
                          fits(contents.n_indices, QuantityAxis::index);
    if (known_status && has_room) continue;
    check_.refuse("run " + std::to_string(run) +
                  " has a status or a number of layers that is none");
  }
  return contents;
}

const Contents& ResultsReader::File::contents() {
  if (!contents_) contents_ = read_contents();
  return *contents_;
}

void ResultsReader::File::require_whole(std::size_t index, const RunRecord& record) const {
  if (contents_->checksums.empty() || record.status == RunStatus::pending) return;
  const std::string& run_id = contents_->run_ids[index];
  if (record_checksum(run_id, record) == contents_->checksums[index]) return;
  check_.refuse("the checksum of run " + run_id + " is wrong");
}

RunRecord ResultsReader::File::read_columns(std::size_t index) const {
  RunRecord record;
  record.status = static_cast<RunStatus>(static_cast<std::int8_t>(contents_->status[index]));
  if (record.status == RunStatus::pending) return record;
  record.message = contents_->messages[index];
  record.digest = contents_->digests[index];
  record.n_layers = static_cast<std::int64_t>(contents_->n_layers[index]);
  if (!contents_->n_lags.empty()) {
    record.n_lags = static_cast<std::int64_t>(contents_->n_lags[index]);
  }
  if (!contents_->n_indices.empty()) {
    record.n_indices = static_cast<std::int64_t>(contents_->n_indices[index]);
  }
  record.n_steps = static_cast<std::int64_t>(contents_->n_steps[index]);
  if (!contents_->ended_by.empty()) record.ended_by = contents_->ended_by[index];
  if (!contents_->diagnosis.empty()) record.diagnosis = contents_->diagnosis[index];
  record.wall_seconds = contents_->wall_seconds[index];
  record.cpu_seconds = contents_->cpu_seconds[index];
  record.started = static_cast<std::int64_t>(contents_->started[index]);
  for (const auto& [name, seconds] : contents_->probe_seconds) {
    if (!std::isnan(seconds[index])) record.probe_seconds.emplace_back(name, seconds[index]);
  }
  const bool is_summed_up = std::ranges::any_of(
      contents_->summary, [&](const auto& column) { return !std::isnan(column.second[index]); });
  if (!is_summed_up) return record;
  for (const auto& [name, values] : contents_->summary) {
    record.summary.emplace_back(name, values[index]);
  }
  return record;
}

std::vector<RunRecord> ResultsReader::File::read(std::size_t first, std::size_t count) {
  if (count == 0) return {};
  require_run(first + count - 1);
  const Contents& from = contents();
  std::vector<RunRecord> records;
  // Where on the step axis the steps of each record stand.
  std::vector<std::vector<std::size_t>> rows(count);
  const std::vector<double> recorded = hdf5::read_rows(check(), from.recorded, first, count);
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(read_columns(first + i));
    if (records[i].status == RunStatus::pending) continue;
    for (std::size_t row = 0; row < steps_.size(); ++row) {
      if (recorded[i * steps_.size() + row] == 0) continue;
      rows[i].push_back(row);
      records[i].steps.push_back(static_cast<std::int64_t>(steps_[row]));
    }
  }
  for (const MetricDataset& dataset : from.metrics) {
    const std::size_t width = size_of(sizes_, dataset.axis);
    const std::vector<double> padded = hdf5::read_rows(check(), dataset.variable, first, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (rows[i].empty()) continue;
      const auto given = static_cast<std::ptrdiff_t>(records[i].width(dataset.axis));
      Metric metric{dataset.variable.name, dataset.meaning, dataset.units, dataset.axis, {}};
      metric.values.reserve(rows[i].size() * static_cast<std::size_t>(given));
      for (const std::size_t row : rows[i]) {
        const auto begin =
            padded.begin() + static_cast<std::ptrdiff_t>((i * steps_.size() + row) * width);
        metric.values.insert(metric.values.end(), begin, begin + given);
      }
      records[i].metrics.push_back(std::move(metric));
    }
  }
  for (std::size_t k = 0; k < kPredictions.size(); ++k) {
    if (!from.predictions[k]) continue;
    const std::vector<double> padded = hdf5::read_rows(check(), from.predictions[k], first, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (rows[i].empty()) continue;
      const auto begin = padded.begin() + static_cast<std::ptrdiff_t>(i * layers());
      (records[i].*kPredictions[k].values)
          .assign(begin, begin + static_cast<std::ptrdiff_t>(records[i].n_layers));
    }
  }
  for (std::size_t i = 0; i < count; ++i) require_whole(first + i, records[i]);
  return records;
}

ResultsReader::ResultsReader(const std::filesystem::path& path)
    : file_([&] {
        const hdf5::Turn turn;
        return std::make_unique<File>(path);
      }()) {}

ResultsReader::~ResultsReader() = default;

std::optional<std::string> ResultsReader::find_provenance(const std::string& name) const {
  const hdf5::Turn turn;
  const Handle group(file_->check()(H5Gopen2(file_->id(), "provenance", H5P_DEFAULT),
                                    "open the group 'provenance'"));
  if (!hdf5::has_attribute(file_->check(), group.id(), name)) return std::nullopt;
  return hdf5::text_attribute(file_->check(), group.id(), name);
}

std::string ResultsReader::provenance(const std::string& name) const {
  const std::optional<std::string> found = find_provenance(name);
  if (!found) file_->check().refuse("does not say its " + name + " in the group 'provenance'");
  return *found;
}

Provenance ResultsReader::provenance() const {
  const hdf5::Turn turn;
  const Handle group(file_->check()(H5Gopen2(file_->id(), "provenance", H5P_DEFAULT),
                                    "open the group 'provenance'"));
  Provenance all;
  for (std::string& name : hdf5::attributes(file_->check(), group.id())) {
    std::string value = hdf5::text_attribute(file_->check(), group.id(), name);
    all.emplace_back(std::move(name), std::move(value));
  }
  return all;
}

std::string ResultsReader::attribute(const std::string& name) const {
  const hdf5::Turn turn;
  return hdf5::text_attribute(file_->check(), file_->id(), name);
}

std::vector<std::string> ResultsReader::run_ids() const {
  constexpr std::size_t kDigits = 16;
  std::vector<std::string> ids = labels("run_id");
  for (std::size_t index = 0; index < ids.size(); ++index) {
    const bool is_id = ids[index].size() == kDigits &&
                       ids[index].find_first_not_of("0123456789abcdef") == std::string::npos;
    if (is_id) continue;
    throw EnvironmentError(file_->check().path() + ": run " + std::to_string(index) +
                           " has no id of 16 hex digits; is the file damaged?");
  }
  return ids;
}

std::vector<RunStatus> ResultsReader::statuses() const {
  const hdf5::Turn turn;
  std::vector<RunStatus> statuses;
  for (const double status : file_->contents().status) {
    statuses.push_back(static_cast<RunStatus>(static_cast<std::int8_t>(status)));
  }
  return statuses;
}

RunRecord ResultsReader::read(std::size_t index) const { return std::move(read(index, 1).front()); }

std::vector<RunRecord> ResultsReader::read(std::size_t first, std::size_t count) const {
  const hdf5::Turn turn;
  return file_->read(first, count);
}

std::size_t ResultsReader::runs_per_block() const {
  const std::size_t widest = file_->steps().size() * std::ranges::max(file_->sizes());
  return std::max<std::size_t>(kBlockNumbers / std::max<std::size_t>(widest, 1), 1);
}

RunPlace ResultsReader::place(std::size_t index) const {
  const hdf5::Turn turn;
  file_->require_run(index);
  const Contents& contents = file_->contents();
  return {contents.hosts[index], static_cast<int>(contents.threads[index])};
}

std::vector<std::pair<std::string, std::vector<double>>> ResultsReader::summary() const {
  const hdf5::Turn turn;
  return file_->contents().summary;
}

std::vector<MetricVariable> ResultsReader::metrics() const {
  const hdf5::Turn turn;
  std::vector<MetricVariable> metrics;
  for (const MetricDataset& dataset : file_->contents().metrics) {
    metrics.push_back(
        {dataset.variable.name, dataset.meaning, dataset.units, dataset.axis, dataset.undefined});
  }
  return metrics;
}

std::vector<std::int64_t> ResultsReader::steps() const {
  return {file_->steps().begin(), file_->steps().end()};
}

std::size_t ResultsReader::layers() const { return file_->layers(); }

std::array<std::size_t, 4> ResultsReader::axis_sizes() const { return file_->sizes(); }

std::vector<std::string> ResultsReader::labels(const std::string& name) const {
  const hdf5::Turn turn;
  const Variable variable = file_->run_variable(name);
  if (hdf5::holds_text(file_->check(), variable)) {
    return hdf5::read_texts(file_->check(), variable);
  }
  std::vector<std::string> labels;
  for (const double number : hdf5::read_numbers(file_->check(), variable)) {
    labels.push_back(shortest(number));
  }
  return labels;
}

std::vector<double> ResultsReader::numbers(const std::string& name) const {
  const hdf5::Turn turn;
  return file_->run_numbers(name);
}

std::vector<std::string> ResultsReader::run_variables() const {
  const hdf5::Turn turn;
  std::vector<std::string> names;
  for (const std::string& name : hdf5::members(file_->check(), file_->id())) {
    const Variable variable = hdf5::open_variable(file_->check(), file_->id(), name);
    // No variable over the steps or the layers alone is in a results file but these axes.
    const bool is_one = variable && variable.shape.size() == 1;
    if (is_one && !hdf5::is_dimension(file_->check(), variable)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> ResultsReader::settings() const {
  const hdf5::Turn turn;
  std::vector<std::string> names = run_variables();
  std::erase_if(names, [&](const std::string& name) {
    const Variable variable = hdf5::open_variable(file_->check(), file_->id(), name);
    return !hdf5::has_attribute(file_->check(), variable.id(), "role") ||
           hdf5::text_attribute(file_->check(), variable.id(), "role") != "setting";
  });
  return names;
}

}  // namespace plumbline
