// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/batch_script.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

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

/// Digits alone, and few enough for an int.
std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
  return is_whole && text.front() != '-' ? std::optional(number) : std::nullopt;
}

/// The numbers between colons; nothing where a part is none.
std::optional<std::vector<int>> numbers_between_colons(std::string_view text) {
  std::vector<int> numbers;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::optional<int> number = whole_number(text.substr(0, colon));
    if (!number) return std::nullopt;
    numbers.push_back(*number);
    if (colon == text.npos) return numbers;
    text.remove_prefix(colon + 1);
  }
}

constexpr double kInfinite = std::numeric_limits<double>::infinity();

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

std::optional<double> read_slurm_time(std::string_view text) {
  constexpr double kHour = 3600;
  constexpr double kDay = 24 * kHour;
  if (text == "UNLIMITED") return kInfinite;
  const std::size_t dash = text.find('-');
  std::optional<int> days = 0;
  if (dash != text.npos) days = whole_number(text.substr(0, dash));
  const auto parts = numbers_between_colons(dash == text.npos ? text : text.substr(dash + 1));
  if (!days || !parts || parts->size() > 3) return std::nullopt;
  // What the first number counts; each further one counts sixtieths of that.
  const bool is_short = dash == text.npos && parts->size() < 3;
  double unit = is_short ? 60 : kHour;
  double seconds = kDay * *days;
  for (const int part : *parts) {
    seconds += unit * part;
    unit /= 60;
  }
  return seconds > 0 ? seconds : kInfinite;
}

std::optional<double> read_slurm_memory(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  constexpr double kKibibyte = 1024;
  std::size_t power = 2;
  if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.back())) == 0) {
    const int letter = std::toupper(static_cast<unsigned char>(text.back()));
    const std::size_t unit = kUnits.find(static_cast<char>(letter));
    if (unit == kUnits.npos) return std::nullopt;
    power = unit + 1;
    text.remove_suffix(1);
  }
  const std::optional<int> number = whole_number(text);
  if (!number) return std::nullopt;
  return *number > 0 ? *number * std::pow(kKibibyte, power) : kInfinite;
}

}  // namespace plumbline
