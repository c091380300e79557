// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/sweep_status.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/plan/shards.hpp"
#include "experiments/runner/results/sweep_store.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string host_name() {
  std::string name(256, '\0');
  gethostname(name.data(), name.size());
  return name.c_str();
}

/// Says in the lock that this process, or another, began to write `file` at this time.
void write_lock(const std::filesystem::path& file, const std::string& process, std::int64_t began) {
  const std::filesystem::path folder = file.string() + ".d";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "lock") << process << " plumbline run\n";
  const std::chrono::system_clock::time_point since{std::chrono::seconds(began)};
  std::filesystem::last_write_time(folder / "lock", std::chrono::file_clock::from_sys(since));
}

/// As write_all(), for runs that began at 1700000000, and the first `runs` of the plan alone.
void write_first(const std::filesystem::path& path, const Plan& plan, std::size_t runs) {
  ResultsWriter writer(path, plan, example_provenance());
  for (std::size_t i = 0; i < runs; ++i) writer.write(i, example_record(plan, i));
  writer.close();
}

TEST(SweepStatusTest, HasNoTimeLeftWhereNobodyComputes) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  write_first(folder / "x.h5", plan, 3);
  const SweepStatus status = sweep_status(plan, folder / "x.h5", {folder / "x.h5"});
  EXPECT_EQ(status.complete, 3U);
  EXPECT_EQ(status.pending, 5U);
  EXPECT_EQ(status.eta_seconds, std::nullopt);
  EXPECT_THAT(status_text(status),
              HasSubstr("3 of 8 runs: 3 complete, 0 diverged, 0 failed, 5 pending\n"
                        "nobody computes it\n"));
}

TEST(SweepStatusTest, TellsTheTimeLeftFromWhatALivingProcessDoesInASecond) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  write_first(file, plan, 3);
  write_lock(file, std::to_string(getpid()) + ' ' + host_name(), 1700000000);
  const SweepStatus status = sweep_status(plan, file, {file});
  // The example records took 0.25, 1.25 and 2.25 s and began at once.
  const double done = plan.runs[0].cost + plan.runs[1].cost + plan.runs[2].cost;
  double left = 0;
  for (std::size_t i = 3; i < 8; ++i) left += plan.runs[i].cost;
  ASSERT_TRUE(status.eta_seconds.has_value());
  EXPECT_NEAR(*status.eta_seconds, left / (done / 2.25), 1e-9 * left);
  EXPECT_THAT(status_line(status),
              HasSubstr("3 of 8 runs, 0 diverged, 0 failed, 5 pending, about "));
  EXPECT_THAT(status_text(status), HasSubstr("process " + std::to_string(getpid()) + " on "));
}

TEST(SweepStatusTest, DoesNotCountADeadProcess) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  write_first(file, plan, 3);
  // No process has this number: it is beyond the kernel's largest.
  write_lock(file, "2000000000 " + host_name(), 1700000000);
  EXPECT_EQ(sweep_status(plan, file, {file}).eta_seconds, std::nullopt);
  EXPECT_THAT(status_text(sweep_status(plan, file, {file})),
              HasSubstr("process 2000000000 on " + host_name() + ", which has ended"));
}

TEST(SweepStatusTest, DoesNotCountAProcessThatNobodyHasWaitedFor) {
  const TemporaryFolder folder;
  const auto file = folder / "x.h5";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  write_lock(file, std::to_string(child) + ' ' + host_name(), 1700000000);
  EXPECT_FALSE(writing_process(file)->is_alive);
  waitpid(child, nullptr, 0);
}

