// SPDX-License-Identifier: Apache-2.0
#include "engine/training/run_configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> mistakes(const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  configure(table, report);
  std::vector<std::string> lines;
  for (const Problem& problem : report.problems) {
    lines.push_back(to_string(problem.place) + ": " + problem.message);
  }
  return lines;
}

Place at(int line, int column) { return {"run.toml", line, column}; }

std::string id_of(const std::vector<Setting>& settings) { return run_id(configured(settings)); }

TEST(ConfigureTest, FindsNothingWrongWithAnEmptyTable) { EXPECT_THAT(mistakes({}), IsEmpty()); }

TEST(ConfigureTest, RefusesToRecordAtMoreThanAMillionStepsOfARun) {
  EXPECT_THAT(mistakes({{"train.steps", node(3000000)}, {"probes.error_signal.every", node(4)}}),
              IsEmpty());
  EXPECT_THAT(mistakes({{"train.steps", node(3000000)}, {"probes.error_signal.every", node(2)}}),
              ElementsAre(HasSubstr("may record at more than 1000000 steps of a run")));
  EXPECT_THAT(mistakes({{"train.epochs", node(500000000)}}),
              ElementsAre(HasSubstr("steps; allowed are at most 2147483647")));
}

TEST(ConfigureTest, AsksTheRecurrentInitializerWhetherItFits) {
  const std::vector<Setting> lstm = {{"model.kind", node("lstm")},
                                     {"data.name", node("adding_problem")},
                                     {"loss.name", node("mean_squared_error")}};
  EXPECT_THAT(mistakes(with(lstm, {{"model.recurrent_initializer", node("identity", at(4, 3))}})),
              IsEmpty());
  EXPECT_THAT(mistakes(with(lstm, {{"model.recurrent_initializer", node("fixup", at(4, 3))}})),
              ElementsAre("run.toml:4:3: 'model.recurrent_initializer' is 'fixup', which is for "
                          "nets of residual blocks"));
}

TEST(RunIdTest, IsThatOfTheStepsAndLayersHoweverTheyAreGiven) {
  const std::vector<Setting> data = {{"data.train", node(200)}, {"train.batch", node(32)}};
  const auto also = [&](const Setting& setting) {
    std::vector<Setting> all = data;
    all.push_back(setting);
    return id_of(all);
  };
  EXPECT_EQ(also({"train.epochs", node(4)}), also({"train.steps", node(24)}));
  EXPECT_NE(also({"train.epochs", node(4)}), also({"train.epochs", node(5)}));
  EXPECT_EQ(id_of({{"model.widths", node(std::vector{9, 9})}}),
            id_of({{"model.depth", node(2)}, {"model.width", node(9)}}));
  EXPECT_NE(id_of({{"model.widths", node(std::vector{9, 8})}}),
            id_of({{"model.widths", node(std::vector{8, 9})}}));
}

TEST(ConfigureTest, TheEnginesOwnProductsAreNoPartOfARunsIdentityOthersAre) {
  EXPECT_EQ(id_of({{"engine.gemm", node("native")}}), id_of({}));
  EXPECT_NE(id_of({{"engine.gemm", node("blas")}}), id_of({}));
  EXPECT_THAT(mistakes({{"engine.gemm", node("mkl", at(3, 8))}}),
              ElementsAre(AllOf(HasSubstr("run.toml:3:8: 'engine.gemm'"), HasSubstr("blas"))));
}

