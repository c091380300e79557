// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/batch_script.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "engine/core/error.hpp"

namespace plumbline {

namespace {

/// A value of a #SBATCH line: in double quotes, in which a backslash protects the next character.
std::string slurm_word(const std::string& text) {
  if (std::ranges::any_of(text, [](unsigned char c) { return std::iscntrl(c) != 0; })) {
    throw EnvironmentError("'" + text +
                           "': a #SBATCH line takes no line breaks or control characters");
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

/// A path in which Slurm replaces the `%a` of `name` alone. A backslash anywhere in it would end that.
std::string log_path(const std::filesystem::path& folder, const std::string& name) {
  const std::string path = folder.string();
  if (path.find('\\') != path.npos) {
    throw EnvironmentError(path +
                           ": Slurm writes no logs to a folder with a backslash in its path");
  }
  std::string doubled;
  for (const char c : path) doubled += c == '%' ? "%%" : std::string(1, c);
  return slurm_word(doubled + '/' + name);
}

std::string head(const JobRequest& request, const std::string& log) {
  std::string text = "#!/bin/bash\n";
  const auto add = [&text](const std::string& option) { text += "#SBATCH " + option + '\n'; };
  add("--job-name=" + slurm_word(request.name));
  if (!request.partition.empty()) add("--partition=" + slurm_word(request.partition));
  add("--nodes=1");
  add("--ntasks=1");
  add("--cpus-per-task=" + std::to_string(request.cpus));
  add("--time=" + slurm_word(request.time));
  add("--mem=" + slurm_word(request.memory));
  add("--output=" + log);
  add("--open-mode=append");
  add("--requeue");
  return text;
}

std::string options_of(const JobRequest& request) {
  std::string text;
  for (const std::string& option : request.options) text += "#SBATCH " + option + '\n';
  return text;
}

/// What a shell does before it becomes the program, which signals of Slurm then reach.
std::string start(const JobCall& call) {
  std::string text = "\ncd -- " + shell_word(call.folder.string()) + " || exit 3\n";
  if (!call.data_variable.empty()) {
    text += "export PLUMBLINE_DATA=" + shell_word(call.data_variable) + '\n';
  }
  return text + "exec " + shell_word(call.program.string());
}

/// A line for each word, an option with its value on one.
std::string words_of(const JobCall& call) {
  std::string text;
  bool is_value = false;
  for (const std::string& word : call.words) {
    text += (is_value ? " " : " \\\n  ") + shell_word(word);
    is_value = word.starts_with('-');
  }
  return text + '\n';
}

}  // namespace

std::string shards_script(const JobRequest& request, const JobCall& call, std::size_t shards,
                          std::size_t at_once, const std::filesystem::path& logs) {
  const std::string limit = at_once == 0 ? "" : '%' + std::to_string(at_once);
  return head(request, log_path(logs, "shard-%a.log")) +
         fmt::format("#SBATCH --array=1-{}{}\n", shards, limit) + options_of(request) +
         start(call) +
         fmt::format(" run --shard \"$SLURM_ARRAY_TASK_ID/{}\" --threads {}", shards,
                     request.cpus) +
         words_of(call);
}

std::string merge_script(const JobRequest& request, const JobCall& call,
                         const std::filesystem::path& logs) {
  return head(request, log_path(logs, "merge.log")) + options_of(request) + start(call) +
         words_of(call);
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "/._-+=:,@%";
  const bool is_plain = !word.empty() && std::ranges::all_of(word, [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || kPlain.find(static_cast<char>(c)) != kPlain.npos;
  });
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + '\'';
}

std::string slurm_time(double seconds) {
  const auto minutes = static_cast<std::int64_t>(std::ceil(seconds / 60));
  const std::int64_t hours = minutes / 60;
  const std::string days = hours >= 24 ? fmt::format("{}-", hours / 24) : "";
  return fmt::format("{}{:02}:{:02}:00", days, hours % 24, minutes % 60);
}

}  // namespace plumbline
