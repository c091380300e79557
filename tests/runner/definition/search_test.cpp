// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/search_reader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kSearch = "[[study]]\n[study.search]\n";  // lines 3 and 4

struct BadText {
  const char* body;
  Lines problems;
};

// Each begins in line 5.
const std::vector<BadText> kBadTexts{
    {"space.model.depth = [1]\n",
     {"d.toml:4:1: 'study.search.method' is missing; it is one of grid, random, halton"}},
    {"method = 3\nspace.model.depth = [1]\n",
     {"d.toml:5:10: 'study.search.method' is an integer; expected one of grid, random, halton"}},
    {"method = \"haltno\"\nspace.model.depth = [1]\n",
     {"d.toml:5:10: 'study.search.method' is 'haltno', which is unknown; did you mean 'halton'?"}},
    {"method = \"grid\"\n", {"d.toml:4:1: 'study.search.space' is missing"}},
    {"method = \"grid\"\nspace = 3\n",
     {"d.toml:6:9: 'study.search.space' is an integer; expected a table"}},
    {"method = \"grid\"\nspace = {}\n", {"d.toml:6:9: 'study.search.space' has no dimensions"}},
    {"method = \"grid\"\nsead = 3\nspace.model.depth = [1]\n",
     {"d.toml:6:8: 'study.search.sead' is not a setting; did you mean 'seed'?"}},
    {"method = \"random\"\nspace.model.depth = [1]\n",
     {"d.toml:4:1: 'study.search.trials' is missing; random needs it"}},
    {"method = \"halton\"\ntrials = 0\nspace.model.depth = [1]\n",
     {"d.toml:6:10: 'study.search.trials' is 0; allowed is in [1, 1000000]"}},
    {"method = \"halton\"\ntrials = 1000001\nspace.model.depth = [1]\n",
     {"d.toml:6:10: 'study.search.trials' is 1000001; allowed is in [1, 1000000]"}},
    {"method = \"halton\"\ntrials = \"x\"\nspace.model.depth = [1]\n",
     {"d.toml:6:10: 'study.search.trials' is a text; expected an integer in [1, 1000000]"}},
    {"method = \"random\"\ntrials = 3\nspace.model.depth = [1, 2]\n",
     {"d.toml:6:10: 'study.search.trials' is 3; no more than 2 different trials were found in the "
      "space"}},
    {"method = \"random\"\ntrials = 1\nseed = -1\nspace.model.depth = [1]\n",
     {"d.toml:7:8: 'study.search.seed' is -1; allowed is in [0, 9007199254740991]"}},
    {"method = \"grid\"\ntrials = 3\nspace.model.depth = [1]\n",
     {"d.toml:6:10: 'study.search.trials' is of random and halton; the method is grid"}},
    {"method = \"grid\"\nseed = 3\nspace.model.depth = [1]\n",
     {"d.toml:6:8: 'study.search.seed' is of random and halton; the method is grid"}},

    // Keys of dimensions.
    {"method = \"grid\"\nspace.modle.depth = [1]\n",
     {"d.toml:6:21: 'modle.depth' is not a setting; did you mean 'model'?"}},
    {"method = \"grid\"\nspace.train.seed = [1]\n",
     {"d.toml:6:20: 'train.seed' is no dimension of a search; 'sweep.seeds' gives the seeds"}},
    {"method = \"grid\"\nspace.model.depth = [1]\nspace.\"model.depth\" = [1]\n",
     {"d.toml:7:23: 'model.depth' is an axis already, at d.toml:6:21"}},
    {"method = \"grid\"\nspace.model.depth = []\n",
     {"d.toml:6:21: 'model.depth' is an axis without values"}},
    {"method = \"grid\"\nspace.model.depth = [1, 1]\n",
     {"d.toml:6:25: 'model.depth' has the value 1 twice"}},
    {"method = \"grid\"\nspace.model.depth = 3\n",
     {"d.toml:6:21: 'model.depth' is an integer; expected a list of values or a range, { min = "
      "..., max = ... }"}},
    {"method = \"grid\"\nspace.model.depth = {}\n",
     {"d.toml:6:21: 'model.depth.min' is missing; a dimension is a list of values or a range, { "
      "min = ..., max = ... }",
      "d.toml:6:21: 'model.depth.max' is missing; a dimension is a list of values or a range, { "
      "min = ..., max = ... }",
      "d.toml:6:21: 'model.depth.points' is missing; a range of a grid is so many numbers"}},
    {"method = \"grid\"\nspace.model.depth = { values = 3 }\n",
     {"d.toml:6:32: 'model.depth.values' is an integer; expected a list"}},
    {"method = \"grid\"\nspace.model.depth = { values = [3], max = 4 }\n",
     {"d.toml:6:43: 'model.depth' has 'values' and 'max'; a dimension is a list or a range"}},

    // Ranges.
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = 1, mx = 2 }\n",
     {"d.toml:7:38: 'mx' is no part of the dimension 'optimizer.lr'; did you mean 'max'?",
      "d.toml:7:22: 'optimizer.lr.max' is missing; a dimension is a list of values or a range, { "
      "min = ..., max = ... }"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = \"a\", max = 2 }\n",
     {"d.toml:7:30: 'optimizer.lr.min' is a text; expected a number"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = 0, max = inf }\n",
     {"d.toml:7:39: 'optimizer.lr.max' is inf; expected a finite number"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = nan, max = 1 }\n",
     {"d.toml:7:30: 'optimizer.lr.min' is nan; expected a finite number"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = 2, max = 2 }\n",
     {"d.toml:7:30: 'optimizer.lr.min' is 2; 'max' is 2, and has to be greater"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = -1e308, max = 1e308 }\n",
     {"d.toml:7:22: 'optimizer.lr' is a range of more than 1.8e308"}},
    {"method = \"random\"\ntrials = 1\nspace.model.depth = { min = 0, max = 9007199254740992 }\n",
     {"d.toml:7:21: 'model.depth' is a range of integers of 2^53 or more"}},
    {"method = \"random\"\ntrials = 1\n"
     "space.optimizer.lr = { min = 0, max = 2, scale = \"log\" }\n",
     {"d.toml:7:30: 'optimizer.lr.min' is 0; a range of scale log is > 0"}},
    {"method = \"random\"\ntrials = 1\n"
     "space.optimizer.lr = { min = 1, max = 2, scale = \"lgo\" }\n",
     {"d.toml:7:50: 'optimizer.lr.scale' is 'lgo', which is unknown; did you mean 'log'?"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = 1, max = 2, scale = 3 }\n",
     {"d.toml:7:50: 'optimizer.lr.scale' is an integer; expected one of linear, log"}},
    {"method = \"random\"\ntrials = 1\nspace.optimizer.lr = { min = 1, max = 2, points = 3 }\n",
     {"d.toml:7:51: 'optimizer.lr.points' is of method grid; 'study.search.trials' says how many "
      "points are drawn"}},
    {"method = \"grid\"\nspace.optimizer.lr = { min = 1, max = 2 }\n",
     {"d.toml:6:22: 'optimizer.lr.points' is missing; a range of a grid is so many numbers"}},
    {"method = \"grid\"\nspace.optimizer.lr = { min = 1, max = 2, points = 1 }\n",
     {"d.toml:6:51: 'optimizer.lr.points' is 1; allowed is in [2, 1000000]"}},

    // Conditions.
    {"method = \"grid\"\nspace.optimizer.lr = { values = [1], when = 3 }\n",
     {"d.toml:6:45: 'optimizer.lr.when' is an integer; expected a table"}},
    {"method = \"grid\"\nspace.optimizer.lr = { values = [1], when = { \"optimizer.nme\" = 3 } }\n",
     {"d.toml:6:65: 'optimizer.nme' is given nowhere before; 'when' names an earlier dimension, an "
      "axis of the sweep or a setting that the definition sets"}},
    {"method = \"grid\"\nspace.optimizer.lr = { values = [1], when = { \"model.depth\" = 3 } }\n"
     "space.model.depth = [3]\n",
     {"d.toml:6:63: 'model.depth' is given nowhere before; 'when' names an earlier dimension, an "
      "axis of the sweep or a setting that the definition sets"}},
    {"method = \"grid\"\nspace.optimizer.lr = { values = [1], when = { \"optimizer.lr\" = 3 } }\n",
     {"d.toml:6:64: 'optimizer.lr' is the dimension itself, which cannot depend on itself"}},
};

