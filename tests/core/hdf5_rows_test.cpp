// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "tests/core/hdf5_file.hpp"

namespace plumbline {
namespace {

using hdf5::RowReader;
using testing::ElementsAre;

// Of each test its own: they run side by side.
std::filesystem::path file_path() {
  return testing::TempDir() + "/hdf5_rows_" +
         testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5";
}

// The message behind the path of the error that opening the dataset throws; empty where it throws none.
std::string refusal(const std::string& name) {
  try {
    const RowReader reader(file_path(), name);
  } catch (const EnvironmentError& error) {
    const std::string path = file_path().string() + ": ";
    EXPECT_THAT(error.what(), testing::StartsWith(path));
    return std::string(error.what()).substr(path.size());
  }
  return "";
}

TEST(RowReaderTest, ReadsAnyRangeOfRows) {
  std::vector<double> values(5 * 2 * 3);
  std::iota(values.begin(), values.end(), 0.0);
  Hdf5File(file_path()).add("cubes", {5, 2, 3}, values);
  const RowReader reader(file_path(), "cubes");
  EXPECT_THAT(reader.shape(), ElementsAre(5, 2, 3));
  EXPECT_EQ(reader.rows(), 5U);
  EXPECT_EQ(reader.row_size(), 6U);
  EXPECT_FALSE(reader.holds_integers());
  for (std::size_t first = 0; first < 5; ++first) {
    for (std::size_t count = 0; first + count <= 5; ++count) {
      std::vector<float> rows(6 * count, -1);
      reader.read(first, count, rows);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i], static_cast<float>(6 * first + i)) << first << " + " << count;
      }
    }
  }
}

TEST(RowReaderTest, ReadsIntegersOfAnySizeAndByteOrder) {
  {
    Hdf5File file(file_path());
    file.add("bytes", {3}, {0, 7, 255}, H5T_STD_U8LE);
    file.add("wide", {2}, {-3, 9007199254740992.0}, H5T_STD_I64BE);
  }
  const RowReader bytes(file_path(), "bytes");
  EXPECT_TRUE(bytes.holds_integers());
  std::vector<std::int64_t> labels(3);
  bytes.read(0, 3, labels);
  EXPECT_THAT(labels, ElementsAre(0, 7, 255));
  labels.resize(1);
  RowReader(file_path(), "wide").read(1, 1, labels);
  EXPECT_THAT(labels, ElementsAre(9007199254740992));
}

TEST(RowReaderTest, MakesNumbersInfiniteThatSinglePrecisionCannotHold) {
  Hdf5File(file_path()).add("large", {2}, {1e39, std::nan("")});
  std::vector<float> values(2);
  RowReader(file_path(), "large").read(0, 2, values);
  EXPECT_TRUE(std::isinf(values[0]));
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST(RowReaderTest, NamesWhatIsNoDatasetOfRows) {
  {
    Hdf5File file(file_path());
    file.add("number", {}, {1});
    file.add_text("text");
    file.add_null("null");
    file.add_group("group");
  }
  EXPECT_EQ(refusal("absent"), "has no dataset 'absent'");
  EXPECT_EQ(refusal("number"), "'number' has no rows: it is a single number, or empty");
  EXPECT_EQ(refusal("null"), "'null' has no rows: it is a single number, or empty");
  EXPECT_EQ(refusal("text"), "'text' does not hold numbers");
  EXPECT_EQ(refusal("group"), "'group' is not a dataset");
}

TEST(RowReaderTest, NamesAFileThatIsMissingOrIsNoHdf5) {
  std::filesystem::remove(file_path());
  EXPECT_EQ(refusal("x"), "no such file");
  std::ofstream(file_path()) << "some text";
  EXPECT_THAT(refusal("x"), testing::StartsWith("cannot open it as HDF5: "));
}

}  // namespace
}  // namespace plumbline
