// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/shards.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <queue>
#include <set>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "experiments/runner/plan/stages.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

/// The whole number that the text is; nothing where it is anything else.
std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

bool is_shard(std::size_t number, std::size_t count) {
  return number >= 1 && number <= count && count <= kMostShards;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto number = whole_number(std::string_view(text).substr(0, slash));
  const auto count =
      slash == text.npos ? std::nullopt : whole_number(std::string_view(text).substr(slash + 1));
  if (!number || !count || !is_shard(*number, *count)) {
    throw DefinitionError(
        {{{.file = "--shard"},
          "'" + text + "' is no part i/N, such as 2/8: i is 1 to N, and N at most " +
              std::to_string(kMostShards)}});
  }
  return {*number, *count};
}

std::vector<RunGroup> run_groups(const Plan& plan) {
  std::vector<RunGroup> groups;
  std::unordered_map<std::size_t, std::size_t> places;  // of each group of the plan
  const auto group_of = [&](const RunSpec& run) -> RunGroup& {
    const auto [place, is_new] = places.try_emplace(run.group, groups.size());
    if (is_new) groups.emplace_back();
    return groups[place->second];
  };
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    RunGroup& group = group_of(plan.runs[run]);
    group.runs.push_back(run);
    ++group.foreseen;
    group.cost += plan.runs[run].cost;
  }
  if (!has_stages(plan.definition)) return groups;
  const Plan whole = foreseen(plan);
  for (std::size_t run = plan.runs.size(); run < whole.runs.size(); ++run) {
    RunGroup& group = group_of(whole.runs[run]);
    ++group.foreseen;
    group.cost += whole.runs[run].cost;
  }
  return groups;
}

std::vector<std::size_t> shard_of_each(const std::vector<RunGroup>& groups, std::size_t shards) {
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&groups](std::size_t group) { return groups[group].cost; });
  using Load = std::pair<double, std::size_t>;  // cost so far, shard
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::size_t shard = 0; shard < shards; ++shard) loads.emplace(0.0, shard);
  std::vector<std::size_t> chosen(groups.size());
  for (const std::size_t group : order) {
    const auto [cost, shard] = loads.top();
    loads.pop();
    chosen[group] = shard;
    loads.emplace(cost + groups[group].cost, shard);
  }
  return chosen;
}

Plan part_of(const Plan& plan, const Shard& shard) {
  const std::vector<RunGroup> groups = run_groups(plan);
  const std::vector<std::size_t> chosen = shard_of_each(groups, shard.count);
  std::vector<std::size_t> runs;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (chosen[group] != shard.number - 1) continue;
    runs.insert(runs.end(), groups[group].runs.begin(), groups[group].runs.end());
  }
  std::ranges::sort(runs);
  Plan part{.definition = plan.definition,
            .runs = {},
            .warnings = plan.warnings,
            .folders = plan.folders};
  for (const std::size_t run : runs) part.runs.push_back(plan.runs[run]);
  return part;
}

fs::path shard_path(const fs::path& output, const Shard& shard) {
  fs::path path = output;
  path.replace_filename(output.stem().string() + ".shard-" + std::to_string(shard.number) + "-of-" +
                        std::to_string(shard.count) + output.extension().string());
  return path;
}

std::optional<std::pair<fs::path, Shard>> shard_of_path(const fs::path& path) {
  // Not its stem: the output may have no extension, and ".shard-2-of-8" would be taken for one.
  const std::string name = path.filename().string();
  constexpr std::string_view kShard = ".shard-";
  constexpr std::string_view kOf = "-of-";
  const std::size_t shard = name.rfind(kShard);
  const std::size_t of = shard == name.npos ? name.npos : name.find(kOf, shard);
  if (of == name.npos) return std::nullopt;
  const std::size_t begin = shard + kShard.size();
  const std::size_t end = std::min(name.find('.', of), name.size());
  const std::string extension = name.substr(end);
  if (extension.rfind('.') != (extension.empty() ? extension.npos : 0)) return std::nullopt;
  const auto number = whole_number(std::string_view(name).substr(begin, of - begin));
  const auto count =
      whole_number(std::string_view(name).substr(of + kOf.size(), end - of - kOf.size()));
  if (!number || !count || !is_shard(*number, *count)) return std::nullopt;
  fs::path output = path;
  output.replace_filename(name.substr(0, shard) + extension);
  return std::pair(output, Shard{*number, *count});
}

std::vector<fs::path> shard_files(const fs::path& output) {
  // By count and number, so that shard 10 comes after shard 9.
  std::set<std::pair<std::size_t, std::size_t>> found;
  const fs::path folder = output.parent_path();
  std::error_code error;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    fs::path name = entry->path().filename();
    if (name.extension() == kSweepSuffix) name.replace_extension();
    const auto of = shard_of_path(name);
    if (of && of->first == output.filename()) found.emplace(of->second.count, of->second.number);
  }
  std::vector<fs::path> files;
  for (const auto& [count, number] : found) files.push_back(shard_path(output, {number, count}));
  return files;
}

}  // namespace plumbline
