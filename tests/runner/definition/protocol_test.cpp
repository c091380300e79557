// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHalving = "study.search.halving";
constexpr const char* kProtocol = "study.protocol";

Place at(int line, int column) { return {"d.toml", line, column}; }

template <class Read>
std::string mistakes(const Read& read, const SettingNode& value, const char* path) {
  std::vector<Problem> problems;
  const bool is_read = read(value, path, problems).has_value();
  EXPECT_EQ(is_read, problems.empty());
  std::string text;
  for (const Problem& problem : problems) {
    text += to_string(problem.place) + ": " + problem.message + '\n';
  }
  return text;
}

std::string mistakes_of_halving(const std::vector<Setting>& settings) {
  return mistakes(read_halving, {settings_table(settings), at(9, 1)}, kHalving);
}
std::string mistakes_of_protocol(const std::vector<Setting>& settings) {
  return mistakes(read_protocol, {settings_table(settings), at(9, 1)}, kProtocol);
}

Halving halving(const std::vector<Setting>& settings) {
  std::vector<Problem> problems;
  return read_halving({settings_table(settings), at(9, 1)}, kHalving, problems).value();
}
Protocol protocol(const std::vector<Setting>& settings) {
  std::vector<Problem> problems;
  return read_protocol({settings_table(settings), at(9, 1)}, kProtocol, problems).value();
}

const Setting kRungs = {"rungs", {SettingList{node(100), node(300)}, at(9, 9)}};
const Setting kMetric = {"metric", node("valid_loss", at(10, 3))};
const Setting kSelect = {"select.metric", node("steps_to_target", at(10, 3))};
const Setting kRerun = {"rerun.seeds", node(10)};

TEST(ReadHalvingTest, HasRungsAFactorAndWhatDecides) {
  const Halving read = halving({kRungs, {"factor", node(4)}, kMetric, {"goal", node("max")}});
  EXPECT_THAT(read.rungs, ElementsAre(100, 300));
  EXPECT_EQ(read.factor, 4);
  EXPECT_EQ(read.by.metric, "final_valid_loss");
  EXPECT_EQ(read.by.goal, Goal::max);
  EXPECT_EQ(read.place.column, 9);
  EXPECT_EQ(read.by.key, "study.search.halving.metric");
  EXPECT_EQ(read.by.place.line, 10);
}

TEST(ReadHalvingTest, WantsFewOfLossesAndStepsAndMuchOfAccuracyUnlessToldOtherwise) {
  EXPECT_EQ(halving({kRungs, kMetric}).factor, 3);
  EXPECT_EQ(halving({kRungs, kMetric}).by.goal, Goal::min);
  EXPECT_EQ(halving({kRungs, {"metric", node("steps_to_target")}}).by.goal, Goal::min);
  EXPECT_EQ(halving({kRungs, {"metric", node("best_valid_accuracy")}}).by.goal, Goal::max);
  EXPECT_EQ(halving({kRungs, {"metric", node("train_accuracy")}}).by.goal, Goal::max);
}

TEST(ReadHalvingTest, TellsEveryMistakeWithItsPlace) {
  EXPECT_EQ(mistakes(read_halving, node(3, at(4, 5)), kHalving),
            "d.toml:4:5: 'study.search.halving' is an integer; expected a table\n");
  EXPECT_THAT(
      mistakes_of_halving({}),
      AllOf(HasSubstr("d.toml:9:1: 'study.search.halving.rungs' is missing; expected the update "
                      "steps"),
            HasSubstr("d.toml:9:1: 'study.search.halving.metric' is missing")));
  EXPECT_THAT(mistakes_of_halving({{"rungs", node(100, at(4, 5))}, kMetric}),
              HasSubstr("d.toml:4:5: 'study.search.halving.rungs' is an integer; expected a list"));
  EXPECT_THAT(mistakes_of_halving({{"rungs", node(std::vector{300, 100})}, kMetric}),
              HasSubstr("'study.search.halving.rungs' is not in rising order at 100"));
  EXPECT_THAT(mistakes_of_halving({{"rungs", node(std::vector{0, 100})}, kMetric}),
              HasSubstr("'study.search.halving.rungs' holds 0; allowed"));
  EXPECT_THAT(mistakes_of_halving({kRungs, kMetric, {"factor", node(1, at(4, 5))}}),
              HasSubstr("d.toml:4:5: 'study.search.halving.factor' is 1; allowed"));
  EXPECT_THAT(
      mistakes_of_halving({kRungs, kMetric, {"goal", node("mni", at(4, 5))}}),
      HasSubstr("d.toml:4:5: 'study.search.halving.goal' is 'mni', which is unknown; did you mean "
                "'min'?"));
  EXPECT_THAT(mistakes_of_halving({kRungs, kMetric, {"rung", node(1, at(4, 5))}}),
              HasSubstr("d.toml:4:5: 'study.search.halving.rung' is not a setting; did you mean "
                        "'rungs'?"));
}

