// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/stages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runner/plan/expansion.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/shards.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kRuns = R"(
[data]
train = 100
valid = 50
[model]
depth = 1
width = 4
[train]
batch = 20
steps = 30
)";

// Two cells of five trials with two seeds.
constexpr const char* kHalving = R"(
[sweep]
seeds = 2
[sweep.grid]
model.activation = ["tanh", "relu"]
[[study]]
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [0.1, 0.2, 0.3, 0.4, 0.5]
[study.search.halving]
rungs = [5, 12]
factor = 2
metric = "valid_loss"
)";

// Two studies of which one chooses; seeds 7 and 8 to choose by, then three more.
constexpr const char* kProtocol = R"(
[[study]]
name = "chosen"
[study.set]
train.seed = 7
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [0.1, 0.2, 0.3]
[study.protocol]
select = { metric = "best_valid_accuracy", seeds = 2 }
rerun = { seeds = 3 }
[[study]]
name = "plain"
[study.set]
optimizer.lr = 0.9
)";

Plan plan_of(const std::string& body, const Lines& overrides = {}) {
  const DefinitionFile file(kRuns + body);
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), overrides, problems);
  return make_plan(std::move(definition), std::move(problems));
}

std::string problem_of(const std::string& body) {
  try {
    plan_of(body);
  } catch (const DefinitionError& error) {
    std::string text;
    for (const Problem& problem : error.problems()) text += problem.message + '\n';
    return text;
  }
  return "";
}

double learning_rate(const RunSpec& run) {
  for (const ResolvedSetting& setting : run.configuration.resolved) {
    if (setting.key == "optimizer.lr") return std::get<double>(setting.value.value);
  }
  return 0;
}

std::vector<double> learning_rates(const Plan& plan, std::size_t first) {
  std::vector<double> rates;
  for (std::size_t i = first; i < plan.runs.size(); ++i)
    rates.push_back(learning_rate(plan.runs[i]));
  return rates;
}

