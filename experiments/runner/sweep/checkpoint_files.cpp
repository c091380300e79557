// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/checkpoint_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/trainer.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

constexpr const char* kTemporary = ".tmp";

/// Nothing where there is no such file; of one that cannot be read, what can be.
std::optional<std::vector<std::byte>> read_file(const fs::path& path) {
  std::error_code unknown;
  if (!fs::exists(path, unknown)) return {};
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg())));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

[[noreturn]] void refuse(const fs::path& path, const char* task, int error) {
  throw EnvironmentError(path.string() + ": cannot " + task + ": " +
                         std::generic_category().message(error));
}

/// Writes a file and forces it to disk.
void write_file(const fs::path& path, std::span<const std::byte> bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) refuse(path, "create it", errno);
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && ::fsync(descriptor) != 0) error = errno;
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) refuse(path, "write it", error);
}

/// Under a name of its own first. Whether the folder itself is on disk is left open: after a loss of power
/// the checkpoint is this one or the one before.
void replace_file(const fs::path& path, std::span<const std::byte> bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) refuse(path.parent_path(), "make the folder", error.value());
  fs::path temporary = path;
  temporary += kTemporary;
  try {
    write_file(temporary, bytes);
    if (::rename(temporary.c_str(), path.c_str()) != 0) refuse(path, "give it its name", errno);
  } catch (const EnvironmentError&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace

std::map<std::string, std::int64_t> updates_of_checkpoints(const fs::path& folder) {
  std::map<std::string, std::int64_t> updates;
  std::error_code error;
  for (fs::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    const std::string run_id = file->path().filename().string();
    std::array<char, kCheckpointHeadSize> first{};
    std::ifstream stream(file->path(), std::ios::binary);
    stream.read(first.data(), first.size());
    const auto size = static_cast<std::size_t>(stream.gcount());
    const auto found = updates_in_checkpoint(std::as_bytes(std::span(first)).first(size), run_id);
    if (found) updates.emplace(run_id, *found);
  }
  return updates;
}

class CheckpointFiles::OfRun final : public CheckpointStore {
 public:
  OfRun(CheckpointFiles& files, const RunConfiguration& configuration, const Say& say)
      : files_(files),
        run_id_(run_id(configuration)),
        steps_(configuration.steps),
        path_(files.folder_ / run_id_),
        say_(say) {}

  std::optional<std::vector<std::byte>> last() override { return read_file(path_); }
  void resumed(std::int64_t step) override {
    say_(fmt::format("run {}: goes on from its checkpoint after {} of {} updates", run_id_, step,
                     steps_));
  }
  void refused(const std::string& why) override {
    say_(path_.string() + ": " + why + "; the run begins anew");
  }
  void save(std::int64_t /*step*/, std::span<const std::byte> checkpoint) override {
    try {
      replace_file(path_, checkpoint);
    } catch (const EnvironmentError& error) {
      if (!files_.failed_.exchange(true)) {
        say_(std::string(error.what()) + "; the runs go on without new checkpoints");
      }
    }
  }

 private:
  CheckpointFiles& files_;
  std::string run_id_;
  std::int64_t steps_;
  fs::path path_;
  const Say& say_;
};

std::optional<RunRecord> CheckpointFiles::train(const RunConfiguration& configuration,
                                                const Dataset& data, const std::atomic<bool>& stop,
                                                const Say& say) {
  std::error_code unknown;
  if (configuration.checkpoint_every == 0 && !fs::exists(folder_, unknown)) {
    return plumbline::train(configuration, data, stop);
  }
  OfRun store(*this, configuration, say);
  return train_with_checkpoints(configuration, data, stop, store);
}

void CheckpointFiles::remove(const std::string& run_id) const {
  std::error_code gone;
  fs::remove(folder_ / run_id, gone);
}

void CheckpointFiles::keep_only(const std::set<std::string>& run_ids) const {
  std::error_code error;
  std::vector<fs::path> others;
  for (fs::directory_iterator file(folder_, error), end; !error && file != end;
       file.increment(error)) {
    if (!run_ids.contains(file->path().filename().string())) others.push_back(file->path());
  }
  for (const fs::path& other : others) fs::remove(other, error);
  // Neither call removes a folder that has something in it.
  fs::remove(folder_, error);
  fs::remove(folder_.parent_path(), error);
}

}  // namespace plumbline
