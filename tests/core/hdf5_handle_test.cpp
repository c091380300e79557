// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_handle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_rows.hpp"
#include "tests/core/hdf5_file.hpp"

namespace plumbline {
namespace {

TEST(Hdf5TurnTest, IsOneThreadsAtATimeHoweverManyThatHolds) {
  std::atomic<int> inside{0};
  std::atomic<int> met{0};
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      const hdf5::Turn turn;
      const hdf5::Turn second;
      if (++inside > 1) ++met;
      std::this_thread::yield();
      --inside;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) threads.emplace_back(work);
  }
  EXPECT_EQ(met, 0);
}

TEST(Hdf5TurnTest, LetsThreadsReadOneFileAndHearTheirOwnErrors) {
  const std::string path = testing::TempDir() + "/hdf5_turns.h5";
  std::vector<double> values(2000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  Hdf5File(path).add("rows", {1000, 2}, values);
  const hdf5::RowReader shared(path, "rows");
  std::atomic<int> wrong{0};
  const auto work = [&](std::size_t thread) {
    for (std::size_t i = 0; i < 200; ++i) {
      const std::size_t row = (37 * i + thread) % 1000;
      std::vector<float> two(2);
      if (i % 2 == 0) {
        shared.read(row, 1, two);
      } else {
        hdf5::RowReader(path, "rows").read(row, 1, two);
      }
      if (two[1] != static_cast<float>(2 * row + 1)) ++wrong;
      const std::string absent = "absent" + std::to_string(thread);
      try {
        const hdf5::RowReader reader(path, absent);
        ++wrong;
      } catch (const EnvironmentError& error) {
        if (error.what() != path + ": has no dataset '" + absent + "'") ++wrong;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) threads.emplace_back(work, thread);
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace plumbline
