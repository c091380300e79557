// SPDX-License-Identifier: Apache-2.0
// Runs that are killed and go on from their last checkpoint have the records of runs that are not, to the
// bit: every kind of model, what layers keep of the past, averaged weights, streamed examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/training/memory_checkpoints.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

/// But for the times.
void expect_same(const RunRecord& found, const RunRecord& expected) {
  EXPECT_EQ(found.status, expected.status);
  EXPECT_EQ(found.message, expected.message);
  EXPECT_EQ(found.digest, expected.digest);
  EXPECT_EQ(found.n_layers, expected.n_layers);
  EXPECT_EQ(found.steps, expected.steps);
  ASSERT_EQ(found.metrics.size(), expected.metrics.size());
  for (std::size_t i = 0; i < expected.metrics.size(); ++i) {
    EXPECT_EQ(found.metrics[i].name, expected.metrics[i].name);
    EXPECT_TRUE(same_bits(found.metrics[i].values, expected.metrics[i].values))
        << expected.metrics[i].name;
  }
  ASSERT_EQ(found.summary.size(), expected.summary.size());
  for (std::size_t i = 0; i < expected.summary.size(); ++i) {
    EXPECT_EQ(found.summary[i].first, expected.summary[i].first);
    EXPECT_TRUE(same_bits({found.summary[i].second}, {expected.summary[i].second}))
        << expected.summary[i].first;
  }
  EXPECT_TRUE(same_bits(found.theory_error_signal, expected.theory_error_signal));
  EXPECT_TRUE(same_bits(found.theory_error_signal_low, expected.theory_error_signal_low));
  EXPECT_TRUE(same_bits(found.theory_error_signal_high, expected.theory_error_signal_high));
  EXPECT_TRUE(same_bits(found.theory_error_signal_z, expected.theory_error_signal_z));
  EXPECT_EQ(found.diagnosis, expected.diagnosis);
}

struct Case {
  std::string name;
  std::vector<Setting> settings;
};

const std::vector<Setting> kSums = {{"data.name", node("adding_problem")},
                                    {"data.steps", node(10)},
                                    {"loss.name", node("mean_squared_error")}};

SettingNode table(const std::vector<Setting>& settings) { return {settings_table(settings), {}}; }

std::vector<Setting> layers(const SettingList& list) { return {{"model.layers", {list, {}}}}; }

/// Without what `model.layers` stands in the place of.
std::vector<Setting> base_for(const Case& one) {
  std::vector<Setting> base = small_run();
  if (std::ranges::find(one.settings, "model.layers", &Setting::first) != one.settings.end()) {
    std::erase_if(base, [](const Setting& setting) {
      return setting.first == "model.depth" || setting.first == "model.width";
    });
  }
  return base;
}

std::vector<Case> cases() {
  const auto sums = [](const std::vector<Setting>& more) { return with(kSums, more); };
  const Setting batch_norm = {"model.normalization.name", node("batch_norm")};
  return {
      {"mlp", {}},
      {"linear", {{"model.kind", node("linear")}, {"model.depth", node(3)}}},
      {"autoencoder",
       {{"model.kind", node("autoencoder")},
        {"model.depth", node(3)},
        {"data.autoencode", node(true)},
        {"loss.name", node("mean_squared_error")}}},
      {"residual_with_batch_norm",
       {{"model.kind", node("residual")}, {"model.depth", node(5)}, batch_norm}},
      {"highway", {{"model.kind", node("highway")}, {"model.depth", node(4)}}},
      {"cnn", {{"model.kind", node("cnn")}, {"model.width", node(8)}, batch_norm}},
      {"rnn", sums({{"model.kind", node("rnn")}})},
      {"lstm", sums({{"model.kind", node("lstm")}})},
      {"gru", sums({{"model.kind", node("gru")}})},
      {"gru_truncated",
       sums(layers({table({{"name", node("gru")}, {"width", node(12)}, {"truncate", node(3)}}),
                    node("last_step")}))},
      {"dropout",
       layers({node("flatten"), table({{"name", node("dropout")}, {"rate", node(0.3)}}),
               table({{"name", node("dense")}, {"width", node(12)}}), node("activation")})},
      {"weight_norm", {{"model.normalization.name", node("weight_norm")}}},
      {"prelu", {{"model.activation", node("prelu")}}},
      {"noise", {{"data.label_noise", node(0.2)}, {"data.input_noise", node(0.1)}}},
      {"averaged_with_batch_norm", {{"optimizer.name", node("ema")}, batch_norm}},
      {"schedule_free", {{"optimizer.name", node("schedule_free_adamw")}, batch_norm}},
      {"kfac", {{"optimizer.name", node("kfac")}, {"optimizer.update_every", node(4)}}},
      {"sam_of_lbfgs", {{"optimizer.name", node("sam")}, {"optimizer.inner", node("lbfgs")}}},
      {"hessian_free",
       {{"optimizer.name", node("hessian_free")}, {"optimizer.cg_iterations", node(5)}}},
      {"groups",
       {{"optimizer.name", node("adam")}, {"optimizer.groups.hidden.name", node("muon")}}},
      {"schedule", {{"schedule.name", node("warmup")}, {"schedule.steps", node(10)}}},
  };
}

