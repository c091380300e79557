// SPDX-License-Identifier: Apache-2.0
// Small runs share chunks: these are written whole, whatever order the runs come in.
#include "engine/core/hdf5_handle.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/results/results_file.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// Two runs for each of `rates` learning rates, of 2 weight layers, recorded at each of so many steps and 0.
Plan plan_of_rates(std::size_t rates, std::int64_t steps) {
  std::vector<SettingNode> values;
  for (std::size_t i = 0; i < rates; ++i) values.push_back(node(1e-6 * static_cast<double>(i + 1)));
  return plan_of({{"optimizer.lr", values, {}}},
                 {{"model.depth", node(std::int64_t{1})},
                  {"train.steps", node(steps)},
                  {"train.evaluate.every", node(std::int64_t{1})},
                  {"probes.error_signal.every", node(std::int64_t{1})},
                  {"probes.gradient_norm.every", node(std::int64_t{1})}});
}

std::vector<hsize_t> chunk_of(const fs::path& path, const std::string& name) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  const hid_t properties = H5Dget_create_plist(dataset);
  std::vector<hsize_t> chunk(3);
  chunk.resize(static_cast<std::size_t>(H5Pget_chunk(properties, 3, chunk.data())));
  H5Pclose(properties);
  H5Dclose(dataset);
  H5Fclose(file);
  return chunk;
}

/// Writes the plan's runs number 0, stride, 2 * stride, ... modulo their number, of which `left_out` is not
/// written.
void write_by_stride(const fs::path& path, const Plan& plan, std::size_t stride,
                     std::size_t left_out) {
  const std::size_t runs = plan.runs.size();
  ASSERT_EQ(std::gcd(stride, runs), 1U);
  ResultsWriter writer(path, plan, example_provenance());
  for (std::size_t i = 0; i < runs; ++i) {
    const std::size_t index = i * stride % runs;
    if (index != left_out) writer.write(index, example_record(plan, index));
  }
  writer.close();
}

void expect_all_but(std::size_t left_out, const fs::path& path, const Plan& plan) {
  const ResultsReader reader(path);
  const std::vector<RunRecord> records = reader.read(0, plan.runs.size());
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(records[i], i == left_out ? RunRecord() : example_record(plan, i));
    if (testing::Test::HasFailure()) return;
  }
}

// 11 recorded steps of 2 layers are 176 bytes, 93 times 16 KiB.
TEST(RunChunks, HoldTheRunsThatFitIn16KiBAndComeBackInAnyOrder) {
  const TemporaryFolder folder;
  const Plan plan = plan_of_rates(100, 10);
  for (const std::size_t stride : {1U, 77U, 199U}) {
    const fs::path path = folder / (std::to_string(stride) + ".h5");
    write_by_stride(path, plan, stride, 100);
    EXPECT_THAT(chunk_of(path, "gradient_norm"), ElementsAre(93, 11, 2));
    EXPECT_THAT(chunk_of(path, "train_loss"), ElementsAre(93, 11));
    EXPECT_THAT(chunk_of(path, "recorded"), ElementsAre(93, 11));
    EXPECT_THAT(chunk_of(path, "theory_error_signal"), ElementsAre(93, 2));
    expect_all_but(100, path, plan);
  }
}

TEST(RunChunks, AreOneRunWhereOneIsLarge) {
  const TemporaryFolder folder;
  const Plan plan = plan_of_rates(2, 1000);
  write_by_stride(folder / "a.h5", plan, 3, 4);
  EXPECT_THAT(chunk_of(folder / "a.h5", "gradient_norm"), ElementsAre(1, 1001, 2));
  expect_all_but(4, folder / "a.h5", plan);
}

// Of 101 steps, some 7.5 kB of records each: 4,600 of these are more than the writer keeps waiting. With
// this stride the first chunk is not whole before that.
TEST(RunChunks, AreWrittenInPiecesWhereTooManyRunsWait) {
  const TemporaryFolder folder;
  const Plan plan = plan_of_rates(2500, 100);
  write_by_stride(folder / "a.h5", plan, 11, 4999);
  EXPECT_THAT(chunk_of(folder / "a.h5", "gradient_norm"), ElementsAre(10, 101, 2));
  expect_all_but(4999, folder / "a.h5", plan);
}

}  // namespace
}  // namespace plumbline
