// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/sweep_reader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct BadText {
  const char* body;
  Lines problems;
};

const std::vector<BadText> kBadTexts{
    // Settings that move together.
    {"[sweep.zip]\nmodel.depth = [1]\n",
     {"d.toml:3:1: 'sweep.zip' is a table; expected a list of tables, [[sweep.zip]]"}},
    {"[sweep]\nzip = [3]\n", {"d.toml:4:8: 'sweep.zip' is an integer; expected a table"}},
    {"[[sweep.zip]]\n", {"d.toml:3:1: 'sweep.zip' has no keys"}},
    {"[[sweep.zip]]\nmodel.depth = [1, 2]\noptimizer.lr = [0.1]\n",
     {"d.toml:5:16: 'optimizer.lr' has 1 value and 'model.depth', at d.toml:4:15, has 2; settings "
      "that move together have equally many"}},
    {"[[sweep.zip]]\nmodel.depth = []\n", {"d.toml:4:15: 'model.depth' is an axis without values"}},
    {"[[sweep.zip]]\nmodel.depth = 2\n",
     {"d.toml:4:15: 'model.depth' is an integer; expected a list of values, which makes an axis"}},
    {"[[sweep.zip]]\nmodle.depth = [2]\n",
     {"d.toml:4:15: 'modle.depth' is not a setting; did you mean 'model'?"}},
    {"[[sweep.zip]]\nmodel.depth = [2, 4, 2]\noptimizer.lr = [0.1, 0.2, 0.1]\n",
     {"d.toml:4:22: 'sweep.zip' has the values model.depth = 2, optimizer.lr = 0.1 twice"}},
    {"[[sweep.zip]]\nmodel.depth = [2]\noptimizer = [7]\n",
     {"d.toml:5:14: 'optimizer' is an integer; expected a table"}},
    {"[[sweep.zip]]\nmodel.depth = [2]\ntrain.seed = [7]\n",
     {"d.toml:5:14: 'train.seed' does not move together with others; 'sweep.seeds' gives the "
      "seeds, the innermost axis"}},
    {"[[sweep.zip]]\nmodel.activation = [\"relu\"]\n\"model.activation.name\" = [\"tanh\"]\n",
     {"d.toml:5:27: 'model.activation.name' is an axis already, at d.toml:3:1"}},
    // A key is one axis.
    {"[sweep.grid]\nmodel.depth = [1]\n[[sweep.zip]]\nmodel.depth = [2]\n",
     {"d.toml:6:15: 'model.depth' is an axis already, at d.toml:4:15"}},
    {"[[sweep.zip]]\nmodel.depth = [1]\n[[sweep.zip]]\nmodel.depth = [2]\n",
     {"d.toml:6:15: 'model.depth' is an axis already, at d.toml:3:1"}},
    {"[[sweep.zip]]\nmodel.depth = [1]\n[sweep.grid]\nmodel.depth = [2]\n",
     {"d.toml:6:15: 'model.depth' is an axis already, at d.toml:3:1"}},

    // Runs that are left out.
    {"[sweep.exclude]\nmodel.depth = 1\n",
     {"d.toml:3:1: 'sweep.exclude' is a table; expected a list of tables, [[sweep.exclude]]"}},
    {"[[sweep.exclude]]\n", {"d.toml:3:1: 'sweep.exclude' has no keys"}},
    {"[[sweep.exclude]]\nmodel.depth = 1\n",
     {"d.toml:4:15: 'model.depth' is neither an axis nor set in this definition, so no run has the "
      "value that 'sweep.exclude' leaves out"}},
    {"[optimizer]\nlr = 0.1\n[[sweep.exclude]]\noptimizer.name = \"sgd\"\n",
     {"d.toml:6:18: 'optimizer.name' is neither an axis nor set in this definition, so no run has "
      "the value that 'sweep.exclude' leaves out"}},
    {"[[sweep.exclude]]\ndepth = 1\n",
     {"d.toml:4:9: 'depth' is not a setting; known are data, model, loss, optimizer, schedule, "
      "train, budget, engine, probes"}},
    {"[model]\ndepth = 2\n[[sweep.exclude]]\nmodel.depth = []\n",
     {"d.toml:6:15: 'model.depth' excludes none of its values"}},
};

TEST(Sweep, NamesThePlaceOfEachMistakeAndWhatWouldBeRight) {
  for (const BadText& bad : kBadTexts) {
    EXPECT_EQ(read(DefinitionFile(bad.body)).problems, bad.problems) << bad.body;
  }
}

TEST(Sweep, HasItsAxesInTheOrderOfTheText) {
  const DefinitionFile file(
      "[[sweep.zip]]\n"
      "model.width = [10, 20]\n"
      "model.depth = [1, 2]\n"
      "[sweep.grid]\n"
      "train.batch = [8]\n"
      "[[sweep.zip]]\n"
      "optimizer.lr = [0.1]\n");
  const ReadResult result = read(file);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(axes_of(result.definition),
              ElementsAre("model.width, model.depth: 10 1, 20 2", "train.batch: 8",
                          "optimizer.lr: 0.1", "train.seed: 0"));
}

TEST(Sweep, LosesFromAZipWhatTheCommandLineGives) {
  const DefinitionFile file(
      "[[sweep.zip]]\n"
      "model.depth = [1, 1, 2]\n"
      "model.width = [10, 20, 30]\n"
      "[sweep.grid]\n"
      "train.batch = [8]\n");
  const auto axes = [&](const Lines& overrides) {
    const ReadResult result = read(file, overrides);
    EXPECT_THAT(result.problems, IsEmpty());
    return axes_of(result.definition);
  };
  // Points that differed in the width alone are one.
  EXPECT_THAT(axes({"model.width=5"}),
              ElementsAre("model.depth: 1, 2", "train.batch: 8", "train.seed: 0"));
  EXPECT_THAT(axes({"model.depth=5"}),
              ElementsAre("model.width: 10, 20, 30", "train.batch: 8", "train.seed: 0"));
  EXPECT_THAT(axes({"model.depth=5", "model.width=6"}),
              ElementsAre("train.batch: 8", "train.seed: 0"));
  EXPECT_THAT(axes({"model.width=5,6"}), ElementsAre("model.depth: 1, 2", "train.batch: 8",
                                                     "model.width: 5, 6", "train.seed: 0"));
}

}  // namespace
}  // namespace plumbline
