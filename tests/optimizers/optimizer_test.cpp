// SPDX-License-Identifier: Apache-2.0
// The contract of every optimizer, over the catalogue. One without a golden file fails by its name.
#include "engine/optimizers/optimizer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/optimizers/golden.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// Ten steps of about five roundings of 1.1e-16 each, up to some hundred times larger in a parameter
// that ends near zero. A step of the golden data moves a parameter by 1e-3 and more.
constexpr double kTolerance = 1e-12;
constexpr double kLeastEffect = 1e8 * kTolerance;
// The same in float, half an ulp 6e-8, relative to parameters of about 1.
constexpr double kFloatTolerance = 2e-5;

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryOptimizer : public testing::TestWithParam<std::string> {
 protected:
  template <typename T>
  std::unique_ptr<Optimizer<T>> make(const SettingsTable& settings,
                                     const ParameterLayout& layout) const {
    const OptimizerEntry* entry = optimizer_catalogue().find(GetParam());
    return read_with(settings,
                     [&](Settings& reader) { return entry->template make<T>(reader, layout); });
  }

  /// The parameters after 0, 1, 2, ... steps of a golden case.
  template <typename T>
  std::vector<std::vector<T>> trajectory(const Golden& golden, const GoldenCase& one,
                                         const ParameterLayout& layout) const {
    const auto optimizer = make<T>(one.settings, layout);
    std::vector<T> parameters(golden.initial.begin(), golden.initial.end());
    std::vector<std::vector<T>> path = {parameters};
    for (std::size_t i = 0; i < golden.gradients.size(); ++i) {
      const std::vector<T> gradient(golden.gradients[i].begin(), golden.gradients[i].end());
      optimizer->step(parameters, gradient,
                      {static_cast<std::int64_t>(i + 1), one.schedule_factors[i]});
      path.push_back(parameters);
    }
    return path;
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryOptimizer,
                         testing::ValuesIn(optimizer_catalogue().names()), name_of);

TEST_P(EveryOptimizer, HasGoldenDataOfTensorsOfSeveralShapesThatWasCrossChecked) {
  const Golden data = golden(GetParam());
  std::set<std::pair<std::size_t, std::size_t>> shapes;
  for (const ParameterTensor& tensor : data.layout.tensors()) {
    shapes.insert({tensor.rows, tensor.cols});
  }
  EXPECT_GE(shapes.size(), 3U);
  EXPECT_EQ(data.layout.size(), data.initial.size());
  EXPECT_EQ(data.gradients.size(), 10U);
  EXPECT_GE(data.cases.size(), 2U);
  EXPECT_FALSE(data.cross_check.empty());
  EXPECT_NE(data.cross_check, "none");
}

TEST_P(EveryOptimizer, GoldenDataDependsOnEachDeclaredSettingBeingSet) {
  const Golden data = golden(GetParam());
  for (const SettingInfo& setting : optimizer_catalogue().find(GetParam())->info.settings) {
    const auto differs = [&setting](const GoldenCase& one) {
      const SettingNode* node = one.settings.find(setting.name);
      return node != nullptr && to_string(*node) != to_string(setting.default_value);
    };
    EXPECT_TRUE(std::ranges::any_of(data.cases, differs)) << setting.name;
  }
}

TEST_P(EveryOptimizer, FollowsTheGoldenTrajectory) {
  const Golden data = golden(GetParam());
  for (std::size_t number = 0; number < data.cases.size(); ++number) {
    const GoldenCase& one = data.cases[number];
    const auto path = trajectory<double>(data, one, data.layout);
    for (const int step : {1, 2, 10}) {
      const std::vector<double>& expected = one.after.at(step);
      const std::vector<double>& parameters = path[static_cast<std::size_t>(step)];
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(parameters[i], expected[i], kTolerance * std::abs(expected[i]))
            << "parameter " << i << " after step " << step << " of case " << number;
      }
    }
  }
}

