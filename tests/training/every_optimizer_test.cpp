// SPDX-License-Identifier: Apache-2.0
// Every optimizer trains a net on the digits, with its defaults or with the settings stated here.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

constexpr double kGoal = 0.9;  // of the validation images; by chance 0.1
constexpr int kEpochs = 20;

/// Settings of optimizers whose defaults are made for other nets.
std::vector<Setting> stated_settings(const std::string& name) {
  static const std::map<std::string, std::vector<Setting>> kStated = {
      // 600 steps are too few for an average over 1000.
      {"ema", {{"optimizer.decay", node(0.99)}}},
      // Whole-set methods: 20 steps on all examples.
      {"hessian_free", {{"train.batch", node(1500)}}},
      {"rprop", {{"train.batch", node(1500)}, {"optimizer.initial_step", node(0.002)}}},
      // The papers' rates are for many more steps.
      {"lars", {{"optimizer.lr", node(1.0)}}},
      {"lion", {{"optimizer.lr", node(1e-3)}}},
  };
  const auto found = kStated.find(name);
  return found == kStated.end() ? std::vector<Setting>{} : found->second;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryOptimizerOnDigits : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EveryOptimizerOnDigits,
                         testing::ValuesIn(optimizer_catalogue().names()), name_of);

TEST_P(EveryOptimizerOnDigits, PassesNinetyPercentInTwentyEpochs) {
  const RunRecord record = trained(with({{"data.name", node("digits")},
                                         {"model.depth", node(1)},
                                         {"model.width", node(100)},
                                         {"model.activation", node("relu")},
                                         {"model.initializer", node("he_normal")},
                                         {"optimizer.name", node(GetParam())},
                                         {"train.batch", node(50)},
                                         {"train.epochs", node(kEpochs)}},
                                        stated_settings(GetParam())));
  EXPECT_EQ(record.status, RunStatus::complete) << record.message;
  EXPECT_LT(metric(record, "valid_accuracy").front(), 0.4) << "before training";
  EXPECT_GE(summary(record, "final_valid_accuracy"), kGoal);
  std::cout << "[ measured ] " << GetParam() << ": validation accuracy "
            << summary(record, "final_valid_accuracy") << " in " << record.cpu_seconds
            << " s of CPU\n";
}

}  // namespace
}  // namespace plumbline
