// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/memory_fit.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "experiments/runner/text_table.hpp"

namespace plumbline {

namespace {

double dataset_bytes(const DataSource& data) {
  const SplitSizes sizes = data.sizes();
  const auto examples = static_cast<double>(sizes.train + sizes.valid + sizes.test);
  const std::size_t targets = data.has_labels() ? 1 : data.outputs();
  return examples * static_cast<double>(sizeof(float) * (data.features() + targets));
}

// To count what some optimizers keep, they are made, and that must not be tried for a net that does not
// fit without them.
double run_bytes(const RunConfiguration& run, double available) {
  const double least = run.memory_without_optimizer();
  return least > available ? least : run.memory();
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
    if (datasets.insert(run.data_key).second) fit.data += dataset_bytes(*run.data);
    fit.runs.push_back(run_bytes(run, available));
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
    return fmt::format("run {} needs {} of memory, and {} are available",
                       run_label(plan, fit.largest), bytes_text(fit.needed(1)), available);
  }
  return fmt::format("{} of {} runs at a time: {} would need {} of memory, and {} are available",
                     fit.at_once, wanted, wanted, bytes_text(fit.needed(wanted)), available);
}

}  // namespace plumbline
