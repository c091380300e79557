// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/state_archive.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

/// Where the checkpoints of one run are kept. Called on the run's own thread; what it throws ends the run.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;

  /// Asked once, before the first step: the run's last checkpoint, or nothing where there is none.
  virtual std::optional<std::vector<std::byte>> last() = 0;
  /// The run goes on from last(), which holds this many updates.
  virtual void resumed(std::int64_t step) = 0;
  /// last() is of no use, as `why` says in the rest of a sentence about it; the run begins anew.
  virtual void refused(const std::string& why) = 0;
  /// After so many updates. The bytes are those of write_checkpoint(), and valid during the call.
  virtual void save(std::int64_t step, std::span<const std::byte> checkpoint) = 0;
};

/// What lists everything in which a run that has begun differs from one that has not.
using ArchiveRun = std::function<void(StateArchive&)>;

/// Replaces `bytes` by a checkpoint: a mark, the versions of the format and of the engine's semantics, the
/// id of the run, what `archive` lists, of which the first must be the number of updates as a std::int64_t,
/// and a checksum of all that.
void write_checkpoint(const std::string& run_id, const ArchiveRun& archive,
                      std::vector<std::byte>& bytes);

/// Restores what `archive` lists. Throws StateError where the bytes are damaged, or of another run or
/// version; what is listed must not be used then.
void read_checkpoint(std::span<const std::byte> bytes, const std::string& run_id,
                     const ArchiveRun& archive);

/// So many bytes of a checkpoint are enough for updates_in_checkpoint().
inline constexpr std::size_t kCheckpointHeadSize = 128;

/// How many updates a checkpoint of this run holds, by its first bytes, for whoever looks on: whether the
/// rest is undamaged is not asked. Nothing where they are those of no such checkpoint.
std::optional<std::int64_t> updates_in_checkpoint(std::span<const std::byte> first_bytes,
                                                  const std::string& run_id);

/// Raised whenever anything lists other values, or the same in another order.
inline constexpr std::int32_t kCheckpointVersion = 2;

}  // namespace plumbline
