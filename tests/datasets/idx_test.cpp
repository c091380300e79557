// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

const Bytes kImages = idx_file({4, 1, 2}, {0, 255, 51, 102, 153, 204, 1, 2});
const Bytes kLabels = idx_file({4}, {2, 0, 1, 2});

class IdxTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const Bytes& bytes) const {
    return folder_.write(name, bytes).string();
  }
  std::vector<Setting> own(const std::vector<Setting>& more = {}) const {
    std::vector<Setting> settings = {{"images", node(images_)}, {"labels", node(labels_)}};
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
  }
  // What follows "'images' cannot be used: FOLDER/", or the whole of another message.
  std::string refusal(const std::vector<Setting>& settings) const {
    const std::string message = definition_error([&] { load("idx", settings); });
    const std::string prefix = ": 'images' cannot be used: " + folder_.path().string() + '/';
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }
  std::string refusal() const { return refusal(own()); }

  DataFolder folder_;
  std::string images_ = write("images", kImages);
  std::string labels_ = write("labels", kLabels);
};

TEST_F(IdxTest, ReadsImagesAndLabels) {
  const Dataset data = load("idx", own());
  EXPECT_EQ(to_string(data.shape), "1 x 1 x 2");
  EXPECT_EQ(data.outputs, 3U);
  EXPECT_THAT(
      rows_of(data.train),
      UnorderedElementsAre(ElementsAre(0, 1, 2), ElementsAre(0.2F, 0.4F, 0),
                           ElementsAre(0.6F, 0.8F, 1), ElementsAre(1 / 255.0F, 2 / 255.0F, 2)));
  EXPECT_THAT(rows_of(load("idx", own({{"white", node(1)}})).train),
              testing::Contains(ElementsAre(0, 255, 2)));
}

TEST_F(IdxTest, ReadsGzippedFiles) {
  const std::string images = write("images.gz", gzipped(kImages));
  const std::string labels = write("labels.gz", gzipped(kLabels));
  EXPECT_EQ(dealt(load("idx", {{"images", node(images)}, {"labels", node(labels)}})),
            dealt(load("idx", own())));
}

TEST_F(IdxTest, DealsPartsAndHasTestExamplesOfTheirOwnInTheirOrder) {
  const Dataset parts = load("idx", own({{"valid", node(1)}, {"test", node(1)}}));
  EXPECT_EQ(parts.train.size(), 2U);
  EXPECT_EQ(parts.valid.size(), 1U);
  EXPECT_EQ(parts.test.size(), 1U);
  EXPECT_EQ(dealt(parts), dealt(load("idx", own())));
  const auto test = [&](const Setting& more) {
    return own({{"test_images", node(write("t", idx_file({2, 1, 2}, {255, 0, 0, 255})))},
                {"test_labels", node(write("l", idx_file({2}, {1, 1})))},
                more});
  };
  const Dataset data = load("idx", test({"valid", node(1)}));
  EXPECT_EQ(data.train.size(), 3U);
  EXPECT_THAT(rows_of(data.test), ElementsAre(ElementsAre(1, 0, 1), ElementsAre(0, 1, 1)));
  EXPECT_THAT(rows_of(load("idx", test({"test", node(1)})).test),
              ElementsAre(ElementsAre(1, 0, 1)));
  EXPECT_EQ(refusal(test({"test", node(3)})), ": 'test' is 3; there are 2");
}

TEST_F(IdxTest, IsTheSameByItsBytesAndNotByItsNames) {
  const auto content = [&] {
    const SettingsTable table = settings_table(own());
    SettingsReport report;
    Settings settings(table, "data", report);
    const auto source = dataset_catalogue().find("idx")->make(settings);
    const auto found = std::ranges::find(report.resolved, "data.content", &ResolvedSetting::key);
    return to_string(found->value);
  };
  const std::string first = content();
  EXPECT_EQ(first.size(), 18U) << "16 digits in quotes";
  images_ = write("moved", kImages);
  EXPECT_EQ(content(), first);
  labels_ = write("labels", idx_file({4}, {2, 0, 1, 1}));
  EXPECT_NE(content(), first) << "other labels";
}

