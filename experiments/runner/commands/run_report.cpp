// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/run_report.hpp"

#include <fmt/format.h>

#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

std::string runs_text(std::size_t n) { return counted(n, "run"); }

RunCounts count_runs(const Plan& plan, const StoredRuns& stored) {
  RunCounts counts;
  counts.pending = runs_foreseen(plan) - plan.runs.size();
  for (const RunSpec& run : plan.runs) {
    switch (stored.status(run.run_id)) {
      case RunStatus::pending:
        ++counts.pending;
        break;
      case RunStatus::complete:
        ++counts.complete;
        break;
      case RunStatus::diverged:
        ++counts.diverged;
        break;
      case RunStatus::failed:
        ++counts.failed;
        break;
    }
  }
  return counts;
}

void print_counts(const std::filesystem::path& path, const RunCounts& counts, bool retried,
                  std::ostream& out) {
  out << path.string() << '\n'
      << fmt::format("{} of {}: {} complete, {} diverged, {} failed", counts.done(),
                     runs_text(counts.all()), counts.complete, counts.diverged, counts.failed);
  if (counts.pending > 0) out << ", " << counts.pending << " pending";
  if (counts.pending + counts.failed > 0) {
    out << ": the same command " << (retried ? "without --retry-failed " : "") << "computes "
        << (counts.pending + counts.failed == 1 ? "it" : "them");
  }
  out << '\n';
}

void print_previous(const std::vector<std::filesystem::path>& files, std::size_t runs,
                    std::ostream& out) {
  if (files.empty()) return;
  std::string names;
  for (const std::filesystem::path& file : files) {
    names += (names.empty() ? "" : " and ") + file.string();
  }
  out << fmt::format("{} earlier {} not in this plan; {} kept in {}\n", runs,
                     runs == 1 ? "run is" : "runs are", runs == 1 ? "it is" : "they are", names);
}

void print_taken_back(const std::filesystem::path& file, std::size_t runs, std::ostream& out) {
  if (runs == 0) return;
  out << fmt::format("{} {} taken back from {}.previous\n", runs_text(runs),
                     runs == 1 ? "is" : "are", file.string());
}

void print_taken_over(const std::string& from, std::size_t runs, std::ostream& out) {
  if (runs == 0) return;
  out << fmt::format("{} {} taken from {}\n", runs_text(runs), runs == 1 ? "is" : "are", from);
}

void print_failures(const Plan& plan, const Failures& failures, std::ostream& out) {
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const auto found = failures.find(plan.runs[index].run_id);
    if (found == failures.end()) continue;
    out << "failed: " << run_label(plan, index) << ": " << found->second << '\n';
  }
}

}  // namespace plumbline
