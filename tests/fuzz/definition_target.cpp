// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "tests/fuzz/clean.hpp"
#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

namespace {

// Runs of a sweep that is planned: beyond them a plan takes its time, and must.
constexpr double kRuns = 16;

double runs_of(const Definition& definition) {
  double all = 0;
  for (const Study& study : definition.studies) {
    double runs = 1;
    for (const SweepAxis& axis : study.axes) runs *= static_cast<double>(axis.points.size());
    all += runs;
  }
  return all;
}

// Whether a search might have to draw so many trials, or a sweep to list so many seeds, that reading it takes
// its time.
bool may_take_long(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789_";
  std::size_t digits = 0;
  bool has_long_number = false;
  for (const char c : text) {
    digits = kDigits.find(c) == kDigits.npos ? 0 : digits + 1;
    has_long_number = has_long_number || digits > 4;
  }
  const auto has = [&](std::string_view word) { return text.find(word) != text.npos; };
  return has_long_number && (has("study") || has("seeds"));
}

}  // namespace

bool read_definition(Input input) {
  const std::string path = PLUMBLINE_SOURCE_DIR "/tests/runner/definition/mistakes/fuzz.toml";
  std::string text(input.begin(), input.end());
  if (may_take_long(text)) return false;
  return takes([&] {
    std::vector<Problem> problems;
    Definition definition = parse_definition(path, std::move(text), {}, problems);
    const double runs = runs_of(definition);
    if (runs <= kRuns || runs > kMostRuns) make_plan(std::move(definition), std::move(problems));
  });
}

}  // namespace plumbline::fuzz
