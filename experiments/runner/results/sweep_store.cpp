// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/sweep_store.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/segment_merge.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(path, unknown);
}

/// Calls `read(first, count)` for the runs of a file block by block, and one by one where a block cannot
/// be read; `failed(index, message)` for each that cannot.
void for_each_block(const ResultsReader& reader, std::size_t runs,
                    const std::function<void(std::size_t, std::vector<RunRecord>&&)>& read,
                    const std::function<void(std::size_t, const std::string&)>& failed) {
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
        } catch (const EnvironmentError& error) {
          failed(index, error.what());
          continue;
        }
        read(index, std::move(one));
      }
      continue;
    }
    read(first, std::move(block));
  }
}

/// FILE.previous, or FILE.previous.2 and so on where that is taken.
fs::path previous_name(const fs::path& file) {
  fs::path previous = file.string() + ".previous";
  for (int n = 2; is_there(previous); ++n) {
    previous = file.string() + ".previous." + std::to_string(n);
  }
  return previous;
}

/// A second name for a file, or a copy of it where the file system has no second names.
void name_also(const fs::path& file, const fs::path& other) {
  std::error_code error;
  fs::create_hard_link(file, other, error);
  if (!error) return;
  fs::copy_file(file, other, error);
  if (error) {
    throw EnvironmentError(other.string() +
                           ": cannot copy the earlier results there: " + error.message());
  }
}

/// Whether a killed process has come so far as to keep FILE, but not to replace it.
bool is_kept(const fs::path& file) {
  fs::path previous = file.string() + ".previous";
  for (int n = 2; is_there(previous); ++n) {
    std::error_code unknown;
    if (fs::equivalent(file, previous, unknown)) return true;
    previous = file.string() + ".previous." + std::to_string(n);
  }
  return false;
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
  remove_temporary_files();
  if (fresh) {
    if (is_there(paths_.file)) std::ofstream(paths_.fresh).close();
    segments_.remove_all();
    std::error_code error;
    fs::remove_all(paths_.checkpoints, error);
  } else {
    if (is_there(paths_.file) && !is_there(paths_.fresh)) take_stock_of_file(err);
    take_stock_of_segments();
  }
  found_segments_ = !segments_.files().empty();
  recorder_ =
      std::make_unique<Recorder>([this](std::span<const FinishedRun> runs) { segments_.add(runs); },
                                 [this] { return segments_.merge_some(); });
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

void SweepStore::remove_temporary_files() const {
  const fs::path folder = paths_.file.parent_path();
  const std::string start = paths_.file.filename().string() + '.';
  constexpr std::string_view kEnd = ".tmp";
  std::vector<fs::path> left;
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(start) || !name.ends_with(kEnd)) continue;
    // Between them stands the number of the process.
    const std::string_view number =
        std::string_view(name).substr(start.size(), name.size() - start.size() - kEnd.size());
    const bool is_number = number.find_first_not_of("0123456789") == number.npos;
    if (is_number) left.push_back(entry->path());
  }
  for (const fs::path& path : left) fs::remove(path, error);
}

void SweepStore::take_stock_of_file(std::ostream& err) {
  const ResultsReader reader(paths_.file);
  runs_.add(reader);
  const std::vector<std::string> ids = reader.run_ids();
  for_each_block(
      reader, ids.size(), [](std::size_t, std::vector<RunRecord>&&) {},
      [&](std::size_t index, const std::string& message) {
        err << message << "\nrun " << ids[index] << " is computed again\n";
        runs_.remove(ids[index]);
      });
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

void SweepStore::append(const std::string& run_id, RunRecord&& record) {
  runs_.add(run_id, record);
  recorder_->append({run_id, std::move(record), here_});
}

void SweepStore::flush() { recorder_->flush(); }

std::vector<fs::path> SweepStore::publish(const Plan& plan) {
  flush();
  recorder_.reset();
  std::vector<fs::path> kept = keep_previous(plan);
  write_all(plan);
  std::error_code error;
  fs::remove(paths_.fresh, error);
  segments_.remove_all();
  const bool is_done = std::ranges::all_of(
      plan.runs, [&](const RunSpec& run) { return runs_.is_finished(run.run_id); });
  if (is_done) fs::remove_all(paths_.checkpoints, error);
  return kept;
}

std::vector<fs::path> SweepStore::keep_previous(const Plan& plan) const {
  std::unordered_set<std::string> foreign;
  for (std::string& run_id : runs_.finished_ids()) foreign.insert(std::move(run_id));
  for (const RunSpec& run : plan.runs) foreign.erase(run.run_id);
  if (foreign.empty()) return {};
  const auto is_foreign = [&](const std::string& run_id) { return foreign.contains(run_id); };
  std::vector<fs::path> kept;
  std::vector<fs::path> in_segments = sources();
  if (!in_segments.empty() && in_segments.front() == paths_.file) {
    in_segments.erase(in_segments.begin());
    StoredRuns in_file;
    in_file.add(ResultsReader(paths_.file));
    const std::vector<std::string> ids = in_file.finished_ids();
    if (std::ranges::any_of(ids, is_foreign) && !is_kept(paths_.file)) {
      kept.push_back(previous_name(paths_.file));
      name_also(paths_.file, kept.back());
    }
    for (const std::string& run_id : ids) foreign.erase(run_id);
  }
  const fs::path name = previous_name(paths_.file);
  SegmentMerge merge(in_segments, name, definition_, provenance_, is_foreign);
  if (merge.runs() == 0) return kept;
  while (merge.step()) continue;
  kept.push_back(name);
  return kept;
}

void SweepStore::write_all(const Plan& plan) const {
  std::unordered_map<std::string_view, std::size_t> missing;
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const std::string& run_id = plan.runs[index].run_id;
    if (runs_.status(run_id) != RunStatus::pending) missing.emplace(run_id, index);
  }
  ResultsWriter writer(paths_.file, plan, provenance_);
  std::vector<fs::path> paths = sources();
  // The latest first: of a run that stands in several, the last record counts.
  std::ranges::reverse(paths);
  for (const fs::path& path : paths) {
    const ResultsReader reader(path);
    const std::vector<std::string> ids = reader.run_ids();
    for_each_block(
        reader, ids.size(),
        [&](std::size_t first, std::vector<RunRecord>&& block) {
          for (std::size_t i = 0; i < block.size(); ++i) {
            const auto found = missing.find(ids[first + i]);
            if (found == missing.end() || block[i].status == RunStatus::pending) continue;
            writer.write(found->second, block[i], reader.place(first + i));
            missing.erase(found);
          }
        },
        [](std::size_t, const std::string&) {});
  }
  if (!missing.empty()) {
    throw EnvironmentError(paths_.file.string() + ": run " + std::string(missing.begin()->first) +
                           " can no longer be read; the next call computes it again");
  }
  writer.close();
}

}  // namespace plumbline
