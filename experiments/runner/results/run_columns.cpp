// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/run_columns.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "experiments/runner/results/record_checksum.hpp"

namespace plumbline {

namespace {

using hdf5::StoredAs;

/// "best valid accuracy"
std::string in_words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

}  // namespace

RunColumns::RunColumns(const hdf5::Check& check, hid_t file, const hdf5::Variable& run)
    : run_(&run),
      ended_by_(run.shape[0]),
      diagnosis_(run.shape[0]),
      n_lags_(run.shape[0]),
      n_indices_(run.shape[0]) {
  const std::array<const hdf5::Variable*, 1> axes = {&run};
  const auto variable = [&](const char* name, StoredAs type, const char* meaning,
                            const char* units) {
    hdf5::Variable made = hdf5::create_variable(check, file, name, type, axes);
    hdf5::describe(check, made, meaning, units);
    return made;
  };
  const auto numbers = [&](const char* name, StoredAs type, double initial, const char* meaning,
                           const char* units) {
    return Numbers{variable(name, type, meaning, units),
                   std::vector<double>(run.shape[0], initial)};
  };
  const auto texts = [&](const char* name, const char* meaning) {
    return Texts{variable(name, StoredAs::text, meaning, ""),
                 std::vector<std::string>(run.shape[0])};
  };
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  status_ = numbers("status", StoredAs::int8, 0, "what became of the run", "");
  hdf5::describe_flags(check, status_.variable, "pending complete diverged failed");
  message_ = texts("message", "why and where the run diverged or failed");
  digest_ = texts("digest", "XXH3 of the final parameters");
  n_layers_ = numbers("n_layers", StoredAs::int32, 0, "weight layers", "1");
  n_steps_ =
      numbers("n_steps", StoredAs::int32, 0, "last step at which anything was measured", "1");
  wall_seconds_ = numbers("wall_seconds", StoredAs::float64, kNaN,
                          "time that the run took, without its probes", "s");
  cpu_seconds_ = numbers("cpu_seconds", StoredAs::float64, kNaN,
                         "processor time of the run's own thread, without its probes; what other "
                         "threads helped is not in it",
                         "s");
  threads_ = numbers("threads", StoredAs::int32, 0, "threads that ran nets at once", "1");
  host_ = texts("host", "machine that computed the run");
  started_ = numbers("started", StoredAs::int64, 0, "when the run began",
                     "seconds since 1970-01-01T00:00:00Z");
  checksum_ = numbers("checksum", StoredAs::int64, 0,
                      "XXH3 of the run's id and record, but for the times", "");
}

void RunColumns::keep(std::size_t index, const std::string& run_id, const RunRecord& record,
                      const RunPlace& place) {
  status_.values[index] = static_cast<double>(record.status);
  message_.values[index] = record.message;
  digest_.values[index] = record.digest;
  n_layers_.values[index] = static_cast<double>(record.n_layers);
  n_steps_.values[index] = static_cast<double>(record.n_steps);
  wall_seconds_.values[index] = record.wall_seconds;
  cpu_seconds_.values[index] = record.cpu_seconds;
  threads_.values[index] = place.threads;
  host_.values[index] = place.host;
  started_.values[index] = static_cast<double>(record.started);
  checksum_.values[index] = record_checksum(run_id, record);
  ended_by_[index] = record.ended_by;
  diagnosis_[index] = record.diagnosis;
  n_lags_[index] = static_cast<double>(record.n_lags);
  n_indices_[index] = static_cast<double>(record.n_indices);
  for (const auto& [name, value] : record.summary) keep_named(index, summary_, name, value);
  for (const auto& [name, seconds] : record.probe_seconds) {
    keep_named(index, probe_seconds_, name, seconds);
  }
}

void RunColumns::keep_named(std::size_t index, Named& columns, const std::string& name,
                            double value) const {
  auto column = std::ranges::find(columns, name, &Named::value_type::first);
  if (column == columns.end()) {
    const double gap = std::numeric_limits<double>::quiet_NaN();
    column = columns.insert(column, {name, std::vector<double>(run_->shape[0], gap)});
  }
  column->second[index] = value;
}

void RunColumns::save_if_any(const hdf5::Check& check, hid_t file, const char* name,
                             const char* meaning, const std::vector<std::string>& texts) const {
  if (std::ranges::all_of(texts, [](const std::string& text) { return text.empty(); })) return;
  const std::array<const hdf5::Variable*, 1> axes = {run_};
  const hdf5::Variable variable = hdf5::create_variable(check, file, name, StoredAs::text, axes);
  hdf5::describe(check, variable, meaning);
  hdf5::write_texts(check, variable, texts);
}

void RunColumns::save(const hdf5::Check& check, hid_t file) {
  for (const Numbers* column : {&status_, &n_layers_, &n_steps_, &wall_seconds_, &cpu_seconds_,
                                &threads_, &started_, &checksum_}) {
    hdf5::write_numbers(check, column->variable, column->values);
  }
  for (const Texts* column : {&message_, &digest_, &host_}) {
    hdf5::write_texts(check, column->variable, column->values);
  }
  const Axes axes = {run_};
  // Files of sweeps without a budget are as they were before there was one.
  save_if_any(
      check, file, "ended_by",
      "what ended a run that has a budget: steps, max_steps, target, or max_seconds, by the "
      "clock, which no other machine repeats",
      ended_by_);
  save_if_any(check, file, "diagnosis",
              "what the error signals of step 0 show beside their prediction, the worst first",
              diagnosis_);
  for (const auto& [name, values] : summary_) {
    const hdf5::Variable variable =
        hdf5::create_variable(check, file, name, StoredAs::float64, axes);
    hdf5::describe(check, variable, in_words(name), "1");
    hdf5::set_attribute(check, variable.id(), "role", "summary");
    hdf5::write_numbers(check, variable, values);
  }
  const auto save_sizes = [&](const char* name, const std::vector<double>& sizes,
                              const char* meaning) {
    if (std::ranges::max(sizes) == 0) return;
    const hdf5::Variable variable = hdf5::create_variable(check, file, name, StoredAs::int32, axes);
    hdf5::describe(check, variable, meaning, "1");
    hdf5::write_numbers(check, variable, sizes);
  };
  save_sizes("n_lags", n_lags_, "steps of the sequences that metrics over lags are of");
  save_sizes("n_indices", n_indices_, "of the metric over indices that has most");
  save_probe_seconds(check, file, axes);
}

void RunColumns::save_probe_seconds(const hdf5::Check& check, hid_t file, const Axes& axes) const {
  if (probe_seconds_.empty()) return;
  std::vector<double> sum(run_->shape[0], 0);
  for (const auto& [name, seconds] : probe_seconds_) {
    const hdf5::Variable variable = hdf5::create_variable(
        check, file, std::string(kProbeSeconds) + name, StoredAs::float64, axes);
    hdf5::describe(check, variable, "processor time of the run's own thread in the probe " + name,
                   "s");
    hdf5::set_attribute(check, variable.id(), "role", "probe");
    hdf5::write_numbers(check, variable, seconds);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += std::isnan(seconds[i]) ? 0 : seconds[i];
  }
  const hdf5::Variable variable =
      hdf5::create_variable(check, file, "probe_seconds", StoredAs::float64, axes);
  hdf5::describe(check, variable,
                 "processor time of the run's own thread in all probes, which is in no other time",
                 "s");
  hdf5::write_numbers(check, variable, sum);
}

}  // namespace plumbline