TEST(Search, NamesThePlaceOfEachMistakeAndWhatWouldBeRight) {
  for (const BadText& bad : kBadTexts) {
    EXPECT_EQ(read(DefinitionFile(kSearch + bad.body)).problems, bad.problems) << bad.body;
  }
  EXPECT_THAT(read(DefinitionFile("[[study]]\nsearch = 3\n")).problems,
              ElementsAre("d.toml:4:10: 'study.search' is an integer; expected a table"));
  EXPECT_THAT(read(DefinitionFile("[sweep.grid]\nmodel.depth = [1]\n[[study]]\n[study.search]\n"
                                  "method = \"grid\"\nspace.model.depth = [2]\n"))
                  .problems,
              ElementsAre("d.toml:8:21: 'model.depth' is an axis already, at d.toml:4:15"));
}

TEST(Search, ByGridIsAnAxisForEachDimensionAfterThoseOfTheSweep) {
  const DefinitionFile file(
      "[sweep.grid]\n"
      "train.batch = [8]\n" +
      kSearch +
      "method = \"grid\"\n"
      "[study.search.space]\n"
      "optimizer.lr = { min = 1e-3, max = 1.0, scale = \"log\", points = 4 }\n"
      "optimizer.name = [\"sgd\", \"momentum\"]\n"
      "model.width = { min = 1, max = 4, points = 3 }\n"
      "model.depth = { values = [1, 2] }\n");
  const ReadResult result = read(file);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(axes_of(result.definition),
              ElementsAre("train.batch: 8", "optimizer.lr: 0.001, 0.01, 0.1, 1",
                          "optimizer.name: \"sgd\", \"momentum\"", "model.width: 1, 3, 4",
                          "model.depth: 1, 2", "train.seed: 0"));
}