TEST(ConfigureTest, ReportsEveryMistakeAtOnceEachWithItsPlace) {
  EXPECT_THAT(
      mistakes({
          {"data.name", node("digits")},
          {"data.train", node(-3, at(1, 9))},
          {"model.depth", node("ten", at(2, 9))},
          {"model.activation", node("tahn", at(3, 14))},
          {"model.widht", node(10, at(4, 9))},
          {"loss.name", node("cross_entrpy", at(5, 8))},
          {"optimizer.name", node("adam")},
          {"optimizer.lr", node(-0.1, at(6, 6))},
          {"optimizer.momentum", node(0.9, at(7, 12))},
          {"schedule.name", node("cosine")},
          {"schedule.final", node(2.0, at(8, 9))},
          {"train.batch", node(0, at(9, 9))},
          {"train.evaluate.evry", node(10, at(10, 8))},
          {"probes.error_signl.every", node(10, at(11, 9))},
          {"trian.steps", node(10, at(12, 9))},
      }),
      testing::UnorderedElementsAre(
          AllOf(HasSubstr("run.toml:1:9: 'data.train' is -3"), HasSubstr("[1, ")),
          HasSubstr("run.toml:2:9: 'model.depth' is a text"),
          AllOf(HasSubstr("run.toml:3:14: 'tahn'"), HasSubstr("did you mean 'tanh'?")),
          AllOf(HasSubstr("run.toml:4:9: 'model.widht'"), HasSubstr("did you mean 'width'?")),
          AllOf(HasSubstr("run.toml:5:8: 'cross_entrpy'"),
                HasSubstr("did you mean 'cross_entropy'?")),
          AllOf(HasSubstr("run.toml:6:6: 'optimizer.lr' is -0.1"), HasSubstr("> 0")),
          HasSubstr("run.toml:7:12: 'optimizer.momentum' is not a setting"),
          AllOf(HasSubstr("run.toml:8:9: 'schedule.final' is 2"), HasSubstr("[0, 1]")),
          HasSubstr("run.toml:9:9: 'train.batch' is 0"),
          AllOf(HasSubstr("run.toml:10:8: 'train.evaluate.evry'"),
                HasSubstr("did you mean 'every'?")),
          AllOf(HasSubstr("run.toml:11:9: 'probes.error_signl'"),
                HasSubstr("did you mean 'error_signal'?")),
          AllOf(HasSubstr("run.toml:12:9: 'trian'"), HasSubstr("did you mean 'train'?"))));
}

TEST(ConfigureTest, ReportsTheMistakesOfAnInitializerBesideAnUnknownActivation) {
  for (const char* initializer : {"normal", "edge_of_chaos", "looks_linear", "from_file"}) {
    EXPECT_THAT(mistakes({{"model.activation", node("rleu", at(1, 14))},
                          {"model.initializer.name", node(initializer)},
                          {"model.initializer.sdt", node(3, at(2, 40))}}),
                ElementsAre(HasSubstr("run.toml:1:14: 'rleu'"),
                            HasSubstr("run.toml:2:40: 'model.initializer.sdt' is not a setting")))
        << initializer;
  }
  EXPECT_THAT(mistakes({{"model.activation", node("rleu", at(1, 14))},
                        {"model.initializer.name", node("normal")},
                        {"model.initializer.std", node(-3, at(2, 40))}}),
              ElementsAre(HasSubstr("run.toml:1:14: 'rleu'"),
                          HasSubstr("run.toml:2:40: 'model.initializer.std' is -3")));
}

TEST(ConfigureTest, RefusesALossThatNeedsLabelsForDataWithValues) {
  EXPECT_THAT(mistakes({{"data.name", node("teacher_student")},
                        {"loss.name", node("cross_entropy", at(4, 2))}}),
              ElementsAre(AllOf(HasSubstr("run.toml:4:2: "), HasSubstr("needs class labels"))));
  EXPECT_THAT(
      mistakes({{"data.name", node("teacher_student")}, {"loss.name", node("mean_squared_error")}}),
      IsEmpty());
}

