// SPDX-License-Identifier: Apache-2.0
// train.init_seed, order_seed, data_seed and noise_seed: one stream's seed each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

// Dropout, so that noise is drawn too.
std::vector<Setting> noisy_run(const std::vector<Setting>& more) {
  const SettingList layers = {
      {settings_table({{"name", node("dense")}, {"width", node(13)}}), {}},
      {settings_table({{"name", node("dropout")}, {"rate", node(0.3)}}), {}}};
  return with({{"data.name", node("digits")},
               {"data.train", node(200)},
               {"data.valid", node(50)},
               {"model.layers", {layers, {}}},
               {"train.batch", node(32)},
               {"train.steps", node(5)}},
              more);
}

std::string digest_of(const std::vector<Setting>& more) { return trained(noisy_run(more)).digest; }
std::string id_of(const std::vector<Setting>& more) { return run_id(configured(noisy_run(more))); }

// Before the first update: what follows from the initial weights alone.
double first_loss(const std::vector<Setting>& more) {
  return metric(trained(noisy_run(more)), "train_loss")[0];
}

std::string mistakes(const std::vector<Setting>& more) {
  const SettingsTable table = settings_table(noisy_run(more));
  SettingsReport report;
  configure(table, report);
  std::string text;
  for (const Problem& problem : report.problems) {
    text += to_string(problem.place) + ": " + problem.message + '\n';
  }
  return text;
}

const Setting kSeed3 = {"train.seed", node(3)};
const Setting kInit0 = {"train.init_seed", node(0)};
const Setting kOrder0 = {"train.order_seed", node(0)};
const Setting kNoise0 = {"train.noise_seed", node(0)};

TEST(StreamSeedsTest, TheInitialWeightsAreThoseOfTheirSeed) {
  EXPECT_EQ(first_loss({kSeed3, kInit0}), first_loss({}));
  EXPECT_NE(first_loss({kSeed3}), first_loss({}));
  EXPECT_NE(digest_of({kSeed3, kInit0}), digest_of({})) << "order and noise are others";
}

TEST(StreamSeedsTest, EachStreamHasItsOwn) {
  EXPECT_NE(digest_of({kSeed3, kInit0, kOrder0}), digest_of({})) << "the noise is another";
  EXPECT_NE(digest_of({kSeed3, kInit0, kNoise0}), digest_of({})) << "the order is another";
  EXPECT_NE(digest_of({kSeed3, kOrder0, kNoise0}), digest_of({})) << "the start is another";
  EXPECT_EQ(digest_of({kSeed3, kInit0, kOrder0, kNoise0}), digest_of({}));
}

TEST(StreamSeedsTest, TargetsThatAnOptimizerDrawsAreNoise) {
  const auto digest_with = [](const char* optimizer, int noise_seed) {
    return trained(with(small_run(), {{"optimizer.name", node(optimizer)},
                                      {"train.noise_seed", node(noise_seed)}}))
        .digest;
  };
  EXPECT_NE(digest_with("sophia", 1), digest_with("sophia", 0));
  EXPECT_EQ(digest_with("adam", 1), digest_with("adam", 0)) << "there is no noise";
}

TEST(StreamSeedsTest, TheDataAreThoseOfTheirSeed) {
  const std::vector<Setting> one = {{"data.split_seed", node(1)}};
  const std::vector<Setting> other = {{"train.data_seed", node(1)}};
  EXPECT_EQ(digest_of(other), digest_of(one));
  EXPECT_NE(digest_of(other), digest_of({}));
  EXPECT_EQ(id_of(other), id_of(one)) << "they are one computation";
  EXPECT_EQ(configured(noisy_run(other)).data_key, configured(noisy_run(one)).data_key);
  const std::vector<Setting> made = {{"data.name", node("two_spirals")}};
  EXPECT_EQ(digest_of(with(made, other)), digest_of(with(made, one)));
  EXPECT_NE(digest_of(with(made, other)), digest_of(made));
}

TEST(StreamSeedsTest, OneThatIsTheSeedOfTheRunMakesNoOtherRun) {
  for (const char* key : {"train.init_seed", "train.order_seed", "train.noise_seed"}) {
    EXPECT_EQ(id_of({{key, node(0)}}), id_of({})) << key;
    EXPECT_EQ(id_of({{key, node(-1)}}), id_of({})) << key;
    EXPECT_NE(id_of({{key, node(1)}}), id_of({})) << key;
    EXPECT_NE(id_of({kSeed3, {key, node(0)}}), id_of({kSeed3})) << key;
    EXPECT_THAT(mistakes({{key, node(-2, {"run.toml", 4, 5})}}),
                HasSubstr("run.toml:4:5: '" + std::string(key) + "' is -2"));
  }
  EXPECT_EQ(id_of({{"train.data_seed", node(-1)}}), id_of({}));
}

TEST(StreamSeedsTest, TwoSeedsOfTheDataAreOneTooMany) {
  EXPECT_THAT(
      mistakes({{"data.split_seed", node(1)}, {"train.data_seed", node(2, {"run.toml", 4, 5})}}),
      HasSubstr("run.toml:4:5: 'train.data_seed' is given beside 'data.split_seed'"));
  EXPECT_THAT(mistakes({{"train.data_seed", node("x", {"run.toml", 4, 5})}}),
              HasSubstr("run.toml:4:5: 'train.data_seed' is a text"));
}

}  // namespace
}  // namespace plumbline
