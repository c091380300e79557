// SPDX-License-Identifier: Apache-2.0
// What happens to a results file when the disk is full. A limit on the size of files stands for the
// disk: it fails the same calls, and needs no rights.
#include "experiments/runner/results/results_file.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

/// Writes the file where files may have `limit` bytes, which fails as a full disk does. Returns how
/// far it came, or ends the program where it fails in another way than it should.
int write_with_limit(const fs::path& path, const Plan& plan, rlim_t limit) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limited{limit, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limited);
  int reached = 0;
  const std::string text = complaint([&] {
    ResultsWriter writer(path, plan, example_provenance());
    reached = 1;
    for (std::size_t i = 0; i < plan.runs.size(); ++i) writer.write(i, example_record(plan, i));
    reached = 2;
    writer.close();
    reached = 3;
  });
  setrlimit(RLIMIT_FSIZE, &before);
  // The library never begins a flush that would fail: "cannot write it: ...".
  const bool is_clear = text.starts_with(path.string() + ": cannot ") &&
                        text.find("File too large") != text.npos &&
                        text.find("cannot write it:") == text.npos;
  if (reached < 3 && !is_clear) {
    std::cerr << "at " << limit << " bytes: '" << text << "'\n";
    std::_Exit(1);
  }
  return reached;
}

std::ptrdiff_t open_descriptors() {
  return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// Fails at every place there is. Returns 0 where each failure was as it should be.
int fill_the_disk() {
  std::signal(SIGXFSZ, SIG_IGN);
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  write_all(folder / "whole.h5", plan);
  const auto whole = static_cast<rlim_t>(fs::file_size(folder / "whole.h5"));
  fs::remove(folder / "whole.h5");
  const std::ptrdiff_t descriptors = open_descriptors();
  // In small steps, so that each part of the writing is hit.
  std::vector<int> times_reached(4, 0);
  for (rlim_t limit = 0; limit < whole; limit += 997) {
    ++times_reached[static_cast<std::size_t>(write_with_limit(folder / "a.h5", plan, limit))];
    if (!folder.names().empty()) {
      std::cerr << "left behind at " << limit << " bytes: " << folder.names()[0] << '\n';
      return 1;
    }
  }
  std::cerr << "failed in the creation " << times_reached[0] << " times, in a write "
            << times_reached[1] << " times, in the close " << times_reached[2] << " times\n";
  if (times_reached[0] == 0 || times_reached[2] == 0 || times_reached[3] != 0) return 1;
  // Nothing holds the space of the removed files, and the library still works.
  if (open_descriptors() != descriptors) {
    std::cerr << "open files: " << open_descriptors() << ", before: " << descriptors << '\n';
    return 1;
  }
  write_all(folder / "a.h5", plan);
  const bool works =
      ResultsReader(folder / "a.h5").read(7).digest == example_record(plan, 7).digest;
  return works ? 0 : 1;
}

TEST(OutputFileDeathTest, AFullDiskIsAnErrorAndLeavesNothingBehind) {
  // A fresh process: the fork of one with threads may not go on.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(fill_the_disk()), testing::ExitedWithCode(0), "");
}

/// As fill_the_disk(), where the library cannot even let go of the file: the limit is final.
int fill_the_disk_for_good() {
  std::signal(SIGXFSZ, SIG_IGN);
  const TemporaryFolder folder;
  const Plan plan = ragged_plan();
  const rlimit limit{4096, 4096};
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string text = complaint([&] { write_all(folder / "a.h5", plan); });
  return text.find("File too large") != text.npos && folder.names().empty() ? 0 : 1;
}

TEST(OutputFileDeathTest, AFileThatCannotBeClosedDoesNoHarmAtTheEnd) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "HDF5 leaks a file that it cannot close";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // std::exit runs what the library does at the end of a program.
  EXPECT_EXIT(std::exit(fill_the_disk_for_good()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace plumbline