TEST(SweepStatusTest, GoesByTheRunsOfEarlierProcessesUntilTheLivingOneHasFinishedAny) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  write_lock(file, std::to_string(getpid()) + ' ' + host_name(), 1700001000);
  EXPECT_EQ(sweep_status(plan, file, {file}).eta_seconds, std::nullopt);
  EXPECT_THAT(status_line(sweep_status(plan, file, {file})), HasSubstr("no run has finished yet"));
  write_first(file, plan, 3);
  const double done = plan.runs[0].cost + plan.runs[1].cost + plan.runs[2].cost;
  double left = 0;
  for (std::size_t i = 3; i < 8; ++i) left += plan.runs[i].cost;
  const SweepStatus status = sweep_status(plan, file, {file});
  ASSERT_TRUE(status.eta_seconds.has_value());
  EXPECT_NEAR(*status.eta_seconds, left / (done / 2.25), 1e-9 * left);
}

TEST(SweepStatusTest, TakesADivergedRunForTheStepsThatItMadeAlone) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  ResultsWriter writer(file, plan, example_provenance());
  for (std::size_t i = 0; i < 2; ++i) {
    RunRecord record = example_record(plan, i);
    if (i == 1) {
      record.status = RunStatus::diverged;
      record.n_steps = 3;  // of 12
    }
    writer.write(i, record);
  }
  writer.close();
  write_lock(file, std::to_string(getpid()) + ' ' + host_name(), 1700000000);
  const double done = plan.runs[0].cost + 3.0 / 12 * plan.runs[1].cost;
  double left = 0;
  for (std::size_t i = 2; i < 8; ++i) left += plan.runs[i].cost;
  const SweepStatus status = sweep_status(plan, file, {file});
  ASSERT_TRUE(status.eta_seconds.has_value());
  EXPECT_NEAR(*status.eta_seconds, left / (done / 1.25), 1e-9 * left);
}

TEST(SweepStatusTest, SaysHowASweepThatWasKilledAtItsEndBecomesOneFile) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  std::ostringstream err;
  {
    SweepStore store(file, plan.definition, example_provenance(), false, err);
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      store.append(plan.runs[i].run_id, example_record(plan, i));
    }
    store.flush();
  }
  const std::string advice = "`plumbline merge -o " + file.string() + "` makes one file of all\n";
  EXPECT_THAT(status_text(sweep_status(plan, file, {file})), HasSubstr(advice));
  SweepStore(file, plan.definition, example_provenance(), false, err).publish(plan);
  EXPECT_THAT(status_text(sweep_status(plan, file, {file})), Not(HasSubstr(advice)));
}

TEST(SweepStatusTest, TakesAProcessElsewhereToLiveWhileItWrites) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  write_first(file, plan, 3);
  write_lock(file, "1 another-host-than-this", 1700000000);
  EXPECT_TRUE(writing_process(file)->is_alive) << "the folder is new";
  const std::chrono::system_clock::time_point old{std::chrono::seconds(1700000000)};
  std::filesystem::last_write_time(file.string() + ".d", std::chrono::file_clock::from_sys(old));
  EXPECT_FALSE(writing_process(file)->is_alive);
  std::ofstream(file.string() + ".d/lock") << "";
  EXPECT_EQ(writing_process(file), std::nullopt);
}

TEST(SweepStatusTest, AddsUpShardsAndCountsARunOnce) {
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const auto file = folder / "x.h5";
  write_first(file, plan, 3);
  std::vector<std::filesystem::path> files = {file};
  for (const std::size_t number : {1U, 2U}) {
    files.push_back(shard_path(file, {number, 2}));
    const Plan part = part_of(plan, {number, 2});
    write_first(files.back(), part, part.runs.size());
  }
  const SweepStatus status = sweep_status(plan, file, files);
  EXPECT_EQ(status.complete, 8U);
  EXPECT_EQ(status.pending, 0U);
  ASSERT_THAT(status.files, SizeIs(3));
  EXPECT_EQ(status.files[1].runs, 4U);
  EXPECT_THAT(sweep_status(plan, folder / "y.h5", {folder / "y.h5"}).files, IsEmpty());
}

}  // namespace
}  // namespace plumbline
