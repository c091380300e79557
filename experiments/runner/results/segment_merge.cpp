// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/segment_merge.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

namespace {

/// What a file was made of and by.
struct Origin {
  Definition definition;
  Provenance provenance;
};

/// Whether a file was made of another text than this definition, or with other overrides.
bool is_of_another(const ResultsReader& reader, const Definition& definition) {
  return reader.attribute("definition_sha256") != definition.sha256 ||
         recorded_overrides(reader) != definition.overrides;
}

/// What the file says of itself; of the provenance the names of `names`.
Origin origin_of(const ResultsReader& reader, const Provenance& names) {
  Origin origin;
  Definition& definition = origin.definition;
  definition.path = reader.provenance("definition_path");
  definition.text = reader.provenance("definition");
  definition.overrides = recorded_overrides(reader);
  definition.sha256 = reader.attribute("definition_sha256");
  definition.title = reader.attribute("title");
  definition.question = reader.attribute("summary");
  // "NAME.segment", or "NAME.DIGEST".
  const std::string id = reader.attribute("id");
  definition.name = id.substr(0, id.rfind('.'));
  for (const auto& [name, value] : names) {
    origin.provenance.emplace_back(name, reader.find_provenance(name).value_or("unknown"));
  }
  return origin;
}

}  // namespace

SegmentMerge::SegmentMerge(const std::vector<std::filesystem::path>& sources,
                           std::filesystem::path target, const Definition& definition,
                           const Provenance& provenance,
                           const std::function<bool(const std::string& run_id)>& keep) {
  for (const std::filesystem::path& path : sources) {
    auto reader = std::make_unique<ResultsReader>(path);
    std::vector<std::string> run_ids = reader->run_ids();
    sources_.push_back({std::move(reader), std::move(run_ids), {}});
  }
  struct Latest {
    RunStatus status;
    char* wanted;
  };
  std::unordered_map<std::string_view, Latest> latest;
  for (Source& source : sources_) {
    const std::vector<RunStatus> statuses = source.reader->statuses();
    source.wanted.assign(source.run_ids.size(), 0);
    for (std::size_t i = 0; i < source.run_ids.size(); ++i) {
      const std::string& run_id = source.run_ids[i];
      if (statuses[i] == RunStatus::pending || (keep && !keep(run_id))) continue;
      const auto [run, is_new] = latest.try_emplace(run_id, Latest{statuses[i], &source.wanted[i]});
      if (!is_new) {
        if (!supersedes(statuses[i], run->second.status)) continue;
        *run->second.wanted = 0;
        run->second = {statuses[i], &source.wanted[i]};
      }
      source.wanted[i] = 1;
    }
  }
  runs_ = latest.size();
  if (runs_ == 0) return;
  SegmentShape shape;
  for (const Source& source : sources_) shape.include(*source.reader);
  const auto has_wanted = [](const Source& source) {
    return std::ranges::find(source.wanted, 1) != source.wanted.end();
  };
  const ResultsReader& newest =
      *std::ranges::find_if(sources_.rbegin(), sources_.rend(), has_wanted)->reader;
  const Origin origin = is_of_another(newest, definition) ? origin_of(newest, provenance)
                                                          : Origin{definition, provenance};
  writer_ = std::make_unique<SegmentWriter>(std::move(target), runs_, shape, origin.definition,
                                            origin.provenance);
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
