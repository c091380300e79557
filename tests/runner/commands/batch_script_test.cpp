// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/batch_script.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/error.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

const JobRequest kRequest{.name = "plumbline d",
                          .partition = "",
                          .time = "00:10:00",
                          .memory = "300M",
                          .cpus = 2,
                          .options = {}};
const JobCall kCall{"/home/me", "/opt/plumbline", "", {"-o", "/data/d.h5", "/home/me/d.toml"}};

TEST(BatchScriptTest, IsWhatAReaderWouldWriteByHand) {
  EXPECT_EQ(shards_script(kRequest, kCall, 8, 4, "/data/d.slurm"),
            R"(#!/bin/bash
#SBATCH --job-name="plumbline d"
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --time="00:10:00"
#SBATCH --mem="300M"
#SBATCH --output="/data/d.slurm/shard-%a.log"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --array=1-8%4

cd -- /home/me || exit 3
exec /opt/plumbline run --shard "$SLURM_ARRAY_TASK_ID/8" --threads 2 \
  -o /data/d.h5 \
  /home/me/d.toml
)");
}

TEST(BatchScriptTest, QuotesForTheShellAndForSlurm) {
  JobCall call = kCall;
  call.folder = "/home/m'e $x";
  call.data_variable = "my data";
  call.words = {"model.widths=[1, 2]", ""};
  const std::string script = shards_script(kRequest, call, 1, 0, "/a \"b\" %j");
  EXPECT_THAT(script, HasSubstr("#SBATCH --output=\"/a \\\"b\\\" %%j/shard-%a.log\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --array=1-1\n"));
  EXPECT_THAT(script, HasSubstr("\ncd -- '/home/m'\\''e $x' || exit 3\n"));
  EXPECT_THAT(script, HasSubstr("\nexport PLUMBLINE_DATA='my data'\n"));
  EXPECT_THAT(script, HasSubstr(" \\\n  'model.widths=[1, 2]' \\\n  ''\n"));
}

TEST(BatchScriptTest, RefusesWhatSlurmCannotRead) {
  EXPECT_THROW(shards_script(kRequest, kCall, 1, 0, "/a\\b"), EnvironmentError);
  EXPECT_THROW(merge_script(kRequest, kCall, "/a\nb"), EnvironmentError);
  JobRequest request = kRequest;
  request.time = "1\n#SBATCH --account=other";
  EXPECT_THROW(merge_script(request, kCall, "/a"), EnvironmentError);
}

TEST(BatchScriptTest, WritesTimesAsSlurmReadsThem) {
  EXPECT_EQ(slurm_time(0), "00:00:00");
  EXPECT_EQ(slurm_time(61), "00:02:00");
  EXPECT_EQ(slurm_time(3600), "01:00:00");
  EXPECT_EQ(slurm_time(86400 * 2 + 3600 * 3 + 60), "2-03:01:00");
}

TEST(BatchScriptTest, ReadsTimesAsSlurmDoes) {
  constexpr double kDay = 86400;
  EXPECT_EQ(read_slurm_time("90"), 5400.0);
  EXPECT_EQ(read_slurm_time("90:30"), 5430.0);
  EXPECT_EQ(read_slurm_time("02:30:01"), 9001.0);
  EXPECT_EQ(read_slurm_time("2-3"), 2 * kDay + 3 * 3600);
  EXPECT_EQ(read_slurm_time("2-03:04"), 2 * kDay + 3 * 3600 + 4 * 60);
  EXPECT_EQ(read_slurm_time("2-03:04:05"), 2 * kDay + 3 * 3600 + 4 * 60 + 5);
  EXPECT_EQ(read_slurm_time("0"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(read_slurm_time("UNLIMITED"), std::numeric_limits<double>::infinity());
  for (const char* wrong : {"", "1h", "10 min", ":30", "1:", "1:2:3:4", "1-", "-1", "1-2:3:4:5",
                            "1.5", "+5", "1--2", "99999999999"}) {
    EXPECT_EQ(read_slurm_time(wrong), std::nullopt) << wrong;
  }
  for (const double seconds : {60.0, 3600.0, 2 * kDay + 3 * 3600 + 60}) {
    EXPECT_EQ(read_slurm_time(slurm_time(seconds)), seconds);
  }
}

TEST(BatchScriptTest, ReadsSizesOfMemoryAsSlurmDoes) {
  EXPECT_EQ(read_slurm_memory("800"), 800.0 * 1048576);
  EXPECT_EQ(read_slurm_memory("800M"), 800.0 * 1048576);
  EXPECT_EQ(read_slurm_memory("512k"), 512.0 * 1024);
  EXPECT_EQ(read_slurm_memory("16G"), 16.0 * 1073741824);
  EXPECT_EQ(read_slurm_memory("1T"), 1099511627776.0);
  EXPECT_EQ(read_slurm_memory("0"), std::numeric_limits<double>::infinity());
  for (const char* wrong : {"", "G", "16GB", "1.5G", "-1G", "16 G", "sixteen", "16P"}) {
    EXPECT_EQ(read_slurm_memory(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace plumbline
