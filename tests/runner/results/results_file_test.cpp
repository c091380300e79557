// SPDX-License-Identifier: Apache-2.0
// How the file is stored, and that other programs open it, is tested in tests/results.
#include "experiments/runner/results/results_file.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/error.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string complaint_on_opening(const fs::path& path) {
  return complaint([&] { ResultsReader reader(path); });
}

TEST(ResultsFile, EveryRecordComesBackBitForBit) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  write_all(folder / "a.h5", plan);
  const ResultsReader reader(folder / "a.h5");
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(reader.read(i), example_record(plan, i));
  }
}

TEST(ResultsFile, TheOrderOfWritingLeavesNoTrace) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    for (const std::size_t i : {7U, 0U, 3U, 6U, 1U, 5U, 2U, 4U}) {
      writer.write(i, example_record(plan, i));
    }
    writer.close();
  }
  const ResultsReader reader(folder / "a.h5");
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    expect_same_bits(reader.read(i), example_record(plan, i));
  }
}

TEST(ResultsFile, DivergedAndFailedRunsComeBackWithTheirMessages) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  RunRecord diverged = example_record(plan, 0);
  diverged.status = RunStatus::diverged;
  diverged.message = "not finite: ∂L/∂W of layer 2 at step 7 — 発散";
  diverged.summary.clear();
  RunRecord failed;
  failed.status = RunStatus::failed;
  failed.message = "no memory for \"x\"\n(second line)";
  failed.wall_seconds = 1;
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(0, diverged);
    writer.write(1, failed);
    writer.write(2, example_record(plan, 2));
    writer.close();
  }
  const ResultsReader reader(folder / "a.h5");
  expect_same_bits(reader.read(0), diverged);
  const RunRecord read = reader.read(1);
  EXPECT_EQ(read.status, RunStatus::failed);
  EXPECT_EQ(read.message, failed.message);
  EXPECT_THAT(read.steps, IsEmpty());
  EXPECT_THAT(read.metrics, IsEmpty());
  EXPECT_THAT(read.summary, IsEmpty());
  expect_same_bits(reader.read(2), example_record(plan, 2));
}

TEST(ResultsFile, RunsThatWereNotWrittenArePending) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(3, example_record(plan, 3));
    writer.close();
  }
  const ResultsReader reader(folder / "a.h5");
  EXPECT_THAT(
      reader.statuses(),
      ElementsAre(RunStatus::pending, RunStatus::pending, RunStatus::pending, RunStatus::complete,
                  RunStatus::pending, RunStatus::pending, RunStatus::pending, RunStatus::pending));
  expect_same_bits(reader.read(0), RunRecord());
}

TEST(ResultsFile, SettingsAreVariablesOverTheRuns) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  write_all(folder / "a.h5", plan);
  const ResultsReader reader(folder / "a.h5");
  EXPECT_THAT(reader.numbers("depth"), ElementsAre(1, 1, 1, 1, 3, 3, 3, 3));
  EXPECT_THAT(reader.labels("steps"), ElementsAre("12", "12", "20", "20", "12", "12", "20", "20"));
  EXPECT_EQ(reader.labels("optimizer")[7], "sgd");
  EXPECT_EQ(reader.labels("final_valid_loss")[0], "inf");
  EXPECT_EQ(reader.run_ids()[5], plan.runs[5].run_id);
  EXPECT_EQ(reader.attribute("sweep_axes"), "depth steps seed");
  const std::vector<std::string> names = reader.run_variables();
  EXPECT_EQ(names.front(), "run_id");
  EXPECT_EQ(names[1], "depth");
  EXPECT_EQ(names.back(), "final_valid_loss");
  EXPECT_THAT(names, testing::Not(testing::Contains("run")));
  EXPECT_THAT(complaint([&] { reader.numbers("optimizer"); }), HasSubstr("'optimizer' holds text"));
  EXPECT_THAT(complaint([&] { reader.numbers("train_loss"); }), HasSubstr("'train_loss'"));
  EXPECT_THAT(complaint([&] { reader.labels("nothing"); }), HasSubstr("'nothing'"));
}

TEST(ResultsFile, TheLastMeasuredStepIsTheNumberOfSteps) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  RunRecord record = example_record(plan, 2);
  ASSERT_EQ(record.steps[3], 10);
  for (Metric& metric : record.metrics) {
    const std::size_t width = metric.values.size() / record.steps.size();
    for (std::size_t i = 4 * width; i < metric.values.size(); ++i) metric.values[i] = std::nan("");
    metric.values[3 * width] = 1;
  }
  record.n_steps = 10;
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(2, record);
    writer.close();
  }
  EXPECT_EQ(ResultsReader(folder / "a.h5").numbers("n_steps")[2], 10);
}

TEST(ResultsFile, ARunKeepsThePlaceWhereItWasComputed) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(0, example_record(plan, 0));
    writer.write(1, example_record(plan, 1), {"elsewhere", 64});
    writer.close();
  }
  const ResultsReader reader(folder / "a.h5");
  EXPECT_EQ(reader.place(0), (RunPlace{"höhle", 3}));
  EXPECT_EQ(reader.place(1), (RunPlace{"elsewhere", 64}));
}

TEST(ResultsFile, BytesThatAreNotUtf8AreReplaced) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  RunRecord record;
  record.status = RunStatus::failed;
  // A Latin-1 letter, an overlong slash, a surrogate, a cut sequence; then valid text.
  record.message = "a\xE9 \xC0\xAF \xED\xA0\x80 \xE2\x82| é€𝄞";
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(0, record);
    writer.close();
  }
  EXPECT_EQ(ResultsReader(folder / "a.h5").read(0).message, "a� �� ��� ��| é€𝄞");
}

