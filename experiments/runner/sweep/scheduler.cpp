// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/scheduler.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <fmt/format.h>

#include "engine/datasets/stoppable_load.hpp"
#include "engine/kernels/fork_join.hpp"
#include "engine/kernels/parallel.hpp"
#include "engine/training/stopwatch.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

namespace {

using Finished = std::function<void(std::size_t, RunRecord&&)>;
using Datasets = std::map<std::string, Dataset>;

/// Hands records to `finished`, one at a time. After an exception from it the runs are stopped, and
/// no more are handed on.
class Handover {
 public:
  Handover(const Finished& finished, std::atomic<bool>& stop) : finished_(finished), stop_(stop) {}

  void hand(std::size_t index, RunRecord&& record) {
    const std::scoped_lock lock(mutex_);
    if (error_) return;
    try {
      finished_(index, std::move(record));
    } catch (...) {
      error_ = std::current_exception();
      stop_ = true;
    }
  }

  /// Throws what `finished` threw.
  void close() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const Finished& finished_;
  std::atomic<bool>& stop_;
  std::mutex mutex_;
  std::exception_ptr error_;
};

/// The runs in falling order of cost, equal ones by index: a long run that starts last would leave
/// the other threads idle at the end.
std::vector<std::size_t> dearest_first(const Plan& plan, std::vector<std::size_t> pending) {
  std::ranges::sort(pending, [&plan](std::size_t a, std::size_t b) {
    const double cost_a = plan.runs[a].cost;
    const double cost_b = plan.runs[b].cost;
    return cost_a != cost_b ? cost_a > cost_b : a < b;
  });
  return pending;
}

/// Loading before the first run, rather than in the thread that first needs the data, means that a
/// missing file costs no computed run, and that no task waits for another.
Datasets load_datasets(const Plan& plan, const std::vector<std::size_t>& pending,
                       const DataFolders& folders, const std::atomic<bool>& stop) {
  Datasets datasets;
  const StoppableLoad stoppable(stop);
  try {
    for (const std::size_t index : pending) {
      if (stop) break;
      const RunConfiguration& configuration = plan.runs[index].configuration;
      if (datasets.contains(configuration.data_key)) continue;
      datasets.emplace(configuration.data_key, configuration.data->load(folders));
    }
  } catch (const LoadStopped&) {  // what is left is not run either
  }
  return datasets;
}

/// Calls `run`; what it throws becomes a record with status failed.
std::optional<RunRecord> run_or_failure(const RunFunction& run,
                                        const RunConfiguration& configuration, const Dataset& data,
                                        const std::atomic<bool>& stop) {
  const Stopwatch watch;
  const auto failure = [&watch](std::string message) {
    RunRecord record;
    record.status = RunStatus::failed;
    record.message = std::move(message);
    record.started = watch.started();
    record.wall_seconds = watch.wall_seconds();
    return record;
  };
  try {
    return run(configuration, data, stop);
  } catch (const std::bad_alloc&) {
    return failure("out of memory");
  } catch (const std::exception& error) {
    return failure(error.what());
  } catch (...) {
    return failure("an exception without a message");
  }
}

/// The threads that share one run's steps, as long as it lives: those that there are for each run, rounded
/// up, as an idle thread helps whichever run it finds.
class ThreadShare {
 public:
  ThreadShare(std::size_t threads, std::size_t active) : threads_(threads), active_(active) {
    share();
  }
  ~ThreadShare() { set_threads_per_call(1); }
  ThreadShare(const ThreadShare&) = delete;
  ThreadShare& operator=(const ThreadShare&) = delete;

  /// One of the runs has ended, and none has come in its place.
  void release() {
    // Of two that end at once the later count must be set last.
    const std::scoped_lock lock(mutex_);
    --active_;
    share();
  }

 private:
  void share() const {
    if (active_ == 0) return;
    set_threads_per_call(static_cast<int>((threads_ + active_ - 1) / active_));
  }

  std::size_t threads_;
  std::size_t active_;
  std::mutex mutex_;
};

}  // namespace

Sharing::Sharing(int n_threads) : Sharing(n_threads, std::numeric_limits<std::size_t>::max()) {}

Sharing::Sharing(int n_threads, std::size_t most_runs)
    : threads(static_cast<std::size_t>(std::max(n_threads, 1))),
      runs_at_once(std::clamp<std::size_t>(most_runs, 1, threads)) {}

std::string sharing_text(const Plan& plan, const std::vector<std::size_t>& pending,
                         const Sharing& sharing) {
  if (pending.empty()) return "no runs are left";
  if (sharing.threads == 1) return "1 thread: one run after the other";
  const std::size_t at_once = std::min(sharing.runs_at_once, pending.size());
  const bool memory_limits = at_once < std::min(sharing.threads, pending.size());
  const auto shared =
      static_cast<std::size_t>(std::ranges::count_if(pending, [&](std::size_t index) {
        return plan.runs[index].configuration.has_shared_steps();
      }));
  std::string text = counted(sharing.threads, "thread") + ": ";
  if (at_once == pending.size()) {
    text += at_once == 1 ? "1 run" : fmt::format("all {} runs side by side", at_once);
  } else {
    text += counted(at_once, "run") + (at_once == 1 ? " at a time" : " side by side");
  }
  if (memory_limits) text += ", as the memory holds no more";
  if (at_once == sharing.threads) {
    text += ", one thread each";
    if (shared > 0) text += "; threads without a run help those that are left";
    return text;
  }
  if (shared == pending.size()) return text + "; all threads share the steps";
  return text + (shared == 0 ? "; the steps are too small to be shared by more threads"
                             : "; all threads share the steps of those that are large enough");
}

void schedule(const Plan& plan, const std::vector<std::size_t>& pending, const DataFolders& folders,
              const Sharing& sharing, std::atomic<bool>& stop, const Finished& finished,
              const RunFunction& run) {
  if (pending.empty()) return;
  const std::vector<std::size_t> order = dearest_first(plan, pending);
  const Datasets datasets = load_datasets(plan, order, folders, stop);
  const std::size_t workers = std::min(sharing.runs_at_once, order.size());
  Handover handover(finished, stop);

  std::atomic<std::size_t> next{0};
  ThreadShare share(sharing.threads, workers);
  const auto work = [&](std::size_t) {
    fork_join::begin();
    for (std::size_t n = next++; n < order.size() && !stop; n = next++) {
      const RunConfiguration& configuration = plan.runs[order[n]].configuration;
      const Dataset& data = datasets.at(configuration.data_key);
      std::optional<RunRecord> record = run_or_failure(run, configuration, data, stop);
      if (record) handover.hand(order[n], std::move(*record));
    }
    share.release();
    fork_join::end();
  };

  // Without the limit oneTBB makes no more threads than there are processors.
  const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                          sharing.threads);
  oneapi::tbb::task_arena arena(static_cast<int>(sharing.threads));
  fork_join::fork();
  arena.execute([&] {
    oneapi::tbb::parallel_for(std::size_t{0}, workers, work, oneapi::tbb::simple_partitioner());
  });
  fork_join::join();
  handover.close();
}

}  // namespace plumbline
