// SPDX-License-Identifier: Apache-2.0
// Every model kind, and every layer, gives the same bits at any number of threads, and learns.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
#include "tests/runner/definition_file.hpp"
#include "tests/runner/outcomes.hpp"

namespace plumbline {
namespace {

struct ModelCase {
  std::string name;
  std::string model;
  std::string data = "[data]\ntrain = 200\nvalid = 50\n";
};

const std::string kSums =
    "[data]\nname = \"adding_problem\"\nsteps = 10\ntrain = 200\nvalid = 50\n"
    "[loss]\nname = \"mean_squared_error\"\n";
const std::string kMemory = "[data]\nname = \"copy_memory\"\ndelay = 3\ntrain = 200\nvalid = 50\n";
const std::string kSymbols =
    "[data]\nname = \"copy_memory\"\nencoding = \"index\"\ndelay = 3\ntrain = 200\nvalid = 50\n";
// The text is this file.
const std::string kText = "[data]\nname = \"text\"\nencoding = \"index\"\nsteps = 8\nfile = \"" +
                          std::string(PLUMBLINE_SOURCE_DIR) +
                          "/tests/runner/sweep/every_model_test.cpp\"\n";

std::vector<ModelCase> cases() {
  return {
      {"batch_norm", "depth = 3\nwidth = 64\nnormalization = \"batch_norm\"\n"},
      {"weight_norm", "depth = 3\nwidth = 64\nnormalization = \"weight_norm\"\n"},
      {"residual", "kind = \"residual\"\ndepth = 5\nwidth = 64\nnormalization = \"layer_norm\"\n"},
      {"highway", "kind = \"highway\"\ndepth = 4\nwidth = 64\n"},
      {"cnn", "kind = \"cnn\"\ndepth = 2\nwidth = 8\npool_every = 1\nhead = \"flatten\"\n"},
      {"layers",
       "layers = [{ name = \"convolution\", channels = 6 }, \"batch_norm\", \"activation\", "
       "{ name = \"mean_pool\" }, { name = \"dropout\", rate = 0.1 }, \"flatten\", "
       "{ name = \"residual\", rezero = true, layers = [{ name = \"dense\", width = 54 }] }]\n"},
      {"rnn", "kind = \"rnn\"\nwidth = 20\n", kSums},
      {"lstm", "kind = \"lstm\"\nwidth = 20\ndepth = 2\n", kSums},
      {"gru", "kind = \"gru\"\nwidth = 20\n", kMemory},
      {"embedding",
       "layers = [{ name = \"embedding\", width = 6 }, { name = \"gru\", width = 20 }]\n",
       kSymbols},
      {"embedding_of_a_text",
       "layers = [{ name = \"embedding\", width = 12 }, { name = \"lstm\", width = 20 }]\n", kText},
  };
}

class EveryModel : public testing::TestWithParam<ModelCase> {};

TEST_P(EveryModel, GivesTheSameBitsAtAnyNumberOfThreadsAndLearns) {
  const ModelCase& one = GetParam();
  const DefinitionFile file(one.data + "[model]\n" + one.model +
                            "[optimizer]\nname = \"adam\"\nlr = 0.005\n"
                            "[train]\nbatch = 40\nsteps = 30\n[probes]\n"
                            "error_signal = { every = 10 }\ngradient_norm = { every = 10 }\n"
                            "[sweep]\nseeds = 2\n");
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), {}, problems);
  const Plan plan = make_plan(std::move(definition), std::move(problems));
  const auto alone = outcomes(plan, 1);
  for (const auto& [index, outcome] : alone) {
    EXPECT_EQ(outcome.status, RunStatus::complete) << outcome.message;
    const auto loss = std::ranges::find(outcome.metrics, "train_loss", &Metric::name);
    ASSERT_NE(loss, outcome.metrics.end());
    EXPECT_LT(loss->values.back(), loss->values.front());
  }
  EXPECT_NE(alone.at(0).digest, alone.at(1).digest);
  for (const int threads : {2, 3}) {
    EXPECT_TRUE(outcomes(plan, threads) == alone) << threads << " threads, runs side by side";
    EXPECT_TRUE(outcomes(plan, Sharing(threads, 1)) == alone) << threads << " threads, one run";
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, testing::ValuesIn(cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace plumbline