// A setting that is called as a part of a range is a setting nevertheless.
TEST(Search, ReadsADimensionCalledScale) {
  const ReadResult result =
      read(DefinitionFile(kSearch + "method = \"grid\"\nspace.model.scale = [1, 2]\n"
                                    "space.model.initializer.scale = [3]\n"));
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(axes_of(result.definition),
              ElementsAre("model.scale: 1, 2", "model.initializer.scale: 3", "train.seed: 0"));
}

TEST(Search, LosesTheDimensionsThatTheCommandLineGivesAndKeepsTheOthersTrials) {
  const DefinitionFile file(kSearch +
                            "method = \"random\"\n"
                            "trials = 5\n"
                            "[study.search.space]\n"
                            "optimizer.lr = { min = 0.0, max = 1.0 }\n"
                            "model.depth = { min = 1, max = 2 }\n");
  const std::vector<AxisPoint> both = read(file).definition.studies[0].axes[0].points;
  const std::vector<AxisPoint> one =
      read(file, {"model.depth=9"}).definition.studies[0].axes[0].points;
  ASSERT_EQ(one.size(), both.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].size(), 1U);
    EXPECT_EQ(to_string(one[i][0].value), to_string(both[i][0].value));
  }
  // What is left of five trials over two depths.
  EXPECT_EQ(read(file, {"optimizer.lr=0.1"}).definition.studies[0].axes[0].points.size(), 2U);
}

}  // namespace
}  // namespace plumbline
