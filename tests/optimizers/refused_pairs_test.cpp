// SPDX-License-Identifier: Apache-2.0
// Every wrapper around every optimizer finds the minimum of a quadratic, or is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/optimizers/driven.hpp"
#include "tests/optimizers/quadratic_objective.hpp"

namespace plumbline {
namespace {

std::vector<std::string> problems_of(const char* wrapper, const SettingsTable& given) {
  SettingsReport report;
  Settings settings(given, "optimizer", report);
  optimizer_catalogue().find(wrapper)->make_double(settings, one_tensor(1, 4));
  std::vector<std::string> messages;
  for (const Problem& problem : report.problems) messages.push_back(problem.message);
  return messages;
}

TEST(RefusedPairs, AreThoseWhoseInnerRuleAsksForGradientsThatTheWrapperDoesNotChange) {
  for (const char* wrapper : {"clip_norm", "clip_layer", "clip_value", "gradient_centralization"}) {
    for (const char* inner : {"lbfgs", "hessian_free", "mars", "sam"}) {
      EXPECT_EQ(problems_of(wrapper, table_of({{"inner.name", inner}})).size(), 1U)
          << wrapper << " around " << inner;
    }
    for (const char* inner : {"adam", "sophia", "kfac", "ema", "schedule_free_sgd"}) {
      EXPECT_TRUE(problems_of(wrapper, table_of({{"inner.name", inner}})).empty())
          << wrapper << " around " << inner;
    }
    EXPECT_TRUE(
        problems_of(wrapper, table_of({{"inner.name", "mars"}, {"inner.gradient", "approximate"}}))
            .empty());
    // Through another wrapper, too.
    EXPECT_EQ(problems_of(wrapper, table_of({{"inner.name", "ema"}, {"inner.inner.name", "lbfgs"}}))
                  .size(),
              1U);
  }
  EXPECT_EQ(problems_of("weight_decay", table_of({{"kind", "coupled"}, {"inner.name", "lbfgs"}})),
            (std::vector<std::string>{"'optimizer.inner' asks for gradients of the loss itself, "
                                      "which this wrapper would not change"}));
  EXPECT_TRUE(problems_of("weight_decay", table_of({{"inner.name", "lbfgs"}})).empty());
}

TEST(RefusedPairs, AreThoseWhoseInnerRuleKeepsAPositionThatTheWrapperDoesNotMove) {
  for (const char* wrapper : {"weight_decay", "cautious", "lookahead"}) {
    for (const char* inner : {"schedule_free_sgd", "schedule_free_adamw"}) {
      EXPECT_EQ(problems_of(wrapper, table_of({{"inner.name", inner}})).size(), 1U)
          << wrapper << " around " << inner;
    }
    EXPECT_TRUE(problems_of(wrapper, table_of({{"inner.name", "adam"}})).empty());
  }
  EXPECT_TRUE(problems_of("weight_decay",
                          table_of({{"kind", "coupled"}, {"inner.name", "schedule_free_sgd"}}))
                  .empty());
}

}  // namespace
}  // namespace plumbline