TEST(ReadHalvingTest, ChoosesByNoTestExamplesAndNoUnknownMetric) {
  EXPECT_THAT(
      mistakes_of_halving({kRungs, {"metric", node("final_test_accuracy", at(4, 5))}}),
      HasSubstr("d.toml:4:5: 'study.search.halving.metric' is 'final_test_accuracy', which is "
                "unknown"));
  EXPECT_THAT(mistakes_of_halving({kRungs, {"metric", node("step_to_target", at(4, 5))}}),
              HasSubstr("did you mean 'steps_to_target'?"));
}

TEST(ReadProtocolTest, HasSeedsToChooseByAndSeedsToReport) {
  const Protocol read = protocol({kSelect, {"select.seeds", node(3)}, kRerun});
  EXPECT_EQ(read.by.metric, "steps_to_target");
  EXPECT_EQ(read.by.goal, Goal::min);
  EXPECT_EQ(read.select_seeds, 3);
  EXPECT_EQ(read.rerun_seeds, 10);
  EXPECT_EQ(protocol({kSelect, kRerun}).select_seeds, 1);
}

TEST(ReadProtocolTest, TellsEveryMistakeWithItsPlace) {
  EXPECT_EQ(mistakes(read_protocol, node("x", at(4, 5)), kProtocol),
            "d.toml:4:5: 'study.protocol' is a text; expected a table\n");
  EXPECT_THAT(mistakes_of_protocol({}),
              AllOf(HasSubstr("d.toml:9:1: 'study.protocol.select' is missing; expected a table"),
                    HasSubstr("d.toml:9:1: 'study.protocol.rerun' is missing; expected a table")));
  EXPECT_THAT(
      mistakes_of_protocol({{"select", node(1, at(4, 5))}, {"rerun", node(3, at(5, 6))}}),
      AllOf(HasSubstr("d.toml:4:5: 'study.protocol.select' is an integer; expected a table"),
            HasSubstr("d.toml:5:6: 'study.protocol.rerun' is an integer; expected a table")));
  EXPECT_THAT(mistakes_of_protocol({{"select.seeds", node(0, at(4, 5))}, kRerun}),
              AllOf(HasSubstr("'study.protocol.select.metric' is missing"),
                    HasSubstr("d.toml:4:5: 'study.protocol.select.seeds' is 0; allowed")));
  EXPECT_THAT(
      mistakes_of_protocol({kSelect, {"rerun.seed", node(3, at(4, 5))}}),
      AllOf(HasSubstr("'study.protocol.rerun.seeds' is missing"),
            HasSubstr("d.toml:4:5: 'study.protocol.rerun.seed' is not a setting; did you mean "
                      "'seeds'?")));
  EXPECT_THAT(mistakes_of_protocol({kSelect, kRerun, {"repeat", node(3, at(4, 5))}}),
              HasSubstr("d.toml:4:5: 'study.protocol.repeat' is not a setting"));
}

TEST(ProtocolSettingsTest, AreDeclared) {
  const auto names = [](const std::vector<SettingInfo>& settings) {
    std::vector<std::string> declared;
    for (const SettingInfo& setting : settings) declared.push_back(setting.name);
    return declared;
  };
  EXPECT_THAT(names(halving_settings()), ElementsAre("rungs", "factor", "metric", "goal"));
  EXPECT_THAT(names(select_settings()), ElementsAre("metric", "goal", "seeds"));
  EXPECT_THAT(names(rerun_settings()), ElementsAre("seeds"));
}

}  // namespace
}  // namespace plumbline
