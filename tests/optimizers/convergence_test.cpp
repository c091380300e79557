// SPDX-License-Identifier: Apache-2.0
// Every optimizer on L(w) = sum_i h_i w_i^2 / 2 with h from 1 to 100, with the best settings of a grid.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "tests/optimizers/quadratic_objective.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr double kGoal = 1e-6;  // of the loss at the start
constexpr int kSteps = 3000;
constexpr double kCondition = 100;

/// One place of the grid.
struct Choice {
  SettingsTable settings;
  bool cosine = false;  ///< the schedule: half a cosine wave to 0, or constant
};

/// Where an optimizer calls its step size otherwise than "lr".
std::string step_size_of(const std::string& name) {
  if (name == "rprop") return "initial_step";
  if (name == "prodigy") return "d0";
  return "lr";
}

/// Settings beside the step size that the grid fixes, and why.
SettingsTable fixed_settings(const std::string& name) {
  // Half of the run, as an average over all of it keeps 1/steps of the start.
  if (name == "swa") return table_of({{"start", 0.5}, {"inner.name", "sgd"}});
  if (name == "adafactor") {
    SettingsTable table;
    table.set("relative_step", {false, {}});
    return table;
  }
  // An average over 1000 steps is still near the start after 3000.
  if (name == "ema") return table_of({{"decay", 0.9}, {"inner.name", "momentum"}});
  if (name == "sophia") return table_of({{"update_every", 1}});
  for (const SettingInfo& setting : optimizer_catalogue().find(name)->info.settings) {
    if (setting.name == "inner") return table_of({{"inner.name", "momentum"}});
  }
  return {};
}

// {1e-4, 1e-3.5, ..., 10} for the step size, of the inner optimizer where there is one, and both
// schedules; no decay of weights, which has another minimum.
std::vector<Choice> grid(const std::string& name) {
  const std::vector<SettingInfo>& declared = optimizer_catalogue().find(name)->info.settings;
  const auto has = [&declared](const std::string& key) {
    return std::ranges::find(declared, key, &SettingInfo::name) != declared.end();
  };
  std::vector<Choice> choices;
  for (const bool cosine : {false, true}) {
    for (int half_decade = 2; half_decade >= -8; --half_decade) {
      Choice choice{fixed_settings(name), cosine};
      const std::string key = has("inner") ? "inner.lr" : step_size_of(name);
      choice.settings.set_path(key, {std::pow(10.0, half_decade / 2.0), {}});
      if (has("weight_decay")) choice.settings.set("weight_decay", {0.0, {}});
      if (name == "weight_decay") choice.settings.set("rate", {0.0, {}});
      choices.push_back(std::move(choice));
    }
  }
  return choices;
}

/// A quadratic of a weight matrix 4 x 5 and, where the method goes by layers, its bias. It is the loss
/// of a linear layer with targets 0 on 20 examples whose inputs have mean 0 and the covariance h.
class Quadratic final : public QuadraticObjective<double> {
 public:
  Quadratic(std::vector<double> curvature, const ParameterLayout& layout)
      : QuadraticObjective<double>(curvature, std::vector<double>(curvature.size(), 0.0)),
        curvature_(std::move(curvature)) {
    const std::size_t rows = layout.tensors()[0].rows;
    const std::size_t cols = layout.tensors()[0].cols;
    inputs_.resize(kExamples * cols);
    error_signals_.resize(kExamples * rows);
    for (std::size_t i = 0; i < kExamples; ++i) {
      // Each input is non-zero in four examples, with both signs.
      inputs_[i * cols + i % cols] =
          (i < kExamples / 2 ? 1 : -1) * std::sqrt(curvature_[i % cols] * 5);
      error_signals_[i * rows + i % rows] = 2;
    }
    pass_ = {{inputs_.data(), kExamples, cols, cols},
             {error_signals_.data(), kExamples, rows, rows}};
  }

  // Their square is the curvature.
  void sampled_gradient(std::span<const double> /*parameters*/, std::uint32_t /*draw*/,
                        std::span<double> gradient) override {
    std::ranges::transform(curvature_, gradient.begin(), [](double h) { return std::sqrt(h); });
  }
  LayerPass layer_pass(std::size_t /*tensor*/) override { return pass_; }

 private:
  static constexpr std::size_t kExamples = 20;

  std::vector<double> curvature_;
  std::vector<double> inputs_;
  std::vector<double> error_signals_;
  LayerPass pass_;
};

/// The loss at the end over that at the start; infinite where it diverges.
double remaining_loss(const std::string& name, const Choice& choice) {
  ParameterLayout layout;
  layout.add("layer_2.weight", 2, ParameterGroup::hidden, 4, 5);
  if (name == "kfac") layout.add("layer_2.bias", 2, ParameterGroup::bias, 4, 1);
  const std::size_t n = layout.size();
  std::vector<double> curvature(n, 1.0);
  std::vector<double> w(n);
  for (std::size_t i = 0; i < 20; ++i) {
    // By columns, as a linear layer has it. The centralized gradient keeps the mean of a row, so for
    // it the curvature goes by rows and each row has mean zero.
    const std::size_t row = i / 5;
    const std::size_t col = i % 5;
    const bool by_rows = name == "gradient_centralization";
    const double share = by_rows ? static_cast<double>(row) / 3 : static_cast<double>(col) / 4;
    curvature[i] = std::pow(kCondition, share);
    const double size = by_rows ? static_cast<double>(col) - 2 : (i % 3 == 0 ? -1.0 : 1.0);
    w[i] = size / std::sqrt(curvature[i]);
  }
  Quadratic objective(curvature, layout);
  const auto optimizer = read_with(choice.settings, [&](Settings& reader) {
    return optimizer_catalogue().find(name)->make_double(reader, layout);
  });
  const double start = objective.loss(w);
  std::vector<double> gradient(n);
  for (int step = 1; step <= kSteps; ++step) {
    const double loss = objective.gradient(w, gradient);
    if (!(loss < 1e6 * start)) return std::numeric_limits<double>::infinity();
    const double factor =
        choice.cosine ? 0.5 * (1 + std::cos(std::numbers::pi * (step - 1) / kSteps)) : 1.0;
    optimizer->step(w, gradient, {step, factor, kSteps, &objective});
  }
  return objective.loss(optimizer->evaluation_point(w)) / start;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryOptimizerOnAQuadratic : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EveryOptimizerOnAQuadratic,
                         testing::ValuesIn(optimizer_catalogue().names()), name_of);

TEST_P(EveryOptimizerOnAQuadratic, ComesToAMillionthOfItsStart) {
  double least = std::numeric_limits<double>::infinity();
  std::string best;
  for (const Choice& choice : grid(GetParam())) {
    const double remaining = remaining_loss(GetParam(), choice);
    if (!(remaining < least)) continue;
    least = remaining;
    best =
        to_string(SettingNode{choice.settings, {}}) + (choice.cosine ? ", cosine" : ", constant");
    if (least <= kGoal) break;
  }
  EXPECT_LE(least, kGoal) << "at best with " << best;
  std::cout << "[ measured ] " << GetParam() << ": " << least << " with " << best << '\n';
}

}  // namespace
}  // namespace plumbline
