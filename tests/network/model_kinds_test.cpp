// SPDX-License-Identifier: Apache-2.0
// Model kinds as a definition says them: which layers they make, that whole nets have the gradient of
// their loss, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/training/gradient_check.hpp"
#include "engine/training/run_configuration.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems_of(const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  configure(table, report);
  std::vector<std::string> texts;
  for (const Problem& problem : report.problems) texts.push_back(problem.message);
  return texts;
}

RunConfiguration run_of(const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  RunConfiguration run = configure(table, report);
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return run;
}

struct KindCase {
  std::string name;
  std::vector<Setting> model;
  std::size_t weight_layers = 0;
  std::vector<Setting> data = {};
};

class ModelKind : public testing::TestWithParam<KindCase> {
 protected:
  static RunConfiguration run() {
    std::vector<Setting> settings = GetParam().data;
    if (settings.empty()) settings = {{"data.train", node(40)}, {"data.valid", node(0)}};
    for (const auto& [key, value] : GetParam().model) settings.emplace_back("model." + key, value);
    settings.emplace_back("model.precision", node("float64"));
    settings.emplace_back("train.batch", node(5));
    settings.emplace_back("train.steps", node(2));
    return run_of(settings);
  }
};

TEST_P(ModelKind, HasAWeightLayerForEachOfItsDepthAndTheOutput) {
  const RunConfiguration configured = run();
  EXPECT_EQ(weight_layers(configured.model, configured.input(), configured.data->outputs()),
            GetParam().weight_layers);
}

TEST_P(ModelKind, HasTheGradientOfItsLoss) {
  const RunConfiguration configured = run();
  const Dataset data = configured.data->load({});
  const GradientCheck check = check_gradient(configured, data, {.most = 12});
  EXPECT_TRUE(check.holds());
  for (const TensorCheck& tensor : check.tensors) {
    EXPECT_NE(tensor.verdict, GradientVerdict::not_smooth) << tensor.tensor.name;
  }
}

std::vector<KindCase> kinds() {
  const std::vector<Setting> sums = {{"data.name", node("adding_problem")},
                                     {"data.steps", node(8)},
                                     {"data.train", node(20)},
                                     {"data.valid", node(0)},
                                     {"loss.name", node("mean_squared_error")}};
  const auto with = [](const char* kind, int depth, std::vector<Setting> more = {}) {
    more.insert(more.begin(), {{"kind", node(kind)}, {"depth", node(depth)}, {"width", node(6)}});
    return more;
  };
  return {
      {"mlp_batch_norm", with("mlp", 3, {{"normalization", node("batch_norm")}}), 4},
      {"mlp_layer_norm", with("mlp", 3, {{"normalization", node("layer_norm")}}), 4},
      {"mlp_rms_norm", with("mlp", 3, {{"normalization", node("rms_norm")}}), 4},
      {"mlp_weight_norm", with("mlp", 3, {{"normalization", node("weight_norm")}}), 4},
      {"linear", with("linear", 3), 4},
      {"residual", with("residual", 5), 6},
      {"residual_post_activation",
       with("residual", 5,
            {{"block_order", node("post_activation")}, {"normalization", node("batch_norm")}}),
       6},
      {"residual_rezero", with("residual", 4, {{"block_layers", node(1)}, {"rezero", node(true)}}),
       5},
      {"residual_scaled", with("residual", 5, {{"residual_scale", node(0.5)}}), 6},
      {"residual_crelu",
       with("residual", 5, {{"activation", node("crelu")}, {"initializer", node("looks_linear")}}),
       6},
      {"highway", with("highway", 4), 5},
      {"autoencoder", with("autoencoder", 3, {{"code", node(2)}}), 4},
      {"cnn", with("cnn", 2, {{"pool_every", node(2)}}), 3},
      {"cnn_flatten",
       with("cnn", 2, {{"head", node("flatten")}, {"normalization", node("batch_norm")}}), 3},
      {"rnn", with("rnn", 1), 9, sums},
      {"lstm", with("lstm", 2), 17, sums},
      {"gru", with("gru", 1), 9, sums},
  };
}

INSTANTIATE_TEST_SUITE_P(All, ModelKind, testing::ValuesIn(kinds()),
                         [](const auto& instance) { return instance.param.name; });

