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

}  // namespace
}  // namespace plumbline
