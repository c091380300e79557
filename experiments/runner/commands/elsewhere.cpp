// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/elsewhere.hpp"

#include <utility>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/commands/run_report.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/kept_runs.hpp"
#include "experiments/runner/results/writing_process.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

/// What the shards beside FILE hold. Tells what cannot be read, and who else computes.
RunsElsewhere look_at_shards(const fs::path& file, std::ostream& err) {
  RunsElsewhere shards;
  for (const fs::path& shard : shard_files(file)) {
    const auto process = writing_process(shard);
    if (process && process->is_alive) {
      err << fmt::format(
          "{}: process {} on {} computes it; what it has not finished is computed here too\n",
          shard.string(), process->pid, process->host);
    }
    try {
      FoundRuns found(shard);
      for (const auto& [run_id, message] : found.unreadable()) err << message << '\n';
      shards.add(std::move(found));
    } catch (const EnvironmentError& error) {
      err << error.what() << "; what it holds is computed here\n";
    }
  }
  return shards;
}

}  // namespace

StoredRuns Elsewhere::with(const StoredRuns& own) const {
  StoredRuns all = kept.runs();
  all.add(beside.runs());
  all.add(own);
  return all;
}

Elsewhere beside_output(const fs::path& file, std::ostream& err) {
  return {kept_runs(file), look_at_shards(file, err), "the shards beside it"};
}

Elsewhere beside_shard(const fs::path& file, RunsElsewhere in_output, const fs::path& output) {
  return {kept_runs(file), std::move(in_output), output.string()};
}

std::size_t take_over(const Plan& plan, const Elsewhere& elsewhere, SweepStore& store,
                      std::ostream& err) {
  const std::size_t back = elsewhere.kept.give(plan, store);
  const std::size_t from_beside = elsewhere.beside.give(plan, store);
  if (back + from_beside == 0) return 0;
  store.flush();
  print_taken_back(store.paths().file, back, err);
  print_taken_over(elsewhere.name_of_beside, from_beside, err);
  return back + from_beside;
}

}  // namespace plumbline