TEST(ConfigureTest, RefusesClassWeightsThatAreNotOneForEachClass) {
  const auto weights = [](std::size_t count) {
    return SettingNode{SettingList(count, node(2.0)), {}};
  };
  EXPECT_THAT(
      mistakes(
          {{"loss.name", node("cross_entropy", at(4, 2))}, {"loss.class_weights", weights(3)}}),
      ElementsAre(AllOf(HasSubstr("run.toml:4:2: loss 'cross_entropy' has 3 'class_weights'"),
                        HasSubstr("have 10 classes"))));
  EXPECT_THAT(mistakes({{"loss.class_weights", weights(10)}}), IsEmpty());
  EXPECT_THAT(mistakes({{"data.name", node("teacher_student")},
                        {"loss.name", node("huber", at(4, 2))},
                        {"loss.class_weights", weights(10)}}),
              ElementsAre(AllOf(HasSubstr("run.toml:4:2: loss 'huber' has 'class_weights'"),
                                HasSubstr("not classes"))));
}

TEST(ConfigureTest, NamesTheRuleThatDrawsTargetsWhereverItStands) {
  const Setting huber = {"loss.name", node("huber")};
  const char* tail = ", which draws targets from the model, and loss 'huber' means no distribution";
  EXPECT_THAT(mistakes({huber, {"optimizer.name", node("kfac", at(2, 1))}}),
              ElementsAre(HasSubstr("run.toml:2:1: 'optimizer' is 'kfac'" + std::string(tail))));
  EXPECT_THAT(mistakes({huber,
                        {"optimizer.name", node("clip_norm", at(2, 1))},
                        {"optimizer.inner.name", node("ema", at(3, 2))},
                        {"optimizer.inner.inner.name", node("kfac", at(4, 3))}}),
              ElementsAre(HasSubstr("run.toml:4:3: 'optimizer.inner.inner' is 'kfac'" +
                                    std::string(tail))));
  EXPECT_THAT(mistakes({huber,
                        {"optimizer.name", node("adam", at(2, 1))},
                        {"optimizer.groups.bias.name", node("sophia", at(3, 2))}}),
              ElementsAre(HasSubstr("run.toml:3:2: 'optimizer.groups.bias' is 'sophia'" +
                                    std::string(tail))));
}

TEST(ConfigureTest, RefusesDataWithATargetAtEachStepForANetWithOneOutputAnExample) {
  EXPECT_THAT(
      mistakes({{"data.name", node("copy_memory", at(2, 8))}, {"data.delay", node(10)}}),
      ElementsAre("run.toml:2:8: 'data' is 'copy_memory', which has a target at each of 30 steps; "
                  "the model makes one output an example"));
  EXPECT_THAT(
      mistakes({{"data.name", node("adding_problem")}, {"loss.name", node("mean_squared_error")}}),
      IsEmpty())
      << "an mlp sees the whole sequence as one row";
}

TEST(ConfigureTest, ReadsTheOptionsOfAnySourceBesideItsOwnSettings) {
  const RunConfiguration run =
      configured(with(small_run(), {{"data.autoencode", node(true)},
                                    {"data.input_noise", node(0.1)},
                                    {"loss.name", node("mean_squared_error")}}));
  EXPECT_EQ(run.data->outputs(), 64U);
  EXPECT_THAT(mistakes({{"data.standardise", node(true, at(2, 1))}}),
              ElementsAre("run.toml:2:1: 'data.standardise' is not a setting; did you mean "
                          "'standardize'?"));
  EXPECT_THAT(mistakes(with(small_run(), {{"data.label_fraction", node(0.1)},
                                          {"train.batch", node(21, at(3, 2))}})),
              ElementsAre("run.toml:3:2: 'train.batch' is 21, more than the 20 training examples"));
}

