// SPDX-License-Identifier: Apache-2.0
#include "engine/training/checkpoint.hpp"

#include <algorithm>
#include <string_view>

#include "engine/core/digest.hpp"

namespace plumbline {

namespace {

constexpr std::string_view kMark = "plumbline checkpoint";

// 16 hex digits, as digest() gives them.
constexpr std::size_t kChecksumSize = 16;

// What stands before the state. The id of a run is not that of another precision.
struct Head {
  std::string mark;
  std::int32_t version = 0;
  std::int32_t semantics = 0;
  std::string run_id;

  // To be restored: with texts as long as they must be.
  static Head expected(const std::string& run_id) {
    return {std::string(kMark.size(), ' '), 0, 0, std::string(run_id.size(), ' ')};
  }

  void archive(StateArchive& kept) { kept(mark, version, semantics, run_id); }
  bool is_of_this_version() const {
    return version == kCheckpointVersion && semantics == kSemanticsVersion;
  }
};

}  // namespace

void write_checkpoint(const std::string& run_id, const ArchiveRun& archive,
                      std::vector<std::byte>& bytes) {
  bytes.clear();
  StateArchive kept = StateArchive::saving(bytes);
  Head head{std::string(kMark), kCheckpointVersion, kSemanticsVersion, run_id};
  head.archive(kept);
  archive(kept);
  const std::string checksum = digest(bytes);
  std::ranges::copy(std::as_bytes(std::span(checksum)), std::back_inserter(bytes));
}

void read_checkpoint(std::span<const std::byte> bytes, const std::string& run_id,
                     const ArchiveRun& archive) {
  const std::size_t size = bytes.size() - std::min(bytes.size(), kChecksumSize);
  const std::string checksum = digest(bytes.first(size));
  if (!std::ranges::equal(bytes.subspan(size), std::as_bytes(std::span(checksum)))) {
    throw StateError("is damaged: its checksum is wrong");
  }
  StateArchive kept = StateArchive::restoring(bytes.first(size));
  Head head = Head::expected(run_id);
  head.archive(kept);
  if (head.mark != kMark) throw StateError("is no checkpoint");
  if (!head.is_of_this_version()) throw StateError("is of another version of the engine");
  if (head.run_id != run_id) throw StateError("is of another run, " + head.run_id);
  archive(kept);
  kept.finish();
}

std::optional<std::int64_t> updates_in_checkpoint(std::span<const std::byte> first_bytes,
                                                  const std::string& run_id) {
  StateArchive kept = StateArchive::restoring(first_bytes);
  Head head = Head::expected(run_id);
  std::int64_t updates = 0;
  try {
    head.archive(kept);
    kept(updates);
  } catch (const StateError&) {
    return std::nullopt;
  }
  if (head.mark != kMark || !head.is_of_this_version() || head.run_id != run_id) {
    return std::nullopt;
  }
  return updates;
}

}  // namespace plumbline
