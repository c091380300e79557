// SPDX-License-Identifier: Apache-2.0
#include "engine/training/budget.hpp"

#include <algorithm>

namespace plumbline {

namespace {

std::optional<double> bound(Settings& settings, const char* name, const char* meaning) {
  const double value = settings.number(name, 0, kAny, meaning);
  if (settings.given(name)) return value;
  settings.restates(name);
  return std::nullopt;
}

// An accuracy is a share: who means percents would never be told, as every run came to its end.
void check_reach(const Target& target, Settings& settings) {
  const bool is_share = target.metric == EvaluatedMetric::train_accuracy ||
                        target.metric == EvaluatedMetric::valid_accuracy;
  const double value = target.at_least ? *target.at_least : *target.at_most;
  if (!is_share || (value >= 0 && value <= 1)) return;
  settings.problem(target.at_least ? "at_least" : "at_most",
                   "is " + shortest(value) + "; an accuracy is a share, in [0, 1]");
}

}  // namespace

const std::vector<std::string>& evaluated_names() {
  static const std::vector<std::string> names = {"train_loss", "train_accuracy", "valid_loss",
                                                 "valid_accuracy"};
  return names;
}

bool Target::reached_by(const EvaluatedValues& values) const {
  const double value = values[static_cast<std::size_t>(metric)];
  return at_least ? value >= *at_least : at_most && value <= *at_most;
}

Target read_target(Settings& settings) {
  Target target;
  const std::vector<std::string>& names = evaluated_names();
  const std::string metric = settings.choice("metric", "valid_accuracy", names,
                                             "what is looked at, where train.evaluate records it");
  target.metric = static_cast<EvaluatedMetric>(std::ranges::find(names, metric) - names.begin());
  target.at_least = bound(settings, "at_least", "reached from this value on; this or at_most");
  target.at_most = bound(settings, "at_most", "reached from this value down; this or at_least");
  return target;
}

Budget read_budget(Settings& settings, std::int64_t steps) {
  Budget budget;
  budget.max_steps = settings.integer(
      "max_steps", 0, between(0, kMostUpdates),
      "ends the run after so many updates, though schedules go by train.steps; 0: no limit");
  if (budget.max_steps >= steps) budget.max_steps = 0;
  if (budget.max_steps == 0) settings.restates("max_steps");
  budget.max_seconds = settings.number("max_seconds", 0, kNonNegative,
                                       "ends the run after this time, so after a number of updates "
                                       "that no other machine makes; 0: no "
                                       "limit");
  if (budget.max_seconds == 0) settings.restates("max_seconds");
  Settings target = settings.table("target");
  if (settings.given("target")) {
    const std::size_t problems = settings.report().problems.size();
    budget.target = read_target(target);
    target.finish();
    // A bound that is misspelled or wrong is a mistake already.
    if (settings.report().problems.size() > problems) return budget;
    if (budget.target->at_least && budget.target->at_most) {
      target.problem("at_most", "is given beside 'budget.target.at_least'; give one of the two");
    } else if (!budget.target->at_least && !budget.target->at_most) {
      target.problem("at_least", "is not given, and neither is 'at_most'; give one of the two");
    } else {
      check_reach(*budget.target, target);
    }
  }
  return budget;
}

}  // namespace plumbline
