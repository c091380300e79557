// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/foreign_results.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/plan/differing_settings.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/results/segment_folder.hpp"
#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAdvice =
    "\n-o names another file for this definition; --fresh writes this one anew";

/// The file that says what definition the results are of.
fs::path witness(const fs::path& file) {
  const StorePaths paths(file);
  const std::vector<fs::path> segments = segment_files(paths.segments);
  return segments.empty() ? file : segments.front();
}

/// "engine semantics version 4 (Plumbline 0.1.0, commit abc)".
std::string version_text(const ResultsReader& reader) {
  return fmt::format("engine semantics version {} (Plumbline {}, commit {})",
                     reader.find_provenance("semantics_version").value_or("unknown"),
                     reader.find_provenance("plumbline_version").value_or("?"),
                     reader.find_provenance("git_commit").value_or("?"));
}

/// Why no run of the file is one of the plan's.
std::string reason(const ResultsReader& reader, const fs::path& path, const Plan& plan,
                   const DataFolders& data_folders) {
  const std::string versions = fmt::format("it was made by {}, this program has version {}",
                                           version_text(reader), kSemanticsVersion);
  std::vector<DifferingSetting> differences;
  try {
    differences =
        keeping_apart(differing_settings(recorded_plan(path.string(), reader, data_folders), plan));
  } catch (const EnvironmentError& error) {
    return versions + '\n' + error.what();
  }
  if (differences.empty()) {
    const auto version = reader.find_provenance("semantics_version");
    if (version != std::to_string(kSemanticsVersion)) return versions;
    if (!has_whole_seal(path)) return "it is damaged, or another program has changed it";
    return "no setting differs in its values, but how they are combined, or a data file, does";
  }
  constexpr std::size_t kMost = 12;
  const std::string line = "\n  ";
  return "these settings differ:" + line +
         differences_text(differences, "in the file", "in the definition", kMost, line);
}

}  // namespace

void refuse_foreign_results(const fs::path& file, const StoredRuns& stored, const Plan& plan,
                            const DataFolders& data_folders) {
  const std::size_t finished = stored.finished();
  const bool some_belong = std::ranges::any_of(
      plan.runs, [&](const RunSpec& run) { return stored.is_finished(run.run_id); });
  if (finished == 0 || some_belong) return;
  const fs::path path = witness(file);
  const ResultsReader reader(path);
  const std::string which = finished == 1
                                ? "its finished run is not"
                                : fmt::format("none of its {} finished runs is", finished);
  throw EnvironmentError(fmt::format("{}: {} one of this definition; {}{}", file.string(), which,
                                     reason(reader, path, plan, data_folders), kAdvice));
}

}  // namespace plumbline
