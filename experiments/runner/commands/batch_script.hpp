// SPDX-License-Identifier: Apache-2.0
// The texts that `submit` hands to Slurm, as functions of what stands in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

/// What a job asks Slurm for.
struct JobRequest {
  std::string name;
  std::string partition;  ///< empty: Slurm's default
  std::string time;       ///< as sbatch reads it: "02:30:00"
  std::string memory;     ///< as sbatch reads it: "2000M"
  std::size_t cpus = 1;
  std::vector<std::string> options;  ///< more of sbatch's, one a line: "--account=physics"
};

/// A call of the program in a job. Paths are absolute.
struct JobCall {
  std::filesystem::path folder;  ///< the working folder
  std::filesystem::path program;
  std::string data_variable;  ///< $PLUMBLINE_DATA; empty: not set
  std::vector<std::string> words;
};

/// A script for a job array of `shards` tasks, of which at most `at_once` run at a time (0: as many as
/// Slurm likes). Task i calls the program with the words of `call` after `run --shard i/shards
/// --threads CPUS`, and is put back in the queue where its node is lost. Task i logs to `shard-i.log` in
/// the folder `logs`. Throws EnvironmentError where a text holds a line break, or a log's path a
/// backslash, which Slurm cannot read.
std::string shards_script(const JobRequest& request, const JobCall& call, std::size_t shards,
                          std::size_t at_once, const std::filesystem::path& logs);

/// A script for the one job after it: calls the program with the words of `call`, and logs to
/// `merge.log`.
std::string merge_script(const JobRequest& request, const JobCall& call,
                         const std::filesystem::path& logs);

/// A word as a shell reads it: in single quotes unless it is plain.
std::string shell_word(const std::string& word);

/// "00:10:00", "2-03:00:00": `seconds` as Slurm writes a time, rounded up to a minute.
std::string slurm_time(double seconds);

/// The seconds of a time that sbatch reads: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS;
/// infinite for 0 and "UNLIMITED", which ask for no limit. Nothing for any other text.
std::optional<double> read_slurm_time(std::string_view text);

/// The bytes of a size of memory that sbatch reads: a whole number, then K, M, G or T, or nothing for M;
/// infinite for 0, which asks for all of a node. Nothing for any other text.
std::optional<double> read_slurm_memory(std::string_view text);

}  // namespace plumbline
