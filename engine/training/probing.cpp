// SPDX-License-Identifier: Apache-2.0
#include "engine/training/probing.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/training/stopwatch.hpp"

namespace plumbline {

namespace {

// Adds the time that it lives to the sum.
class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(seconds) {}
  ~Timed() { seconds_ += thread_cpu_seconds() - begin_; }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double& seconds_;
  double begin_ = thread_cpu_seconds();
};

}  // namespace

template <typename T>
bool Probing<T>::Running::is_called_before(std::int64_t step) const {
  return probe != nullptr &&
         (((calls.before_update || calls.running_net) && due(step)) || sees_before(step));
}

template <typename T>
bool Probing<T>::Running::is_called_after(std::int64_t step) const {
  return probe != nullptr && ((calls.after_update && due(step)) || sees_update(step));
}

template <typename T>
Readings Probing<T>::Running::readings(std::int64_t step) {
  for (std::size_t q = 0; q < series.size(); ++q) rows[q] = series[q].row(step).first(sizes[q]);
  return Readings(rows);
}

template <typename T>
void Probing<T>::Running::leave_out_undefined() {
  for (std::size_t q = 0; q < rows.size(); ++q) {
    if (!is_defined[q]) std::ranges::fill(rows[q], std::numeric_limits<double>::quiet_NaN());
  }
}

template <typename T>
Probing<T>::Probing(const RunConfiguration& run, const Dataset& data, const Network<T>& network,
                    const std::vector<std::int64_t>& recorded)
    : run_(run) {
  const ProbedRun probed = run.probed();
  std::size_t examples = 0;
  bool keeps_parameters = false;
  for (const ScheduledProbe& scheduled : run.probes) {
    for (const Quantity& quantity : scheduled.kind->quantities()) {
      if (quantity.axis == QuantityAxis::lag) lags_ = probed.input.steps;
      if (quantity.axis == QuantityAxis::index) indices_ = std::max(indices_, quantity.size);
    }
  }
  const auto width = [&](const Quantity& quantity) -> std::size_t {
    if (quantity.axis == QuantityAxis::layer) return network.depth();
    if (quantity.axis == QuantityAxis::lag) return lags_;
    return quantity.axis == QuantityAxis::index ? indices_ : 1;
  };
  for (const ScheduledProbe& scheduled : run.probes) {
    const ProbeKind& kind = *scheduled.kind;
    Running& running = probes_.emplace_back();
    running.name = scheduled.entry->info.name;
    running.calls = kind.calls(probed);
    if (is_defined(kind, probed)) running.probe = make_probe<T>(kind, probed);
    const std::vector<std::int64_t> due = run.steps_of(scheduled.sampling);
    const std::vector<Quantity> quantities = kind.quantities();
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      running.is_defined.push_back(kind.undefined(q, probed).empty());
      running.sizes.push_back(quantities[q].axis == QuantityAxis::index ? quantities[q].size
                                                                        : width(quantities[q]));
      running.series.emplace_back(quantities[q], width(quantities[q]), recorded, due);
    }
    running.rows.resize(quantities.size());
    if (running.probe == nullptr) continue;
    examples = std::max(examples, running.calls.examples);
    keeps_parameters = keeps_parameters || sees_updates(running.calls);
  }
  if (keeps_parameters) before_.resize(network.layout().size());
  examples_ =
      std::make_unique<FirstTrainExamples<T>>(data, examples, network.batch(), probed.input);
}

template <typename T>
bool Probing<T>::precedes_update(std::int64_t step) const {
  return std::ranges::any_of(probes_,
                             [&](const Running& probe) { return probe.is_called_before(step); });
}

template <typename T>
bool Probing<T>::follows_update(std::int64_t step) const {
  return std::ranges::any_of(probes_,
                             [&](const Running& probe) { return probe.is_called_after(step); });
}

template <typename T>
void Probing<T>::before_update(const Snapshot<T>& at, Network<T>& network) {
  for (Running& running : probes_) {
    if (!running.is_called_before(at.step)) continue;
    const Timed timed(running.seconds);
    if (running.calls.before_update && running.due(at.step)) {
      running.probe->before_update(at, running.readings(at.step));
      running.leave_out_undefined();
    }
    if (running.sees_before(at.step)) running.probe->see_before(at);
  }
  for (Running& running : probes_) {
    if (running.probe == nullptr || !running.calls.running_net || !running.due(at.step)) continue;
    const Timed timed(running.seconds);
    running.probe->running_net(at, net(network, running.calls), running.readings(at.step));
    running.leave_out_undefined();
  }
}

template <typename T>
void Probing<T>::keep_before_update(std::int64_t step, std::span<const T> parameters) {
  if (follows_update(step)) std::ranges::copy(parameters, before_.begin());
}

template <typename T>
void Probing<T>::after_update(const Snapshot<T>& at, Network<T>& network) {
  const Update<T> update{.network = network,
                         .before = before_,
                         .after = at.parameters,
                         .gradient = at.gradient,
                         .rows = at.rows,
                         .step = at.step,
                         .inputs = at.inputs,
                         .targets = at.targets,
                         .loss = at.loss,
                         .learning_rate = at.learning_rate,
                         .pass = at.pass};
  for (Running& running : probes_) {
    if (!running.is_called_after(at.step)) continue;
    const Timed timed(running.seconds);
    if (running.calls.after_update && running.due(at.step)) {
      running.probe->after_update(update, net(network, running.calls), running.readings(at.step));
      running.leave_out_undefined();
    }
    if (running.sees_update(at.step)) running.probe->see_update(update);
  }
}

template <typename T>
void Probing<T>::archive(StateArchive& kept, std::int64_t step) {
  for (Running& running : probes_) {
    for (Series& series : running.series) kept(series.before(step));
    if (running.probe != nullptr) running.probe->archive(kept);
    kept(running.seconds);
  }
}

template <typename T>
void Probing<T>::truncate(std::size_t steps) {
  for (Running& running : probes_) {
    for (Series& series : running.series) series.truncate(steps);
  }
}

template <typename T>
void Probing<T>::add_to(RunRecord& record) const {
  record.n_lags = static_cast<std::int64_t>(lags_);
  record.n_indices = static_cast<std::int64_t>(indices_);
  for (const Running& running : probes_) {
    for (const Series& series : running.series) record.metrics.push_back(series.metric());
    record.probe_seconds.emplace_back(running.name, running.seconds);
  }
}

template class Probing<float>;
template class Probing<double>;

}  // namespace plumbline
