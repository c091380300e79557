// SPDX-License-Identifier: Apache-2.0
// Every loss of the catalogue, by itself and with class weights, and the settings that take another
// branch of the code.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/losses/loss.hpp"
#include "tests/plugins.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

inline constexpr std::size_t kClasses = 5;
inline const std::vector<double> kClassWeights = {0.5, 1, 2.25, 0, 3};

struct LossCase {
  std::string name;
  std::string loss;
  std::vector<Setting> settings = {};

  bool has(const std::string& setting) const {
    return std::ranges::find(settings, setting, &Setting::first) != settings.end();
  }
  std::shared_ptr<const Loss> make() const { return make_plugin(loss_catalogue(), loss, settings); }
};

inline void PrintTo(const LossCase& example, std::ostream* stream) { *stream << example.name; }

inline SettingNode class_weights(const std::vector<double>& weights) {
  SettingList list;
  for (const double weight : weights) list.push_back(node(weight));
  return {list, {}};
}

inline std::vector<LossCase> loss_cases() {
  std::vector<LossCase> cases = {
      {"mean_squared_error_with_half", "mean_squared_error", {{"factor", node(0.5)}}},
      {"huber_with_delta", "huber", {{"delta", node(0.3)}}},
      {"cross_entropy_with_smoothing", "cross_entropy", {{"label_smoothing", node(0.3)}}},
      {"hinge_of_the_worst", "hinge", {{"variant", node("crammer_singer")}}},
      {"hinge_with_margin", "hinge", {{"margin", node(2.5)}}},
      {"poisson_in_full", "poisson", {{"full", node(true)}}},
  };
  for (const std::string& loss : loss_catalogue().names()) cases.push_back({loss, loss});
  for (std::size_t i = cases.size(); i-- > 0;) {
    LossCase weighted = cases[i];
    weighted.name += "_with_class_weights";
    weighted.settings.emplace_back("class_weights", class_weights(kClassWeights));
    cases.push_back(weighted);
  }
  return cases;
}

}  // namespace plumbline
