// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_array.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/core/error.hpp"
#include "tests/core/hdf5_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<double> kValues = {1, -2, 3, 0.5, 5, 6};

/// A file of the test's own, with what may be in one.
class Hdf5Array : public testing::Test {
 protected:
  void SetUp() override {
    Hdf5File file(path_);
    file.add("table", {2, 3}, kValues);
    file.add("line", {2}, {7, 8});
    file.add("one", {}, {9});
    file.add("none", {0, 3}, {});
    file.add("float32", {2, 3}, kValues, H5T_IEEE_F32LE);
    file.add("big_endian", {2, 3}, kValues, H5T_IEEE_F64BE);
    file.add("integers", {3}, {1, -2, 3}, H5T_STD_I16BE);
    file.add_text("text");
    file.add_null("null");
    file.add_group("group");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string complaint(const std::string& name) const {
    try {
      hdf5::read_array(path_, name);
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "none";
  }

  const std::filesystem::path path_ =
      testing::TempDir() + "hdf5_array_" +
      testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5";
};

TEST_F(Hdf5Array, HasShapeAndValuesInRowMajorOrder) {
  EXPECT_EQ(hdf5::read_array(path_, "table"), (hdf5::Array{{2, 3}, kValues}));
  EXPECT_EQ(hdf5::read_array(path_, "line"), (hdf5::Array{{2}, {7, 8}}));
  EXPECT_EQ(hdf5::read_array(path_, "one"), (hdf5::Array{{}, {9}}));
  EXPECT_EQ(hdf5::read_array(path_, "none"), (hdf5::Array{{0, 3}, {}}));
}

TEST_F(Hdf5Array, MayBeStoredAsAnyNumericalType) {
  EXPECT_EQ(hdf5::read_array(path_, "float32"), (hdf5::Array{{2, 3}, kValues}));
  EXPECT_EQ(hdf5::read_array(path_, "big_endian"), (hdf5::Array{{2, 3}, kValues}));
  EXPECT_EQ(hdf5::read_array(path_, "integers"), (hdf5::Array{{3}, {1, -2, 3}}));
}

TEST_F(Hdf5Array, NamesAreSorted) {
  EXPECT_THAT(hdf5::names_in(path_), ElementsAre("big_endian", "float32", "group", "integers",
                                                 "line", "none", "null", "one", "table", "text"));
}

TEST_F(Hdf5Array, IsRefusedWithPathAndNameWhereItHasNoNumbers) {
  EXPECT_EQ(complaint("tabel"), path_.string() + ": has no dataset 'tabel'");
  EXPECT_EQ(complaint("text"), path_.string() + ": 'text' does not hold numbers");
  EXPECT_EQ(complaint("null"), path_.string() + ": 'null' is empty");
  EXPECT_EQ(complaint("group"), path_.string() + ": 'group' is not a dataset");
}

TEST_F(Hdf5Array, NeedsAnHdf5File) {
  std::filesystem::remove(path_);
  EXPECT_EQ(complaint("table"), path_.string() + ": no such file");
  EXPECT_THROW(hdf5::names_in(path_), EnvironmentError);
  std::ofstream(path_) << "numbers";
  EXPECT_THAT(complaint("table"), HasSubstr(path_.string() + ": cannot open it as HDF5: "));
}

}  // namespace
}  // namespace plumbline
