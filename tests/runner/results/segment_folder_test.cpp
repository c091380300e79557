// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/segment_folder.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Segments : public testing::Test {
 protected:
  FinishedRun finished(std::size_t index, const std::string& run_id) const {
    return {run_id, example_record(plan_, index), {"höhle", 3}};
  }
  FinishedRun finished(std::size_t index) const {
    return finished(index, plan_.runs[index].run_id);
  }
  std::unique_ptr<SegmentFolder> open() {
    return std::make_unique<SegmentFolder>(folder_ / "segments", plan_.definition, provenance_,
                                           err_);
  }

  const TemporaryFolder folder_;
  const Plan plan_ = ragged_plan();
  const Provenance provenance_ = example_provenance();
  std::ostringstream err_;
};

TEST_F(Segments, HoldRunsOfDifferentShapeBitForBit) {
  const auto folder = open();
  std::vector<FinishedRun> runs;
  for (const std::size_t i : {7U, 0U, 3U, 4U}) runs.push_back(finished(i));
  runs.push_back({example_run_id(99), {}, {"höhle", 3}});
  runs.back().record.status = RunStatus::failed;
  runs.back().record.message = "out of memory";
  folder->add(runs);
  const ResultsReader reader(folder->files().at(0));
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(reader.read(i), runs[i].record);
    EXPECT_EQ(reader.place(i), runs[i].place);
    EXPECT_EQ(reader.run_ids()[i], runs[i].run_id);
  }
  EXPECT_EQ(reader.read(4).status, RunStatus::failed);
  EXPECT_EQ(reader.read(4).message, "out of memory");
  EXPECT_THAT(reader.read(4).steps, IsEmpty());
}

TEST_F(Segments, HoldFailedRunsAlone) {
  const auto folder = open();
  FinishedRun failed{example_run_id(1), {}, {}};
  failed.record.status = RunStatus::failed;
  folder->add(std::vector{failed});
  EXPECT_EQ(ResultsReader(folder->files().at(0)).read(0).status, RunStatus::failed);
}

// Every file that is there at any time is counted, the temporary one of a merge too.
TEST_F(Segments, StayFewAndLoseNoRunHoweverManyCome) {
  constexpr std::size_t kAdded = 100;
  constexpr std::size_t kMost = 36;
  const auto folder = open();
  const auto count_files = [&] {
    const fs::directory_iterator files(folder_ / "segments");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  };
  std::size_t most = 0;
  for (std::size_t i = 0; i < kAdded; ++i) {
    folder->add(std::vector{finished(i % 8, example_run_id(i))});
    while (folder->merge_some()) most = std::max(most, count_files());
    most = std::max(most, count_files());
  }
  EXPECT_LE(most, kMost);
  EXPECT_GT(most, 16U) << "nothing was ever merged?";
  std::map<std::string, int> found;
  for (const fs::path& path : folder->files()) {
    EXPECT_TRUE(has_whole_seal(path));
    const ResultsReader reader(path);
    const std::vector<std::string> ids = reader.run_ids();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ++found[ids[i]];
      expect_same_bits(reader.read(i), example_record(plan_, std::stoul(ids[i], nullptr, 16) % 8));
    }
  }
  EXPECT_EQ(found.size(), kAdded);
  EXPECT_TRUE(std::ranges::all_of(found, [](const auto& run) { return run.second == 1; }));
  EXPECT_EQ(open()->files(), folder->files()) << "another process sees the same";
}

TEST_F(Segments, ThatAreMergedKeepTheLatestRecordOfARun) {
  const auto folder = open();
  FinishedRun failed = finished(0);
  failed.record = {};
  failed.record.status = RunStatus::failed;
  folder->add(std::vector{failed});
  folder->add(std::vector{finished(0), finished(1)});
  SegmentMerge merge(folder->files(), folder_ / "merged.h5", plan_.definition, provenance_);
  EXPECT_EQ(merge.runs(), 2U);
  while (merge.step()) continue;
  const ResultsReader reader(folder_ / "merged.h5");
  EXPECT_THAT(reader.statuses(), ElementsAre(RunStatus::complete, RunStatus::complete));
}

