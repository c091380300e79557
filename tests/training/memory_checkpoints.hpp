// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/training/checkpoint.hpp"
#include "engine/training/trainer.hpp"

namespace plumbline {

/// The checkpoints of a run in memory, and what became of them.
class MemoryCheckpoints final : public CheckpointStore {
 public:
  std::optional<std::vector<std::byte>> last() override {
    if (bytes.empty()) return {};
    return bytes;
  }
  void resumed(std::int64_t step) override { resumed_at.push_back(step); }
  void refused(const std::string& why) override { refusals.push_back(why); }
  void save(std::int64_t step, std::span<const std::byte> checkpoint) override {
    if (before_save) before_save(step);
    bytes.assign(checkpoint.begin(), checkpoint.end());
    saved_at.push_back(step);
  }

  std::vector<std::byte> bytes;
  std::vector<std::int64_t> resumed_at;
  std::vector<std::int64_t> saved_at;
  std::vector<std::string> refusals;
  std::function<void(std::int64_t)> before_save;  ///< what it throws ends the run
};

/// The end of a piece of a run that was killed.
struct Killed {};

/// The run in pieces: killed as it would save the second checkpoint of each piece, which is not kept, and
/// at last let run to its end.
inline RunRecord trained_in_pieces(const RunConfiguration& run, const Dataset& data,
                                   MemoryCheckpoints& checkpoints) {
  const std::atomic<bool> stop{false};
  for (bool more = true; more;) {
    more = false;
    const std::size_t saved_before = checkpoints.saved_at.size();
    checkpoints.before_save = [&](std::int64_t) {
      if (checkpoints.saved_at.size() > saved_before) throw Killed();
    };
    try {
      return train_with_checkpoints(run, data, stop, checkpoints).value();
    } catch (const Killed&) {
      more = true;
    }
  }
  return {};
}

}  // namespace plumbline