TEST_P(EveryOptimizer, GoldenStepsAreLongAgainstTheTolerance) {
  const Golden data = golden(GetParam());
  for (const GoldenCase& one : data.cases) {
    double longest = 0;
    for (std::size_t i = 0; i < data.initial.size(); ++i) {
      const double moved = std::abs(one.after.at(1)[i] - data.initial[i]);
      longest = std::max(longest, moved / std::abs(data.initial[i]));
    }
    EXPECT_GT(longest, kLeastEffect);
  }
}

TEST_P(EveryOptimizer, InFloatStaysNearTheGoldenTrajectory) {
  const Golden data = golden(GetParam());
  for (const GoldenCase& one : data.cases) {
    const std::vector<float> last = trajectory<float>(data, one, data.layout).back();
    for (std::size_t i = 0; i < last.size(); ++i) {
      const double expected = one.after.at(10)[i];
      EXPECT_NEAR(last[i], expected, kFloatTolerance * std::max(1.0, std::abs(expected)));
    }
  }
}

TEST_P(EveryOptimizer, DoesNotDependOnHowTheBlockIsCutIntoTensors) {
  const Golden data = golden(GetParam());
  const std::size_t n = data.layout.size();
  ParameterLayout one_tensor;
  one_tensor.add("all", 1, ParameterGroup::hidden, 1, n);
  ParameterLayout n_tensors;
  for (std::size_t i = 0; i < n; ++i) {
    n_tensors.add("tensor_" + std::to_string(i), i + 1, ParameterGroup::hidden, 1, 1);
  }
  for (const GoldenCase& one : data.cases) {
    const std::vector<double> three = trajectory<double>(data, one, data.layout).back();
    EXPECT_EQ(trajectory<double>(data, one, one_tensor).back(), three);
    EXPECT_EQ(trajectory<double>(data, one, n_tensors).back(), three);
  }
}

TEST_P(EveryOptimizer, TreatsEachParameterByItself) {
  // With the parameters and gradients in the opposite order, so is the result.
  Golden data = golden(GetParam());
  for (const GoldenCase& one : data.cases) {
    std::vector<double> forward = trajectory<double>(data, one, data.layout).back();
    Golden reversed = data;
    std::ranges::reverse(reversed.initial);
    for (auto& gradient : reversed.gradients) std::ranges::reverse(gradient);
    std::ranges::reverse(forward);
    EXPECT_EQ(trajectory<double>(reversed, one, data.layout).back(), forward);
  }
}

TEST_P(EveryOptimizer, StaysWhereItIsWhileAllGradientsAreZero) {
  Golden data = golden(GetParam());
  for (auto& gradient : data.gradients) std::ranges::fill(gradient, 0.0);
  for (const GoldenCase& one : data.cases) {
    EXPECT_EQ(trajectory<double>(data, one, data.layout).back(), data.initial);
  }
}

TEST_P(EveryOptimizer, DoesNotMoveAtFactorZeroFromTheStart) {
  const Golden data = golden(GetParam());
  GoldenCase frozen = data.cases.front();
  std::ranges::fill(frozen.schedule_factors, 0.0);
  EXPECT_EQ(trajectory<double>(data, frozen, data.layout).back(), data.initial);
}

TEST_P(EveryOptimizer, CarriesNanOfAGradientIntoItsParameterAlone) {
  Golden data = golden(GetParam());
  data.gradients[0][33] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> last = trajectory<double>(data, data.cases[0], data.layout).back();
  for (std::size_t i = 0; i < last.size(); ++i) EXPECT_EQ(std::isnan(last[i]), i == 33) << i;
}

TEST_P(EveryOptimizer, KeepsAWholeNumberOfValuesForEachParameter) {
  const auto state_size = [this](std::size_t cols) {
    ParameterLayout layout;
    layout.add("w", 1, ParameterGroup::hidden, 1, cols);
    return make<double>({}, layout)->state_size();
  };
  EXPECT_EQ(state_size(0), 0U);
  EXPECT_EQ(state_size(34), 34 * state_size(1));
}

}  // namespace
}  // namespace plumbline