TEST(RunIdTest, IsWhatItWasBeforeThereWereOptionsAndTestExamples) {
  const std::string id = id_of(small_run());
  const std::vector<Setting> defaults = {{"data.label_fraction", node(1)},
                                         {"data.label_noise", node(0)},
                                         {"data.input_noise", node(0)},
                                         {"data.standardize", node(false)},
                                         {"data.autoencode", node(false)},
                                         {"data.symbols", node(0)},
                                         {"data.test", node(0)}};
  const RunConfiguration run = configured(small_run());
  for (const auto& [key, value] : defaults) {
    EXPECT_EQ(id_of(with(small_run(), {{key, value}})), id) << key;
    const auto found = std::ranges::find(run.resolved, key, &ResolvedSetting::key);
    ASSERT_NE(found, run.resolved.end()) << key;
    EXPECT_TRUE(found->restates) << key << " is part of the id";
  }
}

TEST(ConfigureTest, RefusesABatchLargerThanTheTrainingExamples) {
  EXPECT_THAT(mistakes({{"data.train", node(100)}, {"train.batch", node(101, at(2, 3))}}),
              ElementsAre(HasSubstr("run.toml:2:3: 'train.batch' is 101, more than the 100")));
  EXPECT_THAT(mistakes({{"data.train", node(100)}, {"train.batch", node(100)}}), IsEmpty());
}

TEST(ConfigureTest, RefusesStepsBesideEpochs) {
  EXPECT_THAT(mistakes({{"train.steps", node(5)}, {"train.epochs", node(5, at(2, 3))}}),
              ElementsAre(HasSubstr("run.toml:2:3: 'train.epochs' is given beside")));
}

TEST(ConfigureTest, CountsTheWholeBatchesOfItsEpochs) {
  const RunConfiguration run = configured(
      {{"data.train", node(1500)}, {"train.batch", node(128)}, {"train.epochs", node(3)}});
  EXPECT_EQ(run.steps, 3 * 11) << "1500 / 128 = 11.7";
}

TEST(ConfigureTest, RefusesTwoSamplingRules) {
  EXPECT_THAT(mistakes({{"train.evaluate.every", node(5)},
                        {"train.evaluate.log_spaced", node(7, at(3, 1))}}),
              ElementsAre(AllOf(HasSubstr("run.toml:3:1: "), HasSubstr("second rule"))));
}

TEST(RecordedStepsTest, AreThoseOfEvaluationAndProbesTogether) {
  const RunConfiguration run =
      configured({{"train.steps", node(20)},
                  {"train.evaluate.every", node(10)},
                  {"probes.error_signal.every", node(7)},
                  {"probes.gradient_norm.steps", node(std::vector{1, 14, 500})}});
  EXPECT_THAT(run.recorded_steps(), ElementsAre(0, 1, 7, 10, 14, 20));
}

TEST(RecordedStepsTest, AreTheFirstAndTheLastWithoutAnyRule) {
  EXPECT_THAT(configured({{"train.steps", node(20)}}).recorded_steps(), ElementsAre(0, 20));
  EXPECT_THAT(configured({{"train.steps", node(0)}}).recorded_steps(), ElementsAre(0));
}

TEST(RunIdTest, DoesNotDependOnTheOrderOfKeys) {
  std::vector<Setting> settings = with(small_run(), {{"probes.error_signal.every", node(3)},
                                                     {"probes.gradient_norm.every", node(2)},
                                                     {"model.activation", node("relu")}});
  const std::string id = id_of(settings);
  EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{16}"));
  std::ranges::reverse(settings);
  EXPECT_EQ(id_of(settings), id);
}

TEST(RunIdTest, DoesNotDependOnPlaces) {
  EXPECT_EQ(id_of({{"train.steps", node(7, at(3, 4))}}), id_of({{"train.steps", node(7)}}));
}

TEST(RunIdTest, DoesNotChangeWhereADefaultIsWrittenOut) {
  const RunConfiguration run = configured(small_run());
  const std::string id = run_id(run);
  for (const ResolvedSetting& setting : run.resolved) {
    // `depth` and `epochs` are other ways to say `widths` and `steps`.
    if (setting.key == "train.epochs") continue;
    EXPECT_EQ(id_of(with(small_run(), {{setting.key, setting.value}})), id) << setting.key;
  }
}

