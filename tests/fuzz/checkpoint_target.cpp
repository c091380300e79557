// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/trainer.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

namespace {

using Bytes = std::vector<std::byte>;
using Settings = std::vector<std::pair<std::string, SettingNode>>;

constexpr std::size_t kChecksum = 16;
constexpr std::int64_t kSteps = 4;

SettingNode text(const char* value) { return {std::string(value), {}}; }
SettingNode number(std::int64_t value) { return {value, {}}; }

// Gives a run one checkpoint, or none, and keeps the first that it saves.
class OneCheckpoint final : public CheckpointStore {
 public:
  explicit OneCheckpoint(std::optional<Bytes> last = {}) : last_(std::move(last)) {}

  std::optional<Bytes> last() override { return last_; }
  void resumed(std::int64_t /*step*/) override { resumed_ = true; }
  void refused(const std::string& /*why*/) override {}
  void save(std::int64_t /*step*/, std::span<const std::byte> checkpoint) override {
    if (saved_.empty()) saved_.assign(checkpoint.begin(), checkpoint.end());
  }

  bool was_resumed() const { return resumed_; }
  const Bytes& saved() const { return saved_; }

 private:
  std::optional<Bytes> last_;
  bool resumed_ = false;
  Bytes saved_;
};

// A run of some hundred bytes of state, and its own checkpoint.
class SmallRun {
 public:
  explicit SmallRun(const Settings& more) {
    SettingsTable table;
    for (const auto& [path, value] : Settings{{"data.name", text("xor")},
                                              {"model.depth", number(2)},
                                              {"model.width", number(3)},
                                              {"train.batch", number(4)},
                                              {"train.steps", number(kSteps)},
                                              {"train.checkpoint_every", number(2)},
                                              {"train.evaluate.every", number(1)}}) {
      table.set_path(path, value);
    }
    for (const auto& [path, value] : more) table.set_path(path, value);
    SettingsReport report;
    configuration_ = configure(table, report);
    if (!report.problems.empty()) throw DefinitionError(report.problems);
    data_ = configuration_.data->load({});
    OneCheckpoint store;
    train(store);
    checkpoint_ = store.saved();
  }

  const Bytes& checkpoint() const { return checkpoint_; }
  void train(CheckpointStore& store) const {
    const std::atomic<bool> stop{false};
    train_with_checkpoints(configuration_, data_, stop, store);
  }

 private:
  RunConfiguration configuration_;
  Dataset data_;
  Bytes checkpoint_;
};

// What runs keep in different ways: vectors, a history of any length, matrices, averages, what layers keep.
const std::vector<SmallRun>& small_runs() {
  static const std::vector<SmallRun> runs = [] {
    std::vector<SmallRun> made;
    for (const char* optimizer : {"adam", "lbfgs", "soap", "shampoo", "kfac", "swa", "lookahead",
                                  "schedule_free_adamw", "adan", "prodigy", "hessian_free"}) {
      made.emplace_back(Settings{{"optimizer.name", text(optimizer)}});
    }
    made.emplace_back(Settings{{"model.normalization.name", text("batch_norm")},
                               {"probes.error_signal.every", number(1)},
                               {"model.precision", text("float64")}});
    return made;
  }();
  return runs;
}

// With the checksum that these bytes must have.
Bytes sealed(Bytes bytes) {
  const std::string checksum = digest(bytes);
  std::ranges::copy(std::as_bytes(std::span(checksum)), std::back_inserter(bytes));
  return bytes;
}

}  // namespace

bool read_checkpoint(Input input) {
  constexpr std::size_t kHead = 3;
  if (input.size() < kHead) return false;
  const SmallRun& run = small_runs()[input[0] % small_runs().size()];
  Bytes bytes = run.checkpoint();
  const std::size_t missing = input[1] + 256U * input[2];
  bytes.resize(bytes.size() - kChecksum - std::min(missing, bytes.size() - kChecksum));
  for (std::size_t i = kHead; i < input.size(); ++i) {
    // Beyond the end there are more bytes.
    if (i - kHead == bytes.size()) bytes.push_back(std::byte{0});
    bytes[i - kHead] ^= std::byte{input[i]};
  }
  OneCheckpoint store(sealed(std::move(bytes)));
  run.train(store);
  return store.was_resumed();
}

}  // namespace plumbline::fuzz
