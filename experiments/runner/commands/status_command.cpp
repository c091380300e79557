// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/status_command.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/sweep_status.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/kept_runs.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/sweep/signal_wait.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr double kWatchSeconds = 1;

bool is_results_file(const fs::path& path) {
  constexpr std::array<std::string_view, 4> kEndings = {".h5", ".hdf5", ".nc", ".previous"};
  if (std::ranges::find(kEndings, path.extension().string()) != kEndings.end()) return true;
  std::error_code unknown;
  return fs::is_directory(StorePaths(path).folder, unknown);
}

/// The file itself, and the shards beside it.
std::vector<fs::path> files_of(const fs::path& file) {
  std::vector<fs::path> files = {file};
  for (fs::path& shard : shard_files(file)) files.push_back(std::move(shard));
  return files;
}

/// What is looked at. The plan is that of the definition, or of the first file that has any run.
struct Watched {
  fs::path file;
  Plan plan;
};

Watched watched_definition(const StatusOptions& options, std::ostream& err) {
  std::vector<Problem> problems;
  Definition definition =
      read_definition(find_definition(options.target), options.overrides, problems);
  Plan plan =
      make_plan(std::move(definition), std::move(problems), options.data_folders, most_runs(true));
  print_warnings(plan, err);
  fs::path file = output_path(options.output, plan.definition.name);
  return {std::move(file), std::move(plan)};
}

Watched watched_file(const StatusOptions& options) {
  const fs::path file = options.target;
  for (const fs::path& path : files_of(file)) {
    const FoundRuns found(path);
    if (found.sources().empty()) continue;
    Plan plan =
        recorded_plan(path.string(), found.newest_source().provenance, options.data_folders);
    const auto shard = shard_of_path(file);
    if (shard) plan = part_of(plan, shard->second);
    return {file, std::move(plan)};
  }
  std::error_code unknown;
  const bool has_begun = fs::is_directory(StorePaths(file).folder, unknown);
  throw EnvironmentError(file.string() +
                         (has_begun ? ": no run has finished yet; `plumbline status DEFINITION` "
                                      "tells more"
                                    : ": there is no such file"));
}

/// The columns of the terminal that standard output is; 0 where it does not tell.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// The first `columns` code points of a line.
std::string_view cut(std::string_view line, std::size_t columns) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins_point = (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;
    if (begins_point && points++ == columns) return line.substr(0, i);
  }
  return line;
}

/// Lines on a terminal that are drawn again and again. Long ones are cut, as a wrapped line would count
/// for two.
class Screen {
 public:
  explicit Screen(std::ostream& out) : out_(out) {}

  void draw(std::string_view text) {
    if (lines_ > 0) out_ << fmt::format("\033[{}A", lines_);
    out_ << "\r\033[J";
    const std::size_t columns = terminal_columns();
    for (lines_ = 0; !text.empty(); ++lines_) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_ << (columns == 0 ? line : cut(line, columns)) << '\n';
      text.remove_prefix(std::min(end, text.size() - 1) + 1);
    }
    out_ << std::flush;
  }

 private:
  std::ostream& out_;
  std::size_t lines_ = 0;
};

int exit_status(const SweepStatus& status) { return status.failed > 0 ? kNotWell : kAllWell; }

}  // namespace

int status_command(const StatusOptions& options, std::ostream& out, std::ostream& err) {
  const Watched watched =
      is_results_file(options.target) ? watched_file(options) : watched_definition(options, err);
  // They change only where a process takes them back, which files then tell.
  const RunsElsewhere kept = kept_runs(watched.file);
  FilesSeen seen;
  const auto look = [&] {
    return sweep_status(watched.plan, watched.file, files_of(watched.file), kept.runs(), &seen);
  };
  if (!options.watch) {
    const SweepStatus status = look();
    out << (options.json ? status_json(status, 2) : status_text(status));
    return exit_status(status);
  }
  const SignalWait signals;
  Screen screen(out);
  const bool redraws = !options.json && isatty(STDOUT_FILENO) == 1;
  std::string told;
  for (;;) {
    const SweepStatus status = look();
    if (redraws) {
      screen.draw(status_text(status));
    } else {
      const std::string line = options.json ? status_json(status, -1) : status_line(status) + '\n';
      if (line != told) out << line << std::flush;
      told = line;
    }
    if (status.pending == 0) return exit_status(status);
    if (signals.wait(kWatchSeconds)) return kInterrupted;
  }
}

}  // namespace plumbline