std::vector<std::string> stages(const Plan& plan) {
  std::vector<std::string> names;
  for (const RunSpec& run : plan.runs) {
    const std::string name = stage_name(plan.definition.studies[run.study], run);
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> ids;
  for (const RunSpec& run : plan.runs) ids.push_back(run.run_id);
  return ids;
}

// The greater the learning rate, the less the loss; in the cell of relu it is the other way.
std::optional<double> loss(const RunSpec& run, const Criterion& by) {
  EXPECT_EQ(by.metric, "final_valid_loss");
  return run.points.front() == 0 ? -learning_rate(run) : learning_rate(run);
}

TEST(StagesTest, AFirstRungIsTheRunThatEndsThere) {
  const std::vector<std::string> rung = ids(plan_of(kHalving));
  const Plan ended = plan_of(R"(
[budget]
max_steps = 5
[sweep]
seeds = 2
[sweep.grid]
model.activation = ["tanh", "relu"]
optimizer.lr = [0.1, 0.2, 0.3, 0.4, 0.5]
)");
  EXPECT_EQ(rung, ids(ended));
  EXPECT_EQ(rung, ids(plan_of(kHalving, {"train.checkpoint_every=2"})))
      << "checkpoints change no number";
}

TEST(StagesTest, BeginWithAllTrialsAtTheFirstRung) {
  const Plan plan = plan_of(kHalving);
  ASSERT_THAT(plan.runs, SizeIs(20));
  EXPECT_THAT(stages(plan), ElementsAre("rung 1"));
  std::set<std::size_t> groups;
  for (const RunSpec& run : plan.runs) {
    EXPECT_EQ(run.configuration.last_step(), 5);
    EXPECT_EQ(run.configuration.steps, 30) << "by which schedules go";
    groups.insert(run.group);
  }
  EXPECT_THAT(groups, SizeIs(2)) << "one for each activation";
}

TEST(StagesTest, HalveTheTrialsOfEachCellByThemselves) {
  Plan plan = plan_of(kHalving);
  EXPECT_EQ(add_next_stage(plan, loss), 12U);
  EXPECT_THAT(learning_rates(plan, 20),
              ElementsAre(0.3, 0.3, 0.4, 0.4, 0.5, 0.5, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3));
  EXPECT_EQ(plan.runs.back().configuration.last_step(), 12);
  EXPECT_EQ(add_next_stage(plan, loss), 8U);
  EXPECT_THAT(learning_rates(plan, 32), ElementsAre(0.4, 0.4, 0.5, 0.5, 0.1, 0.1, 0.2, 0.2));
  EXPECT_EQ(add_next_stage(plan, loss), 0U);
  EXPECT_THAT(stages(plan), ElementsAre("rung 1", "rung 2", "rung 3"));
  const std::vector<std::string> all = ids(plan);
  EXPECT_THAT(std::set<std::string>(all.begin(), all.end()), SizeIs(40));
}

TEST(StagesTest, EndWithRunsThatAreThoseOfAPlanWithoutStages) {
  Plan plan = plan_of(kHalving);
  add_stages(plan, loss);
  const std::string body = kHalving;
  const Plan whole = plan_of(body.substr(0, body.find("[study.search.halving]")));
  ASSERT_THAT(whole.runs, SizeIs(20));
  for (std::size_t i = 32; i < 40; ++i) {
    EXPECT_THAT(ids(whole), testing::Contains(plan.runs[i].run_id)) << i;
    EXPECT_EQ(plan.runs[i].cost, whole.runs[0].cost);
  }
  EXPECT_LT(plan.runs[0].cost, whole.runs[0].cost);
}

TEST(StagesTest, CompareMediansOverSeeds) {
  Plan plan = plan_of(kHalving, {"sweep.seeds=3", "model.activation=tanh"});
  ASSERT_THAT(plan.runs, SizeIs(15));
  // One seed of the third trial is best of all, and two of the fourth are good.
  const auto value = [](const RunSpec& run, const Criterion&) -> std::optional<double> {
    const std::size_t trial = run.points[run.points.size() - 2];
    if (trial == 2) return run.seed == 0 ? 0.0 : 9.0;
    if (trial == 3) return run.seed == 0 ? 9.0 : 1.0;
    return 2.0 + static_cast<double>(trial);
  };
  EXPECT_EQ(add_next_stage(plan, value), 9U);
  EXPECT_THAT(learning_rates(plan, 15), ElementsAre(0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4));
}

TEST(StagesTest, TakeRunsThatCameToNothingForTheWorst) {
  Plan plan = plan_of(kHalving);
  const auto value = [](const RunSpec& run, const Criterion& by) {
    return learning_rate(run) > 0.25 ? std::nan("") : loss(run, by).value();
  };
  add_next_stage(plan, value);
  EXPECT_THAT(learning_rates(plan, 20),
              ElementsAre(0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3))
      << "and of these the earliest";
}

TEST(StagesTest, WaitForTheRunsOfTheirGroupAlone) {
  const auto without = [](std::size_t cell) {
    return [cell](const RunSpec& run, const Criterion& by) -> std::optional<double> {
      const bool is_pending = run.points.front() == cell && run.seed == 1 && run.max_steps == 5;
      return is_pending ? std::nullopt : loss(run, by);
    };
  };
  Plan plan = plan_of(kHalving);
  add_stages(plan, without(0));
  EXPECT_THAT(learning_rates(plan, 20),
              ElementsAre(0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.1, 0.1, 0.2, 0.2))
      << "the cell of relu is through";
  Plan anew = plan_of(kHalving);
  add_stages(anew, loss);
  Plan at_once = plan_of(kHalving);
  while (add_next_stage(at_once, loss) > 0) continue;
  EXPECT_EQ(ids(anew), ids(at_once));
  const std::vector<std::string> all = ids(anew);
  EXPECT_THAT(all, testing::IsSupersetOf(ids(plan))) << "nothing was computed in vain";
}

TEST(StagesTest, RerunTheBestTrialWithTheSeedsThatFollow) {
  Plan plan = plan_of(kProtocol);
  ASSERT_THAT(plan.runs, SizeIs(7)) << "three trials, two seeds, and the run of the other study";
  EXPECT_THAT(stages(plan), ElementsAre("select", ""));
  const auto accuracy = [](const RunSpec& run, const Criterion& by) -> std::optional<double> {
    EXPECT_EQ(by.metric, "best_valid_accuracy");
    return run.points.front() == 1 ? 0.9 : 0.5;
  };
  EXPECT_EQ(add_next_stage(plan, accuracy), 3U);
  EXPECT_THAT(learning_rates(plan, 7), ElementsAre(0.2, 0.2, 0.2));
  std::vector<std::int64_t> seeds;
  for (const RunSpec& run : plan.runs) seeds.push_back(run.seed);
  EXPECT_THAT(seeds, ElementsAre(7, 8, 7, 8, 7, 8, 0, 9, 10, 11));
  EXPECT_THAT(stages(plan), ElementsAre("select", "", "rerun"));
  EXPECT_EQ(add_next_stage(plan, accuracy), 0U);
  EXPECT_EQ(run_label(plan, 8), "study=chosen optimizer.lr=0.2 train.seed=10");
}

TEST(StagesTest, RerunTheSurvivorThatIsBestAtTheEnd) {
  Plan plan = plan_of(R"(
[[study]]
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [0.1, 0.2, 0.3, 0.4]
[study.search.halving]
rungs = [5]
factor = 2
metric = "valid_loss"
[study.protocol]
select = { metric = "valid_loss", seeds = 1 }
rerun = { seeds = 2 }
)");
  const auto value = [](const RunSpec& run, const Criterion&) -> std::optional<double> {
    // 0.3 and 0.4 win the rung, and 0.3 the whole run.
    return run.max_steps == 5 ? -learning_rate(run) : learning_rate(run);
  };
  add_stages(plan, value);
  EXPECT_THAT(stages(plan), ElementsAre("rung 1", "rung 2", "rerun"));
  EXPECT_THAT(learning_rates(plan, 4), ElementsAre(0.3, 0.4, 0.3, 0.3));
}

TEST(ForeseenTest, HasAllRunsBeforeAnyIsDecided) {
  for (const char* body : {kHalving, kProtocol}) {
    const Plan plan = plan_of(body);
    const Plan whole = foreseen(plan);
    Plan grown = plan_of(body);
    add_stages(grown, [](const RunSpec& run, const Criterion&) { return run.cost; });
    ASSERT_EQ(whole.runs.size(), grown.runs.size());
    EXPECT_EQ(whole.runs.size(), number_of_runs(plan.definition));
    EXPECT_EQ(whole.runs.size(), runs_foreseen(plan));
    for (std::size_t i = 0; i < whole.runs.size(); ++i) {
      EXPECT_EQ(whole.runs[i].run_id.empty(), i >= plan.runs.size());
      EXPECT_EQ(whole.runs[i].seed, grown.runs[i].seed);
      EXPECT_EQ(whole.runs[i].max_steps, grown.runs[i].max_steps);
    }
    EXPECT_EQ(runs_foreseen(grown), grown.runs.size()) << "nothing is left to come";
  }
}

TEST(ForeseenTest, IsCountedInGroupsOfRunsToo) {
  // Of each of two cells five trials, then three, then two, with two seeds.
  std::vector<std::size_t> counts;
  for (const RunGroup& group : run_groups(plan_of(kHalving))) counts.push_back(group.foreseen);
  EXPECT_THAT(counts, ElementsAre(20, 20));
}

TEST(ForeseenTest, TakesTheDearestTrials) {
  const Plan plan = plan_of(R"(
[[study]]
[study.search]
method = "grid"
[study.search.space]
model.width = [4, 40, 8]
[study.protocol]
select = { metric = "valid_loss" }
rerun = { seeds = 2 }
)");
  const Plan whole = foreseen(plan);
  ASSERT_THAT(whole.runs, SizeIs(5));
  EXPECT_EQ(whole.runs[4].cost, plan.runs[1].cost);
  EXPECT_GT(plan.runs[1].cost, plan.runs[2].cost);
}

TEST(StagesTest, OfTwoStudiesDoNotComeToOneRun) {
  std::string body = kProtocol;
  body += "train.seed = 10\n";
  EXPECT_EQ(problem_of(body), "") << "of another rate";
  EXPECT_EQ(
      problem_of(body.replace(body.find("0.9"), 3, "0.2")),
      "stage 'rerun' of the study 'chosen' with 'optimizer.lr' = 0.2, 'train.seed' = 10 may come "
      "to the same run as the study 'plain' with 'train.seed' = 10\n");
  Plan plan = plan_of(kProtocol);
  const auto value = [](const RunSpec&, const Criterion&) -> std::optional<double> { return 1; };
  Plan grown = plan;
  add_stages(grown, value);
  plan.runs.back().run_id = grown.runs.back().run_id;
  try {
    add_stages(plan, value);
    FAIL() << "another study has the run of a rerun";
  } catch (const DefinitionError& error) {
    EXPECT_THAT(
        error.problems().front().message,
        HasSubstr("stage 'rerun' of the study 'chosen' comes to a run that another one has"));
  }
}

TEST(StagesTest, AreRefusedWhereTrialsCannotBeCompared) {
  const auto changed = [](const char* from, const std::string& to) {
    std::string body = kHalving;
    return problem_of(body.replace(body.find(from), std::string(from).size(), to));
  };
  EXPECT_EQ(changed("[5, 12]", "[5, 30]"),
            "'study.search.halving.rungs' holds 30; a run of 30 steps is over by then\n");
  EXPECT_THAT(changed("[5, 12]", "[5, 29]"), IsEmpty());
  EXPECT_EQ(
      changed("valid_loss", "steps_to_target"),
      "'study.search.halving.metric' is 'steps_to_target', and there is no 'budget.target'\n");
}

TEST(StagesTest, OfAProtocolHaveSeedsOfTheirOwn) {
  const std::string body = kProtocol;
  const std::string alone = body.substr(0, body.rfind("[[study]]"));
  EXPECT_EQ(problem_of("[sweep]\nseeds = 2\n" + alone),
            "'sweep.seeds' is given beside 'study.protocol', which has seeds of its own\n");
  EXPECT_THAT(problem_of("[sweep.grid]\ntrain.seed = [1, 2]\n" + body),
              HasSubstr("an axis of 'train.seed' is given beside 'study.protocol'"));
  EXPECT_EQ(problem_of("[sweep.grid]\ntrain.order_seed = [1, 2]\n" + body), "");
  EXPECT_EQ(problem_of("[[study]]\n[study.protocol]\nselect = { metric = \"valid_loss\" }\n"
                       "rerun = { seeds = 2 }\n"),
            "'study.protocol' chooses among the trials of 'study.search', and there is none\n");
}

TEST(StagesTest, OfAProtocolLeaveTheSeedsOfTheSweepToOtherStudies) {
  const Plan plan = plan_of("[sweep]\nseeds = 4\n" + std::string(kProtocol));
  std::vector<std::int64_t> chosen;
  std::vector<std::int64_t> plain;
  for (const RunSpec& run : plan.runs) (run.study == 0 ? chosen : plain).push_back(run.seed);
  EXPECT_THAT(chosen, ElementsAre(7, 8, 7, 8, 7, 8));
  EXPECT_THAT(plain, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(runs_foreseen(plan), 6U + 3U + 4U);
}

}  // namespace
}  // namespace plumbline