// The work of a convolution is that of all positions of its window.
TEST(ModelKinds, OfConvolutionsHaveStepsToShareWhereABatchIsLargeEnough) {
  const auto shared = [](int batch) {
    return run_of({{"model.kind", node("cnn")},
                   {"model.depth", node(2)},
                   {"model.width", node(8)},
                   {"train.batch", node(batch)}})
        .has_shared_steps();
  };
  // 8 x 8 digits: the second layer has 64 x 8 x (72 + 1) products an image, 2^21 in 57 images.
  EXPECT_FALSE(shared(56));
  EXPECT_TRUE(shared(57));
}

SettingNode layer(const char* name, const std::vector<Setting>& own = {}) {
  SettingsTable table = settings_table(own);
  table.set("name", node(name));
  return {table, {}};
}

TEST(ModelLayers, StandOnEachOtherAsListed) {
  const RunConfiguration run =
      run_of({{"model.layers",
               {SettingList{layer("convolution", {{"channels", node(4)}}), node("max_pool"),
                            layer("dense", {{"width", node(5)}, {"activation", node("relu")}})},
                {}}}});
  const Network<float> network(run.model, run.input(), run.data->outputs(), 3);
  // 8 x 8 digits: 6 x 6 positions of 4 channels, pooled to 3 x 3.
  std::vector<std::string> shapes;
  for (const ParameterTensor& tensor : network.layout().tensors()) {
    shapes.push_back(tensor.name + ' ' + std::to_string(tensor.rows) + 'x' +
                     std::to_string(tensor.cols));
  }
  EXPECT_THAT(shapes, ElementsAre("layer_1.weight 4x9", "layer_1.bias 4x1", "layer_2.weight 5x36",
                                  "layer_2.bias 5x1", "layer_3.weight 10x5", "layer_3.bias 10x1"));
}

TEST(ModelLayers, AreNamedWhereTheyDoNotFit) {
  EXPECT_THAT(
      problems_of({{"model.layers", {SettingList{node("dense"), node("convolution")}, {}}}}),
      ElementsAre("'model.layers.2' (convolution) needs images of more than one pixel; below it is "
                  "'model.layers.1' "
                  "(dense), which has 100"));
  EXPECT_THAT(
      problems_of(
          {{"model.layers", {SettingList{layer("convolution", {{"kernel", node(9)}})}, {}}}}),
      ElementsAre("'model.layers.1' (convolution) has a window of 9 x 9 pixels, larger than the "
                  "image with its padding; below it is the data, which has 1 x 8 x 8"));
  EXPECT_THAT(
      problems_of(
          {{"model.layers",
            {SettingList{
                 node("dense"),
                 layer("residual",
                       {{"layers", {SettingList{layer("dense", {{"width", node(7)}})}, {}}}})},
             {}}}}),
      ElementsAre("'model.layers.2' (residual) adds 7 of its layers to 100 of its input; the "
                  "two must be alike; below it is 'model.layers.1' (dense), which has 100"));
}

TEST(ModelLayers, TakeSymbolsOnlyIntoAnEmbeddingAndAnEmbeddingOnlySymbols) {
  const std::vector<Setting> reber = {
      {"data.name", node("reber")}, {"data.train", node(40)}, {"train.batch", node(8)}};
  const auto with = [&](std::vector<Setting> more) {
    more.insert(more.end(), reber.begin(), reber.end());
    return problems_of(more);
  };
  const std::pair<std::string, SettingNode> index = {"data.encoding", node("index")};
  const SettingNode right = {
      SettingList{layer("embedding", {{"width", node(3)}}), node("gru"), node("last_step")}, {}};
  EXPECT_THAT(with({index, {"model.layers", right}}), testing::IsEmpty());
  const std::string wanted =
      "needs symbols, such as those of data.encoding = \"index\"; below it is ";
  EXPECT_THAT(
      with({{"model.layers", right}}),
      ElementsAre("'model.layers.1' (embedding) " + wanted + "the data, which has 20 steps of 7"));
  EXPECT_THAT(
      with({index, {"model.layers", {SettingList{node("embedding"), node("embedding")}, {}}}}),
      ElementsAre("'model.layers.2' (embedding) " + wanted +
                  "'model.layers.1' (embedding), which has 20 steps of 100"));
  EXPECT_THAT(with({index, {"model.layers", {SettingList{node("gru"), node("last_step")}, {}}}}),
              ElementsAre("'model.layers.1' (gru) needs numbers; below it is the data, which has "
                          "20 steps of 1 of 8 symbols; let 'model.layers' begin with the layer "
                          "embedding"));
  EXPECT_THAT(with({index}),
              ElementsAre("the first layer needs numbers; below it is the data, which has 20 of 8 "
                          "symbols; let 'model.layers' begin with the layer embedding"));
}

