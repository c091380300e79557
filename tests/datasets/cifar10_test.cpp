// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/datasets/compressed.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<Setting> sizes(int train, int valid, int test) {
  return {{"train", node(train)}, {"valid", node(valid)}, {"test", node(test)}};
}

// One record for each label; all its pixels are 51 times the label's last bit.
Bytes records(const Bytes& labels) {
  Bytes bytes;
  for (const std::uint8_t label : labels) {
    bytes.push_back(label);
    bytes.insert(bytes.end(), 3072, static_cast<std::uint8_t>(label % 2 * 51));
  }
  return bytes;
}

class CifarFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (data_folders().empty()) GTEST_SKIP() << "PLUMBLINE_DATA is not set: no CIFAR-10 files";
  }
};

TEST_F(CifarFilesTest, AreTheFirstBatchAndTheFirstTestImagesOfTheirPublishers) {
  const Dataset data = load("cifar10", sizes(9000, 1000, 1000), data_folders());
  EXPECT_EQ(data.features, 3072U);
  EXPECT_EQ(data.outputs, 10U);
  ASSERT_EQ(data.train.size(), 9000U);
  ASSERT_EQ(data.valid.size(), 1000U);
  ASSERT_EQ(data.test.size(), 1000U);
  std::vector<int> counts = class_counts(data.train, 10);
  const std::vector<int> valid = class_counts(data.valid, 10);
  for (std::size_t label = 0; label < 10; ++label) counts[label] += valid[label];
  EXPECT_THAT(counts, ElementsAre(1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981));
  EXPECT_THAT(std::vector(data.test.labels.begin(), data.test.labels.begin() + 10),
              ElementsAre(3, 8, 8, 0, 6, 6, 1, 6, 3, 1));
  // The first five red pixels of the first test image.
  const std::vector<float> red = {158, 159, 165, 166, 160};
  for (std::size_t j = 0; j < red.size(); ++j) EXPECT_EQ(data.test.inputs(0, j), red[j] / 255);
}

TEST_F(CifarFilesTest, AreRefusedWhereMoreExamplesAreAskedThanThereAre) {
  EXPECT_THAT(environment_error([] { load("cifar10", sizes(10000, 1, 0), data_folders()); }),
              HasSubstr("data_batch_2.bin: not found"));
  EXPECT_THAT(environment_error([] { load("cifar10", sizes(1, 0, 1001), data_folders()); }),
              AllOf(HasSubstr("has 1000 examples"), HasSubstr("data.test is 1001")));
}

TEST_F(CifarFilesTest, AreReadAsFarAsTheExamplesAskedReachWhateverElseThereIs) {
  const DataFolder more;
  more.write("data_batch_2.bin", records({1, 2}));
  DataFolders folders = data_folders();
  const Dataset alone = load("cifar10", sizes(20, 10, 0), folders);
  folders.push_back(more.path());
  const Dataset beside = load("cifar10", sizes(20, 10, 0), folders);
  EXPECT_EQ(alone.train.labels, beside.train.labels);
  EXPECT_EQ(alone.train.inputs, beside.train.inputs);
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(10001, 0, 0), folders); }),
              AllOf(HasSubstr("data_batch_2.bin"), HasSubstr("does not hold 10000 examples")));
}

TEST_F(CifarFilesTest, NeedNoTestFileWhereNoTestExampleIsAsked) {
  const Dataset data = load("cifar10", sizes(2, 0, 0), data_folders());
  EXPECT_EQ(data.test.size(), 0U);
}

TEST_F(CifarFilesTest, AreRefusedWhereOneByteIsAnother) {
  const DataFolder folder;
  DataFolders folders = {folder.path()};
  folders.push_back(data_folders().front());
  Bytes bytes = read_file(find_file(data_folders(), "cifar10", "test_batch_first_1000.bin"));
  bytes.back() ^= 1U;
  const auto test = folder.write("test_batch_first_1000.bin", bytes);
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 1), folders); }),
              HasSubstr(test.string() + ": is not the original file of cifar10"));
  bytes = read_file(find_file(data_folders(), "cifar10", "data_batch_1.bin"));
  bytes.back() ^= 1U;
  const auto training = folder.write("data_batch_1.bin", bytes);
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 0), folders); }),
              HasSubstr(training.string() + ": is not the original file of cifar10"));
}

TEST(CifarTest, RefusesOtherImagesOfTheSameFormat) {
  const DataFolder folder;
  const auto path = folder.write("data_batch_1.bin", records(Bytes(10000, 3)));
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 0), {folder.path()}); }),
              HasSubstr(path.string() + ": is not the original file of cifar10"));
}

TEST(CifarTest, RefusesAPartOfARecord) {
  const DataFolder folder;
  Bytes bytes = records({1, 2});
  bytes.pop_back();
  const auto path = folder.write("data_batch_1.bin", bytes);
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 0), {folder.path()}); }),
              AllOf(HasSubstr(path.string()), HasSubstr("6145 bytes"), HasSubstr("truncated")));
  folder.write("data_batch_1.bin", {});
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 0), {folder.path()}); }),
              HasSubstr("0 bytes"));
}

TEST(CifarTest, RefusesALabelOutOfRangeAndSaysWhere) {
  const DataFolder folder;
  folder.write("data_batch_1.bin", records({1, 9, 10}));
  EXPECT_THAT(environment_error([&] { load("cifar10", sizes(1, 0, 0), {folder.path()}); }),
              HasSubstr("label 10 of example 2 is not below 10"));
}

TEST(CifarTest, NamesEveryFolderSearchedWhereAFileIsMissing) {
  const DataFolder one;
  const DataFolder two;
  EXPECT_THAT(environment_error([&] { load("cifar10", {}, {one.path(), two.path()}); }),
              AllOf(HasSubstr("data_batch_1.bin"), HasSubstr(one.path().string()),
                    HasSubstr(two.path().string()), HasSubstr("scripts/fetch_data cifar10")));
}

}  // namespace
}  // namespace plumbline