TEST_F(Segments, ThatAreMergedAfterAnEditOfTheDefinitionSayWhatMadeThem) {
  open()->add(std::vector{finished(0)});
  Provenance later = provenance_;
  later.back().second = "plumbline run later";
  const auto merged = [&](const Definition& definition) {
    SegmentMerge merge(open()->files(), folder_ / "merged.h5", definition, later);
    while (merge.step()) continue;
    return std::make_unique<ResultsReader>(folder_ / "merged.h5");
  };
  EXPECT_EQ(merged(plan_.definition)->provenance("command_line"), "plumbline run later");
  Definition edited = plan_.definition;
  edited.name = edited.title = edited.question = edited.text = "edited";
  edited.sha256 = std::string(64, 'b');
  Definition overridden = plan_.definition;
  overridden.overrides = {"model.width=8"};
  for (const Definition& definition : {edited, overridden}) {
    const auto reader = merged(definition);
    EXPECT_EQ(reader->attribute("definition_sha256"), plan_.definition.sha256);
    EXPECT_EQ(reader->attribute("title"), plan_.definition.title);
    EXPECT_EQ(reader->attribute("summary"), plan_.definition.question);
    EXPECT_EQ(reader->attribute("id"), "example.segment");
    EXPECT_EQ(reader->provenance("definition"), plan_.definition.text);
    EXPECT_EQ(reader->provenance("overrides"), "");
    EXPECT_EQ(reader->provenance("command_line"), "plumbline run example");
  }
}

TEST_F(Segments, ThatAreMergedAfterADefinitionGrewAreOfTheLast) {
  Definition grown = plan_.definition;
  grown.text = "grown";
  grown.sha256 = std::string(64, 'b');
  open()->add(std::vector{finished(0)});
  SegmentFolder(folder_ / "segments", grown, provenance_, err_).add(std::vector{finished(1)});
  SegmentMerge merge(open()->files(), folder_ / "merged.h5", grown, provenance_);
  while (merge.step()) continue;
  const ResultsReader reader(folder_ / "merged.h5");
  EXPECT_EQ(reader.attribute("definition_sha256"), grown.sha256);
  EXPECT_EQ(reader.provenance("definition"), "grown");
}

TEST_F(Segments, ThatAreDamagedAreLeftOutWithAMessageAndRemoved) {
  {
    const auto folder = open();
    folder->add(std::vector{finished(0)});
    folder->add(std::vector{finished(1)});
    folder->add(std::vector{finished(2)});
  }
  const fs::path second = folder_ / "segments" / "00000002.h5";
  // In a text, which the checksums of HDF5 do not cover.
  std::string bytes;
  {
    std::ifstream file(second, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::size_t place = bytes.find("höhle");
  ASSERT_NE(place, std::string::npos);
  bytes[place] = 'H';
  std::ofstream(second, std::ios::binary) << bytes;
  std::ofstream(folder_ / "segments" / "00000004.h5.4711.tmp") << "half";

  const auto folder = open();
  EXPECT_EQ(folder->files().size(), 2U);
  EXPECT_THAT(err_.str(),
              HasSubstr("00000002.h5: is damaged and left out; its runs are computed again"));
  EXPECT_FALSE(fs::exists(second));
  EXPECT_FALSE(fs::exists(folder_ / "segments" / "00000004.h5.4711.tmp"));
  folder->add(std::vector{finished(3)});
  EXPECT_EQ(folder->files().back().filename(), "00000004.h5") << "numbers only rise";
}

// A link to itself can be listed, but not opened.
TEST_F(Segments, ThatCannotBeOpenedStay) {
  open()->add(std::vector{finished(0)});
  const fs::path second = folder_ / "segments" / "00000002.h5";
  fs::create_symlink(second.filename(), second);
  EXPECT_THAT(complaint([&] { open(); }), HasSubstr("00000002.h5: cannot read it: "));
  EXPECT_TRUE(fs::is_symlink(second));
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Segments, AreNotTakenForLostWhereNoMoreFilesCanBeOpened) {
  open()->add(std::vector{finished(0)});
  const fs::path folder = folder_ / "segments";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  // Kept until files can be opened again: sanitizers open one to look at an object.
  const auto caught = [](const auto& call) {
    try {
      call();
    } catch (...) {
      return std::current_exception();
    }
    return std::exception_ptr();
  };
  const std::exception_ptr errors[] = {caught([&] { open(); }),
                                       caught([&] { segment_files(folder); }),
                                       caught([&] { has_whole_seal(folder / "00000001.h5"); })};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto text = [](const std::exception_ptr& error) {
    return complaint([&] {
      if (error != nullptr) std::rethrow_exception(error);
    });
  };
  const std::string of_folder = text(errors[0]);
  const std::string of_list = text(errors[1]);
  const std::string of_seal = text(errors[2]);
  EXPECT_THAT(of_folder, HasSubstr("segments: cannot read the folder: Too many open files"));
  EXPECT_EQ(of_list, of_folder);
  EXPECT_THAT(of_seal, HasSubstr("00000001.h5: cannot read it: Too many open files"));
  EXPECT_EQ(open()->files().size(), 1U);
}

TEST_F(Segments, GoWithTheirFolder) {
  const auto folder = open();
  folder->add(std::vector{finished(0)});
  folder->remove_all();
  EXPECT_THAT(folder_.names(), IsEmpty());
  EXPECT_THAT(folder->files(), IsEmpty());
}

}  // namespace
}  // namespace plumbline