TEST(RunIdTest, DoesNotDependOnHowANumberOrAPluginIsWritten) {
  EXPECT_EQ(id_of({{"optimizer.name", node("sgd")}, {"optimizer.lr", node(1)}}),
            id_of({{"optimizer.name", node("sgd")}, {"optimizer.lr", node(1.0)}}));
  EXPECT_EQ(id_of({{"model.activation", node("relu")}}),
            id_of({{"model.activation.name", node("relu")}}));
}

TEST(RunIdTest, ChangesWithEverySettingAndTheSeed) {
  const std::vector<Setting> changes = {
      {"data.train", node(199)},
      {"data.valid", node(49)},
      {"data.split_seed", node(1)},
      {"data.test", node(1)},
      {"data.label_fraction", node(0.5)},
      {"data.label_noise", node(0.5)},
      {"data.input_noise", node(0.5)},
      {"data.standardize", node(true)},
      {"model.depth", node(3)},
      {"model.width", node(14)},
      {"model.activation", node("relu")},
      {"model.output_activation", node("tanh")},
      {"model.initializer", node("he_normal")},
      {"model.precision", node("float64")},
      {"loss.name", node("mean_squared_error")},
      {"optimizer.name", node("sgd")},
      {"optimizer.lr", node(0.002)},
      {"optimizer.beta1", node(0.8)},
      {"optimizer.beta2", node(0.99)},
      {"optimizer.epsilon", node(1e-7)},
      {"schedule.name", node("cosine")},
      {"train.batch", node(31)},
      {"train.steps", node(31)},
      {"train.seed", node(1)},
      {"train.evaluate.every", node(5)},
      {"probes.error_signal.every", node(5)},
      {"probes.gradient_norm.every", node(5)},
      {"probes.gradient_norm.log_spaced", node(5)},
  };
  std::set<std::string> ids = {id_of(small_run())};
  for (const Setting& change : changes) {
    EXPECT_TRUE(ids.insert(id_of(with(small_run(), {change}))).second) << change.first;
  }
}

TEST(DataKeyTest, IsSharedByRunsOnTheSameDataAlone) {
  const std::string key = configured(small_run()).data_key;
  EXPECT_EQ(
      configured(with(small_run(), {{"model.depth", node(5)}, {"train.seed", node(3)}})).data_key,
      key);
  EXPECT_NE(configured(with(small_run(), {{"data.split_seed", node(1)}})).data_key, key);
  EXPECT_NE(configured(with(small_run(), {{"data.train", node(199)}})).data_key, key);
}

TEST(CostTest, GrowsWithDepthWidthBatchAndSteps) {
  const double cost = configured(small_run()).cost();
  EXPECT_GT(cost, 0);
  for (const Setting& more : {Setting{"model.depth", node(4)}, Setting{"model.width", node(26)},
                              Setting{"train.batch", node(64)}, Setting{"train.steps", node(60)},
                              Setting{"train.evaluate.every", node(1)}}) {
    EXPECT_GT(configured(with(small_run(), {more})).cost(), 1.2 * cost) << more.first;
  }
}

// An rnn of 5 units over 8 steps of 2 values, then an output: 10 + 25 + 5 and 6 parameters. Each
// multiply-add is due three times, but slopes do not go to the data, and 7 times to the state.
TEST(CostTest, HoldsTheSlopesInTheStateOfARecurrentFirstLayer) {
  const auto cost = [](int steps) {
    return configured({{"data.name", node("adding_problem")},
                       {"data.steps", node(8)},
                       {"model.kind", node("rnn")},
                       {"model.depth", node(1)},
                       {"model.width", node(5)},
                       {"loss.name", node("mean_squared_error")},
                       {"train.batch", node(10)},
                       {"train.steps", node(steps)},
                       {"train.evaluate.every", node(1000)}})
        .cost();
  };
  constexpr double kLayer = 8 * 5 * (2 + 5 + 1);
  constexpr double kToState = 7 * 5 * 5;
  constexpr double kUpdate = 12 * (10 + 25 + 5 + 6);
  EXPECT_DOUBLE_EQ(cost(3) - cost(2), 10 * (6 * 6 + 4 * kLayer + 2 * kToState) + kUpdate);
}