TEST(ResultsFile, AMetricThatThePlanDidNotAnnounceIsKept) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  RunRecord record = example_record(plan, 0);
  record.metrics.push_back({"sharpness", "largest eigenvalue", "1", QuantityAxis::none,
                            std::vector<double>(record.steps.size(), 2.5)});
  {
    ResultsWriter writer(folder / "a.h5", plan, example_provenance());
    writer.write(0, record);
    writer.close();
  }
  expect_same_bits(ResultsReader(folder / "a.h5").read(0), record);
}

TEST(ResultsFile, ARecordThatThePlanHasNoRoomForIsRefused) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  ResultsWriter writer(folder / "a.h5", plan, example_provenance());
  const RunRecord good = example_record(plan, 0);
  RunRecord wrong_step = good;
  wrong_step.steps[1] = 6;
  RunRecord too_deep = good;
  too_deep.n_layers = 5;
  RunRecord too_short = good;
  too_short.metrics[0].values.pop_back();
  RunRecord wrong_theory = good;
  wrong_theory.theory_error_signal.push_back(1);
  for (const RunRecord& wrong : {wrong_step, too_deep, too_short, wrong_theory}) {
    EXPECT_THROW(writer.write(0, wrong), std::invalid_argument);
  }
  EXPECT_THROW(writer.write(8, good), std::invalid_argument);
  writer.write(0, good);
  EXPECT_THROW(writer.write(0, good), std::invalid_argument);
}

TEST(ResultsFile, TheFileHasItsNameOnlyWhenItIsWhole) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const fs::path path = folder / "a.h5";
  {
    ResultsWriter writer(path, plan, example_provenance());
    writer.write(0, example_record(plan, 0));
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(folder.names().size(), 1U);
  }
  EXPECT_THAT(folder.names(), IsEmpty()) << "an abandoned file is removed";
  put_bytes(path, "an older file");
  {
    ResultsWriter writer(path, plan, example_provenance());
    EXPECT_EQ(bytes_of(path), "an older file");
    writer.close();
  }
  EXPECT_THAT(folder.names(), ElementsAre("a.h5"));
  EXPECT_EQ(ResultsReader(path).statuses().size(), plan.runs.size());
}

TEST(ResultsFile, AFolderThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  const fs::path path = folder / "no/a.h5";
  const std::string text =
      complaint([&] { ResultsWriter writer(path, ragged_plan(), example_provenance()); });
  EXPECT_THAT(text, HasSubstr(path.string() + ": cannot create it: "));
  EXPECT_THAT(text, HasSubstr("No such file or directory"));
}

TEST(ResultsFile, WhatIsNoResultsFileIsSaidToBeNone) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5";
  EXPECT_EQ(complaint_on_opening(path), path.string() + ": no such file");
  put_bytes(path, "name,value\nx,1\n");
  EXPECT_THAT(complaint_on_opening(path), HasSubstr(path.string() + ": cannot open it as HDF5: "));
  EXPECT_THAT(complaint_on_opening(path), HasSubstr("file signature not found"));
  put_bytes(path, "");
  EXPECT_THAT(complaint_on_opening(path), HasSubstr(path.string()));
}

TEST(ResultsFile, ATruncatedFileIsSaidToBeTruncated) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5";
  write_all(path, ragged_plan());
  constexpr std::uintmax_t kSealBytes = 24;
  const std::uintmax_t size = fs::file_size(path) - kSealBytes;
  for (const std::uintmax_t kept : {size - 1, size / 2, std::uintmax_t{100}}) {
    fs::resize_file(path, kept);
    EXPECT_THAT(complaint_on_opening(path), HasSubstr("truncated file")) << kept;
  }
}

TEST(ResultsFile, AFileOfAnotherSchemaIsRefused) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5";
  write_all(path, ragged_plan());
  std::string bytes = bytes_of(path);
  const std::string schema = "plumbline.sweep";
  ASSERT_NE(bytes.find(schema), std::string::npos);
  bytes.replace(bytes.find(schema), schema.size(), "plumbline.sweat");
  put_bytes(path, bytes);
  EXPECT_THAT(complaint_on_opening(path), HasSubstr("'plumbline.sweat', not 'plumbline.sweep'"));
}

TEST(ResultsFile, ADamagedChunkFailsItsChecksum) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.h5";
  // 64 layers at 1001 steps: the chunks of the two probes are nearly all of the file.
  const Plan plan = plan_of({}, {{"model.depth", node(std::int64_t{63})},
                                 {"train.steps", node(std::int64_t{1000})},
                                 {"probes.error_signal.every", node(std::int64_t{1})},
                                 {"probes.gradient_norm.every", node(std::int64_t{1})}});
  write_all(path, plan);
  std::string bytes = bytes_of(path);
  bytes[bytes.size() / 4] = static_cast<char>(bytes[bytes.size() / 4] ^ 0x10);
  put_bytes(path, bytes);
  const ResultsReader reader(path);
  const std::string text = complaint([&] {
    reader.read(0);
    reader.read(1);
  });
  EXPECT_THAT(text, HasSubstr(path.string() + ": cannot read '"));
  EXPECT_THAT(text, HasSubstr("Fletcher32"));
}

TEST(ResultsFile, WhatDependsOnTimeAndMachineIsNamed) {
  for (const char* name : {"wall_seconds", "cpu_seconds", "threads", "host", "started",
                           "date_created", "history", "provenance"}) {
    EXPECT_TRUE(is_timing_variable(name)) << name;
  }
  for (const char* name : {"digest", "status", "message", "n_steps", "train_loss", "run_id"}) {
    EXPECT_FALSE(is_timing_variable(name)) << name;
  }
}

}  // namespace
}  // namespace plumbline
