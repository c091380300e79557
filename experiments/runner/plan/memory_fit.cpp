// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/memory_fit.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "engine/datasets/stream_sizes.hpp"
#include "experiments/runner/machine/available_memory.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

// "3 GB of memory, 1 GB of it for the data" that the datasets and the `count` largest runs need.
std::string needed_text(const MemoryFit& fit, std::size_t count) {
  const std::string text = bytes_text(fit.needed(count)) + " of memory";
  return fit.data > 0 ? text + ", " + bytes_text(fit.data) + " of it for the data" : text;
}

}  // namespace

double MemoryFit::needed(std::size_t count) const {
  const auto end = runs.begin() + static_cast<std::ptrdiff_t>(std::min(count, runs.size()));
  return std::accumulate(runs.begin(), end, data);
}

MemoryFit memory_fit(const Plan& plan, const std::vector<std::size_t>& pending, int threads,
                     double available) {
  MemoryFit fit;
  fit.available = available;
  std::set<std::string> datasets;
  double most = -1;
  for (const std::size_t index : pending) {
    const RunConfiguration& run = plan.runs[index].configuration;
    if (datasets.insert(run.data_key).second) fit.data += shared_bytes(*run.data);
    fit.runs.push_back(run.memory());
    if (fit.runs.back() > most) {
      most = fit.runs.back();
      fit.largest = index;
    }
  }
  std::ranges::sort(fit.runs, std::greater());
  const std::size_t wanted = std::min(fit.runs.size(), static_cast<std::size_t>(threads));
  while (fit.at_once < wanted && fit.needed(fit.at_once + 1) <= available) ++fit.at_once;
  return fit;
}

std::string memory_message(const Plan& plan, const MemoryFit& fit, int threads) {
  const std::size_t wanted = std::min(fit.runs.size(), static_cast<std::size_t>(threads));
  if (fit.at_once == wanted) return {};
  const std::string available = bytes_text(fit.available);
  if (fit.at_once == 0) {
    return fmt::format("run {} needs {}, and {} are available", run_label(plan, fit.largest),
                       needed_text(fit, 1), available);
  }
  return fmt::format("{} of {} runs at a time: {} would need {}, and {} are available", fit.at_once,
                     wanted, wanted, needed_text(fit, wanted), available);
}

std::size_t runs_that_fit(const Plan& plan, const std::vector<std::size_t>& pending, int threads,
                          std::ostream* err) {
  if (pending.empty()) return static_cast<std::size_t>(threads);
  const MemoryFit fit = memory_fit(plan, pending, threads, available_memory());
  const std::string tight = memory_message(plan, fit, threads);
  if (fit.at_once == 0) throw EnvironmentError(tight);
  if (!tight.empty() && err != nullptr) *err << tight << '\n';
  return fit.at_once;
}

}  // namespace plumbline