TEST(ModelLayers, AreReadWithTheirMistakes) {
  EXPECT_THAT(problems_of({{"model.layers", {SettingList{node("dens")}, {}}}}),
              ElementsAre(HasSubstr("'dens' is not among the layers; did you mean 'dense'")));
  EXPECT_THAT(
      problems_of({{"model.layers", {SettingList{layer("dense", {{"widht", node(3)}})}, {}}}}),
      ElementsAre(HasSubstr("'model.layers.1.widht' is not a setting")));
  EXPECT_THAT(problems_of({{"model.layers", {SettingList{node(3)}, {}}}}),
              ElementsAre(HasSubstr("'model.layers.1' is an integer; expected the name of one of "
                                    "the layers, or a table with `name`")));
  EXPECT_THAT(problems_of({{"model.layers", {SettingList{{SettingsTable(), {}}}, {}}}}),
              ElementsAre("'model.layers.1' has no `name`; expected one of the layers"));
  EXPECT_THAT(
      problems_of({{"model.layers", {SettingList{node("dense")}, {}}}, {"model.depth", node(2)}}),
      ElementsAre("'model.depth' is given beside 'model.layers'; give one of the two"));
}

TEST(ModelKinds, RefuseWhatTheyCannotBe) {
  EXPECT_THAT(problems_of({{"model.layers", {SettingList{node("residual")}, {}}}}),
              ElementsAre(HasSubstr("'model.layers.1' (residual) has no layers")));
  EXPECT_THAT(problems_of({{"model.kind", node("residual")},
                           {"model.depth", node(3)},
                           {"model.normalization", node("weight_norm")}}),
              ElementsAre(HasSubstr("'weight_norm', which is not for residual nets")));
  EXPECT_THAT(
      problems_of({{"model.kind", node("highway")}, {"model.normalization", node("layer_norm")}}),
      ElementsAre("'model.normalization' is not for the kind highway"));
  EXPECT_THAT(problems_of({{"model.kind", node("lstm")}}),
              ElementsAre(HasSubstr("needs sequences of more than one step")));
  EXPECT_THAT(problems_of({{"data.name", node("adding_problem")},
                           {"loss.name", node("mean_squared_error")},
                           {"model.kind", node("lstm")},
                           {"model.activation", node("relu")}}),
              ElementsAre("'model.activation' is given, and lstm has activations of its own"));
  EXPECT_THAT(problems_of({{"model.kind", node("cnn")}, {"model.initializer", node("lsuv")}}),
              ElementsAre(HasSubstr("'lsuv', which is for stacks of dense layers alone")));
  EXPECT_THAT(
      problems_of({{"model.kind", node("residual")}, {"model.depth", node(4)}}),
      ElementsAre("'model.depth' is 4; a residual net has 1 + a multiple of block_layers = 2 "
                  "hidden layers, such as 3"));
  EXPECT_THAT(problems_of({{"model.kind", node("linear")}, {"model.activation", node("tanh")}}),
              ElementsAre(HasSubstr("a linear model has none")));
  EXPECT_THAT(problems_of({{"model.kind", node("autoencoder")}, {"model.depth", node(4)}}),
              ElementsAre(HasSubstr("an odd number")));
  EXPECT_THAT(problems_of({{"model.kind", node("cnn")}, {"model.kernel", node(4)}}),
              ElementsAre(HasSubstr("'model.kernel' is 4; allowed are odd numbers")));
  EXPECT_THAT(problems_of({{"model.kind", node("residual")},
                           {"model.depth", node(3)},
                           {"optimizer.name", node("kfac")}}),
              ElementsAre(HasSubstr("is for stacks of dense layers alone")));
}

}  // namespace
}  // namespace plumbline
