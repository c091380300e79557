// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/sweep_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/force_to_disk.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/previous_runs.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/record_size.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/writing_process.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

/// Of records that are in segments and at hand all the same.
constexpr std::size_t kMostBytesAtHand = std::size_t{32} << 20;

/// Calls `read(first, records)` for the runs of a file block by block, and one by one where a block cannot
/// be read.
void for_each_block(const ResultsReader& reader, std::size_t runs,
                    const std::function<void(std::size_t, std::vector<RunRecord>&&)>& read) {
  const std::size_t size = reader.runs_per_block();
  for (std::size_t first = 0; first < runs; first += size) {
    const std::size_t count = std::min(size, runs - first);
    std::vector<RunRecord> block;
    try {
      block = reader.read(first, count);
    } catch (const EnvironmentError&) {
      for (std::size_t index = first; index < first + count; ++index) {
        std::vector<RunRecord> one;
        try {
          one = reader.read(index, 1);
        } catch (const EnvironmentError&) {
          continue;
        }
        read(index, std::move(one));
      }
      continue;
    }
    read(first, std::move(block));
  }
}

/// Makes an empty file, on disk when this returns.
void make_mark(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  std::error_code error(descriptor < 0 ? errno : 0, std::generic_category());
  if (descriptor >= 0) ::close(descriptor);
  if (!error) error = force_to_disk(path);
  if (!error) error = force_name_to_disk(path);
  if (error) throw EnvironmentError(path.string() + ": cannot make it: " + error.message());
}

}  // namespace

SweepStore::SweepStore(fs::path file, const Definition& definition, Provenance provenance,
                       bool fresh, std::ostream& err)
    : paths_(std::move(file)),
      definition_(definition),
      provenance_(std::move(provenance)),
      here_{provenance_value(provenance_, "host"),
            std::atoi(provenance_value(provenance_, "threads").c_str())},
      lock_(paths_.file, paths_.folder, provenance_value(provenance_, "command_line"), err),
      segments_(paths_.segments, definition_, provenance_, err) {
  remove_temporary_files(paths_.file);
  if (fresh) {
    // Before the mark: a segment that stands beside it counts.
    segments_.remove_all();
    std::error_code error;
    fs::remove_all(paths_.checkpoints, error);
    if (is_there(paths_.file)) make_mark(paths_.fresh);
  } else {
    if (is_there(paths_.file) && !is_there(paths_.fresh)) take_stock_of_file(err);
    take_stock_of_segments();
  }
  found_segments_ = !segments_.files().empty();
  recorder_ = std::make_unique<Recorder>([this](std::span<FinishedRun> runs) { store(runs); },
                                         [this] {
                                           show_life(paths_.folder);
                                           return segments_.merge_some();
                                         });
}

SweepStore::~SweepStore() {
  if (recorder_ && recorder_->waiting() > 0) {
    try {
      recorder_->flush();
    } catch (const std::exception&) {
      // Whoever wanted to know has called flush().
    }
  }
  recorder_.reset();
  std::error_code error;
  if (segments_.files().empty()) fs::remove(paths_.fresh, error);
  for (const fs::path& folder : {paths_.segments, paths_.checkpoints}) fs::remove(folder, error);
}

void SweepStore::take_stock_of_file(std::ostream& err) {
  const UnreadableRuns unreadable = unreadable_runs(paths_.file);
  runs_.add(ResultsReader(paths_.file), unreadable);
  for (const auto& [run_id, message] : unreadable) {
    err << message << "\nrun " << run_id << " is computed again\n";
  }
}

void SweepStore::take_stock_of_segments() {
  for (const fs::path& path : segments_.files()) runs_.add(ResultsReader(path));
}

std::vector<fs::path> SweepStore::sources() const {
  std::vector<fs::path> sources;
  if (is_there(paths_.file) && !is_there(paths_.fresh)) sources.push_back(paths_.file);
  for (const fs::path& segment : segments_.files()) sources.push_back(segment);
  return sources;
}

void SweepStore::store(std::span<FinishedRun> runs) {
  segments_.add(runs);
  for (FinishedRun& run : runs) {
    const std::size_t bytes = bytes_of(run.record);
    if (at_hand_bytes_ + bytes > kMostBytesAtHand) continue;
    at_hand_bytes_ += bytes;
    at_hand_.push_back(std::move(run));
  }
}

void SweepStore::append(const std::string& run_id, RunRecord&& record) {
  append(run_id, std::move(record), here_);
}

void SweepStore::append(const std::string& run_id, RunRecord&& record, const RunPlace& place) {
  runs_.add(run_id, record);
  recorder_->append({run_id, std::move(record), place});
}

void SweepStore::flush() {
  if (recorder_) recorder_->flush();
}

std::vector<fs::path> SweepStore::publish(const Plan& plan) {
  flush();
  recorder_.reset();
  std::vector<fs::path> kept = keep_previous_runs(paths_.file, sources(), runs_.finished_ids(),
                                                  plan, definition_, provenance_);
  write_all(plan);
  std::error_code error;
  fs::remove(paths_.fresh, error);
  segments_.remove_all();
  const bool is_done = std::ranges::all_of(
      plan.runs, [&](const RunSpec& run) { return runs_.is_finished(run.run_id); });
  if (is_done) fs::remove_all(paths_.checkpoints, error);
  return kept;
}

void SweepStore::write_all(const Plan& plan) {
  std::unordered_map<std::string_view, std::size_t> missing;
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const std::string& run_id = plan.runs[index].run_id;
    if (runs_.status(run_id) != RunStatus::pending) missing.emplace(run_id, index);
  }
  ResultsWriter writer(paths_.file, plan, provenance_);
  const auto write = [&](const std::string& run_id, RunRecord&& record, const RunPlace& place) {
    const auto found = missing.find(run_id);
    if (found == missing.end() || record.status == RunStatus::pending) return;
    if (!supersedes(record.status, runs_.status(run_id))) return;
    writer.write(found->second, std::move(record), place);
    missing.erase(found);
  };
  // The latest first: the first record that nothing supersedes is the one.
  for (auto run = at_hand_.rbegin(); run != at_hand_.rend(); ++run) {
    write(run->run_id, std::move(run->record), run->place);
  }
  at_hand_ = {};
  std::vector<fs::path> paths = sources();
  std::ranges::reverse(paths);
  for (const fs::path& path : paths) {
    if (missing.empty()) break;
    const ResultsReader reader(path);
    const std::vector<std::string> ids = reader.run_ids();
    for_each_block(reader, ids.size(), [&](std::size_t first, std::vector<RunRecord>&& block) {
      for (std::size_t i = 0; i < block.size(); ++i) {
        write(ids[first + i], std::move(block[i]), reader.place(first + i));
      }
    });
  }
  if (!missing.empty()) {
    throw EnvironmentError(paths_.file.string() + ": run " + std::string(missing.begin()->first) +
                           " can no longer be read; the next call computes it again");
  }
  writer.close();
}

}  // namespace plumbline
