// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/segment_merge.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace plumbline {

SegmentMerge::SegmentMerge(const std::vector<std::filesystem::path>& sources,
                           std::filesystem::path target, const Definition& definition,
                           const Provenance& provenance,
                           const std::function<bool(const std::string& run_id)>& keep) {
  for (const std::filesystem::path& path : sources) {
    auto reader = std::make_unique<ResultsReader>(path);
    std::vector<std::string> run_ids = reader->run_ids();
    sources_.push_back({std::move(reader), std::move(run_ids), {}});
  }
  SegmentShape shape;
  std::unordered_set<std::string_view> seen;
  for (std::size_t s = sources_.size(); s-- > 0;) {
    Source& source = sources_[s];
    const std::vector<RunStatus> statuses = source.reader->statuses();
    source.wanted.assign(statuses.size(), 0);
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      const std::string& run_id = source.run_ids[i];
      if (statuses[i] == RunStatus::pending || (keep && !keep(run_id))) continue;
      if (!seen.insert(run_id).second) continue;
      source.wanted[i] = 1;
      ++runs_;
    }
  }
  if (runs_ == 0) return;
  for (const Source& source : sources_) shape.include(*source.reader);
  writer_ =
      std::make_unique<SegmentWriter>(std::move(target), runs_, shape, definition, provenance);
}

bool SegmentMerge::step() {
  if (!writer_) return false;
  if (source_ == sources_.size()) {
    writer_->close();
    writer_.reset();
    return false;
  }
  const Source& source = sources_[source_];
  const std::size_t end = std::min(place_ + source.reader->runs_per_block(), source.run_ids.size());
  const auto wanted = std::span(source.wanted).subspan(place_, end - place_);
  if (std::ranges::find(wanted, 1) != wanted.end()) {
    std::vector<RunRecord> records = source.reader->read(place_, end - place_);
    std::vector<FinishedRun> runs;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (wanted[i] == 0) continue;
      runs.push_back(
          {source.run_ids[place_ + i], std::move(records[i]), source.reader->place(place_ + i)});
    }
    writer_->write(runs);
    writer_->start_writing_back();
  }
  place_ = end;
  if (place_ == source.run_ids.size()) {
    sources_[source_].reader.reset();
    place_ = 0;
    ++source_;
  }
  return true;
}

}  // namespace plumbline
