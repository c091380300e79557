// SPDX-License-Identifier: Apache-2.0
// Learning right: nets that must learn what they are known to learn.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// Trains one run for each of three seeds on the same data, two at a time.
std::array<RunRecord, 3> three_seeds(const std::vector<Setting>& settings,
                                     const DataFolders& folders) {
  std::array<RunRecord, 3> records;
  const Dataset data = configured(settings).data->load(folders);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t seed = next++; seed < records.size(); seed = next++) {
      records[seed] = trained(configured(with(settings, {{"train.seed", node(seed)}})), data);
    }
  };
  std::thread other(work);
  work();
  other.join();
  return records;
}

class XorTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(In, XorTest, testing::Values("float32", "float64"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_P(XorTest, IsLearnedByFourHiddenTanhUnits) {
  const RunRecord record = trained({{"data.name", node("xor")},
                                    {"model.depth", node(1)},
                                    {"model.width", node(4)},
                                    {"model.activation", node("tanh")},
                                    {"model.precision", node(GetParam())},
                                    {"optimizer.name", node("adam")},
                                    {"optimizer.lr", node(0.05)},
                                    {"train.batch", node(4)},
                                    {"train.steps", node(500)}});
  EXPECT_EQ(summary(record, "final_train_accuracy"), 1.0);
  EXPECT_LT(summary(record, "final_train_loss"), 0.02) << "ln 2 = 0.69 is to know nothing";
}

TEST(XorByALinearModelTest, IsNotLearned) {
  const RunRecord record = trained({{"data.name", node("xor")},
                                    {"model.depth", node(0)},
                                    {"optimizer.name", node("adam")},
                                    {"optimizer.lr", node(0.05)},
                                    {"train.batch", node(4)},
                                    {"train.steps", node(500)}});
  EXPECT_NEAR(summary(record, "final_train_loss"), 0.6931, 0.001);
}

TEST(DigitsTest, AreLearnedToNinetyFivePercentOfValidationImages) {
  const auto records = three_seeds({{"data.name", node("digits")},
                                    {"model.depth", node(2)},
                                    {"model.width", node(64)},
                                    {"model.activation", node("relu")},
                                    {"model.initializer", node("he_normal")},
                                    {"optimizer.name", node("adam")},
                                    {"optimizer.lr", node(0.002)},
                                    {"train.batch", node(50)},
                                    {"train.epochs", node(30)}},
                                   {});
  for (const RunRecord& record : records) {
    EXPECT_GE(summary(record, "final_valid_accuracy"), 0.95);
    EXPECT_LT(metric(record, "valid_accuracy").front(), 0.4) << "before training: by chance 0.1";
    std::cout << "[ measured ] digits: validation accuracy "
              << summary(record, "final_valid_accuracy") << '\n';
  }
}

TEST(MnistTest, IsLearnedToNinetySevenPercentOfTestImagesInThreeEpochs) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "nine epochs of MNIST are too many for a sanitizer";
#endif
  const char* folder = std::getenv("PLUMBLINE_DATA");
  if (folder == nullptr) GTEST_SKIP() << "PLUMBLINE_DATA is not set: no MNIST files";
  const auto records = three_seeds({{"data.name", node("mnist")},
                                    {"model.widths", node(std::vector{300, 100})},
                                    {"model.activation", node("relu")},
                                    {"model.initializer", node("he_normal")},
                                    {"optimizer.name", node("adam")},
                                    {"optimizer.lr", node(0.002)},
                                    {"schedule.name", node("cosine")},
                                    {"train.batch", node(128)},
                                    {"train.epochs", node(3)}},
                                   {folder});
  for (const RunRecord& record : records) {
    EXPECT_GE(summary(record, "final_test_accuracy"), 0.97);
    std::cout << "[ measured ] mnist: test accuracy " << summary(record, "final_test_accuracy")
              << " in " << record.cpu_seconds << " s of CPU\n";
  }
}

}  // namespace
}  // namespace plumbline
