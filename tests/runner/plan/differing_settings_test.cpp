// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/differing_settings.hpp"

#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kBody =
    "[model]\nwidth = 4\n[train]\nsteps = 5\n[sweep.grid]\nmodel.depth = [2, 3]\n";

Plan plan_of(const DefinitionFile& file, const Lines& overrides = {}) {
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), overrides, problems);
  return make_plan(std::move(definition), std::move(problems));
}

TEST(DifferingSettingsTest, AreNoneWhereTheTextAloneDiffers) {
  const DefinitionFile one(kBody);
  const DefinitionFile other(
      "# a remark\n[train]\nsteps = 5\n[model]\nwidth = 4\n[sweep.grid]\nmodel.depth = [2, 3]\n");
  EXPECT_TRUE(are_same_runs(plan_of(one), plan_of(other)));
  EXPECT_THAT(differing_settings(plan_of(one), plan_of(other)), IsEmpty());
}

TEST(DifferingSettingsTest, AreNamedWithTheValuesOfBoth) {
  const DefinitionFile file(kBody);
  const Plan one = plan_of(file);
  const Plan other = plan_of(file, {"model.depth=2,3,4", "model.width=8"});
  EXPECT_FALSE(are_same_runs(one, other));
  const std::vector<DifferingSetting> differing = differing_settings(one, other);
  ASSERT_THAT(differing, ElementsAre(DifferingSetting{"model.depth", "2, 3", "2, 3, 4", true},
                                     DifferingSetting{"model.width", "4", "8"}));
  EXPECT_EQ(differences_text(differing, "in a.h5", "in b.h5"),
            "model.depth is 2, 3 in a.h5 and 2, 3, 4 in b.h5; "
            "model.width is 4 in a.h5 and 8 in b.h5");
  EXPECT_EQ(differences_text(differing, "there", "here", 1),
            "model.depth is 2, 3 there and 2, 3, 4 here; and 1 more");
  EXPECT_EQ(differences_text(differing, "there", "here", 1, " / "),
            "model.depth is 2, 3 there and 2, 3, 4 here / and 1 more");
}

TEST(DifferingSettingsTest, KeepPlansApartWhereNoRunsHaveThemAlike) {
  const DefinitionFile file(kBody);
  const Plan plan = plan_of(file, {"optimizer.name=sgd,momentum", "train.seed=0,1,2"});
  const auto keys = [&](const Lines& overrides) {
    std::vector<std::string> named;
    for (const DifferingSetting& one :
         keeping_apart(differing_settings(plan, plan_of(file, overrides)))) {
      named.push_back(one.key);
    }
    return named;
  };
  EXPECT_THAT(keys({"optimizer.name=sgd", "train.seed=0", "model.width=8"}),
              ElementsAre("model.width"))
      << "of momentum's settings sgd has none in either plan";
  EXPECT_THAT(keys({"optimizer.name=sgd", "train.seed=3,4"}), ElementsAre("train.seed"));
  EXPECT_THAT(keys({"optimizer.name=sgd,momentum", "train.seed=0"}), ElementsAre("train.seed"))
      << "nothing else differs";
}

TEST(DifferingSettingsTest, MayBeSetInOnePlanAlone) {
  const DefinitionFile file(kBody);
  const Plan one = plan_of(file, {"optimizer.name=sgd"});
  const Plan other = plan_of(file, {"optimizer.name=adam"});
  std::vector<std::string> only_in_other;
  for (const DifferingSetting& setting : differing_settings(one, other)) {
    if (setting.first.empty()) only_in_other.push_back(setting.key);
  }
  EXPECT_THAT(only_in_other, testing::Contains("optimizer.beta2"));
  const std::vector<DifferingSetting> back = differing_settings(other, one);
  EXPECT_THAT(back, testing::Contains(DifferingSetting{"optimizer.beta2", "0.999", ""}));
  EXPECT_EQ(differences_text({{"a.b", "1", "", false}}, "there", "here"),
            "a.b is 1 there and not set here");
}

TEST(DifferingSettingsTest, CutsALongListOfValues) {
  const DefinitionFile file(kBody);
  const Plan other = plan_of(file, {"train.seed=0,1,2,3,4,5,6,7,8,9"});
  EXPECT_THAT(differing_settings(plan_of(file), other),
              ElementsAre(DifferingSetting{"train.seed", "0",
                                           "0, 1, 2, 3, 4, 5, 6, 7, ... (10 values)", true}));
}

TEST(DifferingSettingsTest, AreNoneWhereTheSameValuesAreCombinedOtherwise) {
  const DefinitionFile file(kBody);
  const Plan whole = plan_of(file, {"model.width=4,5"});
  Plan part = whole;
  part.runs.erase(part.runs.begin() + 2);  // Both depths and both widths are still there.
  EXPECT_FALSE(are_same_runs(whole, part));
  EXPECT_THAT(differing_settings(whole, part), IsEmpty());
  EXPECT_EQ(differences_text({}, "there", "here"), "the same values are combined otherwise");
}

}  // namespace
}  // namespace plumbline