// Averaged weights have statistics of their own, which a pass over the training examples finds: at each
// evaluation, and for testing.
TEST(CostTest, HoldsThePassesThatFindStatisticsOfAverages) {
  const auto cost = [](const char* normalization, const char* optimizer) {
    return configured(with(small_run(), {{"model.normalization", node(normalization)},
                                         {"train.evaluate.every", node(10)},
                                         {"optimizer.name", node(optimizer)}}))
        .cost();
  };
  EXPECT_EQ(cost("none", "ema"), cost("none", "clip_norm")) << "both around adam";
  EXPECT_EQ(cost("batch_norm", "adam"), cost("batch_norm", "clip_norm"));
  const RunConfiguration run =
      configured(with(small_run(), {{"model.normalization", node("batch_norm")},
                                    {"train.evaluate.every", node(10)}}));
  const double products = run.model.layers(run.data->outputs()).products(run.input());
  const double passes = static_cast<double>(run.evaluation.steps(run.steps).size()) + 1;
  EXPECT_GT(passes, 2);
  EXPECT_DOUBLE_EQ(cost("batch_norm", "ema") - cost("batch_norm", "clip_norm"),
                   2 * products * static_cast<double>(run.data->sizes().train) * passes);
}

// What does not grow with the batch: parameters, gradient, the layer that is drawn in double, and of each
// convolution the kernels as two products read them and the sums of their gradient.
TEST(MemoryTest, HoldsThePackedKernelsOfConvolutions) {
  const auto run = [](int batch) {
    return configured({{"model.kind", node("cnn")},
                       {"model.widths", node(std::vector{20, 30})},
                       {"train.batch", node(batch)}});
  };
  const double fixed = 2 * run(100).memory() - run(200).memory();
  constexpr double kKernels = 9 * 20 + 9 * 20 * 30;
  constexpr double kParameters = kKernels + 20 + 30 + 10 * 30 + 10;
  // Packed for two products, in panels that are filled up, and the sums of their gradients.
  EXPECT_DOUBLE_EQ(fixed, 4 * (2 * kParameters + 4 * kKernels) + 8 * 9 * 20 * 30);
}

TEST(MemoryTest, HoldsParametersGradientAndOptimizerStateAtTheRunsPrecision) {
  // 64-13-13-10: 64 * 13 + 13 + 13 * 13 + 13 + 13 * 10 + 10 parameters.
  constexpr double kParameters = 1167;
  const auto memory = [](const std::vector<Setting>& more) {
    return configured(with(small_run(), more)).memory();
  };
  const std::vector<Setting> wide = {{"model.precision", node("float64")}};
  EXPECT_GE(memory({}), 4 * 4 * kParameters) << "w, g, m, v";
  constexpr double kDrawn = 8 * 64 * 13;  // the largest layer, in double whatever the precision
  EXPECT_DOUBLE_EQ(memory(wide) - kDrawn, 2 * (memory({}) - kDrawn));
  EXPECT_DOUBLE_EQ(memory({}) - memory({{"optimizer.name", node("sgd")}}), 2 * 4 * kParameters);
}

TEST(MemoryTest, IsToldOfAStateThatNoMachineHolds) {
  // A million units: kfac's two factors and their inverses in double.
  const std::vector<Setting> huge = {{"model.width", node(1000000)},
                                     {"optimizer.name", node("kfac")}};
  constexpr double kFactors = 4 * 8e12;
  EXPECT_GT(configured(with(small_run(), huge)).memory(), kFactors);
}

}  // namespace
}  // namespace plumbline
