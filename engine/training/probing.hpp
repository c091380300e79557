// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/state_archive.hpp"
#include "engine/probes/probe.hpp"
#include "engine/training/first_examples.hpp"
#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"
#include "engine/training/series.hpp"

namespace plumbline {

/// The probes of one run: calls each at the steps at which it is due, keeps what it measures, and measures
/// how long that takes.
template <typename T>
class Probing {
 public:
  /// The run and the data must outlive it. `recorded`: the steps that have a place in the record.
  Probing(const RunConfiguration& run, const Dataset& data, const Network<T>& network,
          const std::vector<std::int64_t>& recorded);

  /// Whether any probe is called at this step before its update, or after it.
  bool precedes_update(std::int64_t step) const;
  bool follows_update(std::int64_t step) const;

  /// Those that only look at the net first, then those that run it, which spoils its buffers.
  void before_update(const Snapshot<T>& at, Network<T>& network);
  /// Copies the parameters where a probe is called after the update.
  void keep_before_update(std::int64_t step, std::span<const T> parameters);
  /// `at`: as before the update, but for the parameters, which are those after it.
  void after_update(const Snapshot<T>& at, Network<T>& network);

  /// What outlives the steps before this one.
  void archive(StateArchive& kept, std::int64_t step);
  /// Leaves the values of so many recorded steps alone.
  void truncate(std::size_t steps);
  void add_to(RunRecord& record) const;

 private:
  struct Running {
    std::string name;
    ProbeCalls calls;
    std::unique_ptr<Probe<T>> probe;  ///< null where it says nothing of this run
    std::vector<Series> series;       ///< a quantity each
    std::vector<bool> is_defined;
    std::vector<std::size_t> sizes;  ///< values of each quantity at a step
    std::vector<std::span<double>> rows;
    double seconds = 0;

    bool due(std::int64_t step) const { return series.front().due(step); }
    bool sees_before(std::int64_t step) const { return calls.see_before && due(step + 1); }
    bool sees_update(std::int64_t step) const { return calls.see_update && due(step + 1); }
    bool is_called_before(std::int64_t step) const;
    bool is_called_after(std::int64_t step) const;
    Readings readings(std::int64_t step);
    void leave_out_undefined();
  };

  RunningNet<T> net(Network<T>& network, const ProbeCalls& calls) {
    examples_->show(calls.examples);
    return {network, *run_.loss, *examples_};
  }

  const RunConfiguration& run_;
  std::unique_ptr<FirstTrainExamples<T>> examples_;
  std::vector<Running> probes_;
  std::size_t lags_ = 0;
  std::size_t indices_ = 0;
  std::vector<T> before_;  // parameters; empty where no probe is called after an update
};

extern template class Probing<float>;
extern template class Probing<double>;

}  // namespace plumbline
