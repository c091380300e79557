// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_extent.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/error.hpp"

namespace plumbline::hdf5 {
namespace {

class Hdf5ExtentTest : public testing::Test {
 protected:
  ~Hdf5ExtentTest() override { std::filesystem::remove(path_); }

  // What sides_of() says of a dataset of bytes with these sides, in chunks of a side of at most 1000, of
  // which nothing or the first byte is written.
  std::string said_of(const std::vector<hsize_t>& sides, bool writes) const {
    const Turn turn;
    const Check check(path_);
    const Handle file(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    const Handle space(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr));
    const Handle made(H5Pcreate(H5P_DATASET_CREATE));
    std::vector<hsize_t> chunk;
    for (const hsize_t side : sides) chunk.push_back(std::clamp<hsize_t>(side, 1, 1000));
    H5Pset_chunk(made.id(), static_cast<int>(chunk.size()), chunk.data());
    const Handle dataset(
        H5Dcreate2(file.id(), "a", H5T_STD_U8LE, space.id(), H5P_DEFAULT, made.id(), H5P_DEFAULT));
    if (writes) {
      const std::vector<hsize_t> origin(sides.size(), 0);
      const std::vector<hsize_t> one(sides.size(), 1);
      const Handle from(H5Screate_simple(static_cast<int>(one.size()), one.data(), nullptr));
      H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, origin.data(), nullptr, one.data(), nullptr);
      const unsigned char value = 1;
      H5Dwrite(dataset.id(), H5T_NATIVE_UCHAR, from.id(), space.id(), H5P_DEFAULT, &value);
      H5Fflush(file.id(), H5F_SCOPE_LOCAL);
    }
    try {
      std::string text;
      for (const std::size_t side : sides_of(check, dataset, "'a'")) {
        text += std::to_string(side) + ' ';
      }
      return text;
    } catch (const EnvironmentError& error) {
      return std::string(error.what()).substr(path_.size());
    }
  }

  // A name for each test, as they run side by side.
  std::string path_ = testing::TempDir() + "hdf5_extent_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5";
};

TEST_F(Hdf5ExtentTest, GivesTheSidesOfWhatTheFileHolds) {
  EXPECT_EQ(said_of({3, 4}, true), "3 4 ");
  EXPECT_EQ(said_of({1000, 2}, true), "1000 2 ");
  EXPECT_EQ(said_of({0, 4}, false), "0 4 ");
}

TEST_F(Hdf5ExtentTest, BelievesWhatWasNeverWrittenUpToAMegabyte) {
  EXPECT_EQ(said_of({1000000}, false), "1000000 ");
  EXPECT_EQ(said_of({1000001, 1100}, false),
            ": 'a' is 1000001 x 1100, and the file holds 0 bytes of it; is it damaged?");
}

TEST_F(Hdf5ExtentTest, RefusesMoreThanCanBePackedIntoWhatIsThere) {
  // The one chunk of 1000 bytes can be 1,100,000 unpacked.
  EXPECT_EQ(said_of({1100999}, true), "1100999 ");
  EXPECT_EQ(said_of({1101100}, true),
            ": 'a' is 1101100, and the file holds 1000 bytes of it; is it damaged?");
}

TEST_F(Hdf5ExtentTest, RefusesWhatNoMemoryHolds) {
  EXPECT_EQ(said_of({2, 1000000000000}, false),
            ": 'a' is 2 x 1000000000000, more numbers than can be read");
  // The product of the sides is 2^66.
  EXPECT_EQ(said_of({hsize_t{1} << 62U, 16}, false),
            ": 'a' is 4611686018427387904 x 16, more numbers than can be read");
}

}  // namespace
}  // namespace plumbline::hdf5
