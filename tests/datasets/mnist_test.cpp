// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/datasets/compressed.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class MnistFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (data_folders().empty()) GTEST_SKIP() << "PLUMBLINE_DATA is not set: no MNIST files";
  }
};

TEST_F(MnistFilesTest, AreThe60000And10000ImagesOfTheirPublishers) {
  const Dataset data = load("mnist", {{"train", node(60000)}, {"valid", node(0)}}, data_folders());
  EXPECT_EQ(data.features, 784U);
  EXPECT_EQ(data.outputs, 10U);
  ASSERT_EQ(data.train.size(), 60000U);
  ASSERT_EQ(data.test.size(), 10000U);
  EXPECT_THAT(class_counts(data.train, 10),
              ElementsAre(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949));
  EXPECT_THAT(class_counts(data.test, 10),
              ElementsAre(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009));
  // Sums over the published files; the first is the well-known mean 0.1307.
  EXPECT_NEAR(static_cast<double>(pixel_sum(data.train, 255)) / (60000.0 * 784 * 255), 0.1307,
              5e-5);
  EXPECT_EQ(pixel_sum(data.train, 255), 1567298545);
  EXPECT_EQ(pixel_sum(data.test, 255), 264923200);
}

TEST_F(MnistFilesTest, GiveTheTestImagesInTheirOrder) {
  const Dataset data =
      load("mnist", {{"train", node(1)}, {"valid", node(0)}, {"test", node(10)}}, data_folders());
  EXPECT_THAT(data.test.labels, ElementsAre(7, 2, 1, 0, 4, 1, 4, 9, 5, 9));
}

TEST_F(MnistFilesTest, AreDealtOutDisjointly) {
  const Dataset data = load("mnist", {}, data_folders());
  ASSERT_EQ(data.train.size(), 55000U);
  ASSERT_EQ(data.valid.size(), 5000U);
  EXPECT_EQ(pixel_sum(data.train, 255) + pixel_sum(data.valid, 255), 1567298545);
}

TEST_F(MnistFilesTest, GiveTheSameFromPlainAndGzippedFiles) {
  const DataFolder folder;
  for (const std::string name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    folder.write(name, read_file(find_file(data_folders(), "mnist", name)));
  }
  const std::vector<Setting> few = {{"train", node(500)}, {"valid", node(5)}, {"test", node(50)}};
  const Dataset plain = load("mnist", few, {folder.path()});
  const Dataset original = load("mnist", few, data_folders());
  EXPECT_EQ(rows_of(plain.train), rows_of(original.train));
  EXPECT_EQ(rows_of(plain.test), rows_of(original.test));
}

TEST_F(MnistFilesTest, AreRefusedWithTheirPathWhereOneIsCut) {
  const DataFolder folder;
  Bytes images = read_file(find_file(data_folders(), "mnist", "train-images-idx3-ubyte"));
  images.resize(images.size() / 2);
  const auto path = folder.write("mnist/train-images-idx3-ubyte", images);
  folder.write("mnist/train-labels-idx1-ubyte",
               read_file(find_file(data_folders(), "mnist", "train-labels-idx1-ubyte")));
  EXPECT_THAT(environment_error([&] { load("mnist", {}, {folder.path()}); }),
              AllOf(HasSubstr(path.string()), HasSubstr("truncated")));
}

// A run's id says "mnist" and no more, so that no other images of the same format may stand for it.
TEST_F(MnistFilesTest, AreRefusedWhereOneByteIsAnother) {
  for (const std::string name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                 "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    const DataFolder folder;
    Bytes bytes = read_file(find_file(data_folders(), "mnist", name));
    bytes.back() ^= 1U;
    const auto path = folder.write(name, bytes);
    DataFolders folders = {folder.path()};
    folders.push_back(data_folders().front());
    EXPECT_THAT(environment_error([&] { load("mnist", {}, folders); }),
                AllOf(HasSubstr(path.string() + ": is not the original file of mnist"),
                      HasSubstr("data of your own have the sources idx")));
  }
}

TEST(MnistTest, NamesEveryFolderSearchedWhereAFileIsMissing) {
  const DataFolder one;
  const DataFolder two;
  EXPECT_THAT(environment_error([&] { load("mnist", {}, {one.path(), two.path()}); }),
              AllOf(HasSubstr("train-images-idx3-ubyte"), HasSubstr(one.path().string()),
                    HasSubstr(two.path().string()), HasSubstr("scripts/fetch_data mnist")));
}

TEST(MnistTest, RefusesImagesThatAreNotThe60000) {
  const DataFolder folder;
  const auto path = folder.write("train-images-idx3-ubyte", idx_file({1, 28, 28}, Bytes(784)));
  folder.write("train-labels-idx1-ubyte", idx_file({1}, {3}));
  EXPECT_THAT(environment_error([&] { load("mnist", {}, {folder.path()}); }),
              AllOf(HasSubstr(path.string()), HasSubstr("expected 60000 images of 28x28")));
}

TEST(MnistTest, RefusesMoreExamplesThanThereAre) {
  try {
    make_plugin(dataset_catalogue(), "mnist", {{"train", node(60000)}, {"valid", node(1)}});
    FAIL() << "no error";
  } catch (const DefinitionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("ask for 60001 examples; there are 60000"));
  }
  EXPECT_THROW(make_plugin(dataset_catalogue(), "mnist", {{"test", node(10001)}}), DefinitionError);
}

}  // namespace
}  // namespace plumbline