/// Each due on its own steps, among them those beside a checkpoint's.
std::vector<Setting> every_probe() {
  std::vector<Setting> settings;
  std::int64_t every = 1;
  for (const std::string& name : probe_catalogue().names()) {
    settings.push_back({"probes." + name + ".every", node(every)});
    every = every % 4 + 1;
  }
  return settings;
}

class ResumedTraining : public testing::TestWithParam<std::tuple<Case, std::string>> {};
INSTANTIATE_TEST_SUITE_P(All, ResumedTraining,
                         testing::Combine(testing::ValuesIn(cases()),
                                          testing::Values("float32", "float64")),
                         [](const auto& instance) {
                           return std::get<0>(instance.param).name + "_" +
                                  std::get<1>(instance.param);
                         });

TEST_P(ResumedTraining, HasTheRecordOfARunThatWasNotKilled) {
  const auto& [one, precision] = GetParam();
  const RunConfiguration run = configured(with(
      with(base_for(one), one.settings), with(every_probe(), {{"model.precision", node(precision)},
                                                              {"train.checkpoint_every", node(8)},
                                                              {"train.evaluate.every", node(5)}})));
  const Dataset data = run.data->load({});
  MemoryCheckpoints checkpoints;
  const RunRecord found = trained_in_pieces(run, data, checkpoints);
  EXPECT_EQ(found.status, RunStatus::complete) << found.message;
  expect_same(found, trained(run, data));
  EXPECT_THAT(checkpoints.saved_at, ElementsAre(8, 16, 24));
  EXPECT_THAT(checkpoints.resumed_at, ElementsAre(8, 16));
  EXPECT_THAT(checkpoints.refusals, IsEmpty());
}

TEST(ResumedTraining, DivergesWhereTheOtherDoes) {
  const RunConfiguration run = configured(with(small_run(), {{"optimizer.name", node("sgd")},
                                                             {"optimizer.lr", node(1e4)},
                                                             {"model.activation", node("linear")},
                                                             {"train.checkpoint_every", node(1)}}));
  const Dataset data = run.data->load({});
  MemoryCheckpoints checkpoints;
  const RunRecord found = trained_in_pieces(run, data, checkpoints);
  EXPECT_EQ(found.status, RunStatus::diverged);
  EXPECT_GE(checkpoints.resumed_at.size(), 2U);
  expect_same(found, trained(run, data));
}

TEST(ResumedTraining, ReadsOnInAStream) {
  const DataFolder folder;
  const std::string path = (folder.path() / "own.h5").string();
  constexpr std::size_t kRows = 300;
  std::vector<double> inputs;
  std::vector<double> labels;
  for (std::size_t i = 0; i < kRows; ++i) {
    labels.push_back(static_cast<double>(i % 3));
    for (std::size_t j = 0; j < 4; ++j) inputs.push_back(std::sin(static_cast<double>(4 * i + j)));
  }
  {
    Hdf5File file(path);
    file.add("inputs", {kRows, 4}, inputs, H5T_IEEE_F32LE);
    file.add("labels", {kRows}, labels, H5T_STD_U8LE);
  }
  const RunConfiguration run = configured({{"data.name", node("hdf5")},
                                           {"data.file", node(path)},
                                           {"data.valid", node(60)},
                                           {"data.stream", node(true)},
                                           {"data.block", node(17)},
                                           {"data.window", node(2)},
                                           {"model.depth", node(2)},
                                           {"model.width", node(9)},
                                           {"optimizer.name", node("adam")},
                                           {"train.batch", node(32)},
                                           {"train.steps", node(30)},
                                           {"train.checkpoint_every", node(4)}});
  const Dataset data = run.data->load({});
  MemoryCheckpoints checkpoints;
  expect_same(trained_in_pieces(run, data, checkpoints), trained(run, data));
  EXPECT_EQ(checkpoints.resumed_at.size(), 6U);
}

}  // namespace
}  // namespace plumbline
