// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/segment_folder.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "experiments/runner/results/force_to_disk.hpp"
#include "experiments/runner/results/seal.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostSegments = 32;
constexpr std::size_t kMergedAtOnce = 16;
/// After a merge that failed, so many more segments come before the next.
constexpr std::size_t kMoreAfterFailure = 8;

/// The number of a segment, or 0 for any other file.
std::uint64_t number_of(const fs::path& path) {
  const std::string stem = path.stem().string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  const bool is_number = error == std::errc() && end == stem.data() + stem.size();
  return is_number && path.extension() == ".h5" ? number : 0;
}

/// None where there is no folder. Throws EnvironmentError where it cannot be read: what is in it would be
/// taken for lost.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    paths.push_back(entry->path());
  }
  const bool is_none =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !is_none) {
    throw EnvironmentError(folder.string() + ": cannot read the folder: " + error.message());
  }
  return paths;
}

std::uintmax_t bytes_of(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  return error ? 0 : bytes;
}

}  // namespace

std::vector<fs::path> segment_files(const fs::path& folder) {
  std::vector<fs::path> paths = entries_of(folder);
  std::erase_if(paths, [](const fs::path& path) { return number_of(path) == 0; });
  std::ranges::sort(paths, {}, number_of);
  return paths;
}

SegmentFolder::SegmentFolder(fs::path folder, const Definition& definition,
                             const Provenance& provenance, std::ostream& err)
    : folder_(std::move(folder)),
      definition_(&definition),
      provenance_(&provenance),
      merge_beyond_(kMostSegments) {
  std::error_code error;
  for (const fs::path& path : entries_of(folder_)) {
    if (path.extension() == ".tmp") fs::remove(path, error);
  }
  for (const fs::path& path : segment_files(folder_)) {
    last_number_ = number_of(path);
    if (has_whole_seal(path)) {
      segments_.push_back({path, bytes_of(path)});
      continue;
    }
    err << path.string() << ": is damaged and left out; its runs are computed again\n";
    fs::remove(path, error);
  }
}

std::vector<fs::path> SegmentFolder::files() const {
  std::vector<fs::path> files;
  for (const Segment& segment : segments_) files.push_back(segment.path);
  return files;
}

void SegmentFolder::add(std::span<const FinishedRun> runs) {
  make_lasting_folder(folder_);
  const fs::path path = folder_ / fmt::format("{:08}.h5", last_number_ + 1);
  write_segment(path, runs, *definition_, *provenance_);
  ++last_number_;
  segments_.push_back({path, bytes_of(path)});
}

bool SegmentFolder::merge_some() {
  if (!merge_ && segments_.size() <= merge_beyond_) return false;
  try {
    if (!merge_) begin_merge();
    if (merge_->step()) return true;
    end_merge();
  } catch (const std::exception&) {
    merge_.reset();
    merge_beyond_ = segments_.size() + kMoreAfterFailure;
  }
  return segments_.size() > merge_beyond_;
}

void SegmentFolder::begin_merge() {
  const auto bytes_from = [&](std::size_t first) {
    const auto begin = segments_.begin() + static_cast<std::ptrdiff_t>(first);
    return std::accumulate(
        begin, begin + kMergedAtOnce, std::uintmax_t{0},
        [](std::uintmax_t sum, const Segment& segment) { return sum + segment.bytes; });
  };
  merge_first_ = 0;
  for (std::size_t first = 1; first + kMergedAtOnce <= segments_.size(); ++first) {
    if (bytes_from(first) < bytes_from(merge_first_)) merge_first_ = first;
  }
  std::vector<fs::path> sources;
  for (std::size_t i = 0; i < kMergedAtOnce; ++i) {
    sources.push_back(segments_[merge_first_ + i].path);
  }
  // In the place of the last, whose name says where its runs stand among those of the others: a run of
  // which a later segment has another record.
  merge_ = std::make_unique<SegmentMerge>(sources, sources.back(), *definition_, *provenance_);
}

void SegmentFolder::end_merge() {
  merge_.reset();
  merge_beyond_ = kMostSegments;
  const auto first = segments_.begin() + static_cast<std::ptrdiff_t>(merge_first_);
  const auto merged = first + (kMergedAtOnce - 1);
  merged->bytes = bytes_of(merged->path);
  std::error_code error;
  for (auto segment = first; segment != merged; ++segment) fs::remove(segment->path, error);
  segments_.erase(first, merged);
}

void SegmentFolder::remove_all() {
  merge_.reset();
  std::error_code error;
  // The oldest first: where this is cut short, what is left are the latest records.
  for (const Segment& segment : segments_) fs::remove(segment.path, error);
  segments_.clear();
  fs::remove(folder_, error);
}

}  // namespace plumbline