TEST_F(IdxTest, RefusesFilesThatAreMissing) {
  EXPECT_EQ(refusal({{"labels", node(labels_)}}), ": 'images' is not given, or empty");
  EXPECT_EQ(refusal({{"images", node(images_)}}), ": 'labels' is not given, or empty");
  EXPECT_EQ(refusal({{"images", node("/no/such")}, {"labels", node(labels_)}}),
            ": 'images' is '/no/such', and there is no such file");
  EXPECT_EQ(refusal({{"images", node(images_)}, {"labels", node("/no/such")}}),
            ": 'labels' is '/no/such', and there is no such file");
  EXPECT_EQ(refusal(own({{"test_images", node(images_)}})),
            ": 'test_labels' is not given, and 'data.test_images' is");
  EXPECT_EQ(refusal(own({{"test_labels", node(labels_)}})),
            ": 'test_images' is not given, and 'data.test_labels' is");
}

TEST_F(IdxTest, RefusesTruncatedFiles) {
  Bytes cut = kImages;
  cut.pop_back();
  write("images", cut);
  EXPECT_EQ(refusal(), "images: holds 7 values, and its header says 8; is it truncated?");
  cut.resize(15);
  write("images", cut);
  EXPECT_EQ(refusal(), "images: is truncated in its header");
  write("images", kImages);
  cut = kLabels;
  cut.pop_back();
  write("labels", cut);
  EXPECT_EQ(refusal(), "labels: holds 3 values, and its header says 4; is it truncated?");
  write("labels", {});
  EXPECT_EQ(refusal(), "labels: is not an IDX file of unsigned bytes (wrong magic number)");
  Bytes packed = gzipped(kImages);
  packed.resize(packed.size() - 9);
  images_ = write("images.gz", packed);
  EXPECT_EQ(refusal(), "images.gz: is truncated");
}

TEST_F(IdxTest, RefusesAWrongMagicNumber) {
  Bytes floats = kImages;
  floats[2] = 0x0D;
  write("images", floats);
  EXPECT_EQ(refusal(), "images: is not an IDX file of unsigned bytes (wrong magic number)");
  std::swap(images_, labels_);
  EXPECT_EQ(refusal(), "images: is not an IDX file of unsigned bytes (wrong magic number)")
      << "in the place of the labels";
}

TEST_F(IdxTest, RefusesFilesThatDoNotFitEachOther) {
  write("labels", idx_file({3}, {0, 1, 2}));
  EXPECT_EQ(refusal(), "images with " + labels_ + ": 4 images, but 3 labels");
  labels_ = images_;
  EXPECT_EQ(refusal(),
            "images with " + images_ + ": expected images in 3 dimensions and labels in 1");
  labels_ = write("labels", kLabels);
  const std::string wide = write("wide", idx_file({1, 1, 3}, {1, 2, 3}));
  const std::string one = write("one", idx_file({1}, {1}));
  EXPECT_EQ(refusal(own({{"test_images", node(wide)}, {"test_labels", node(one)}})),
            "wide: has images of 1 x 1 x 3, and those for training are 1 x 1 x 2");
  const std::string none = write("none", idx_file({0, 1, 2}, {}));
  const std::string nothing = write("nothing", idx_file({0}, {}));
  EXPECT_EQ(refusal(own({{"test_images", node(none)}, {"test_labels", node(nothing)}})),
            "none: has no image");
  EXPECT_EQ(refusal({{"images", node(none)}, {"labels", node(nothing)}}), "none: has no pixel");
}

TEST_F(IdxTest, RefusesLabelsOutOfRangeAndAClassWithoutExamples) {
  EXPECT_EQ(refusal(own({{"classes", node(2)}})), "labels: label 2 of example 0 is not below 2");
  EXPECT_EQ(refusal(own({{"classes", node(4)}})),
            "labels: has no example of class 3; classes are 0 to 3");
  write("labels", idx_file({4}, {0, 0, 2, 2}));
  EXPECT_EQ(refusal(), "labels: has no example of class 1; classes are 0 to 2");
}

TEST_F(IdxTest, RefusesAFileThatChangedBetweenItsCheckAndItsUse) {
  const auto source = make_plugin(dataset_catalogue(), "idx", own());
  write("labels", idx_file({4}, {0, 0, 1, 2}));
  EXPECT_EQ(environment_error([&] { source->load({}); }),
            images_ + ": has changed since it was checked");
}

}  // namespace
}  // namespace plumbline
