// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class Hdf5Test : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "own.h5"; }
  std::vector<Setting> all(std::vector<Setting> settings) const {
    settings.emplace_back("file", node(path().string()));
    return settings;
  }
  Dataset read(const std::vector<Setting>& settings = {}) const {
    return load("hdf5", all(settings));
  }
  // What follows the path in the message about the file, or the whole of another message.
  std::string refusal(const std::vector<Setting>& settings = {}) const {
    const std::string message = definition_error([&] { read(settings); });
    const std::string prefix = ": 'file' cannot be used: " + path().string();
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }

  DataFolder folder_;
};

std::vector<double> counting(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

TEST_F(Hdf5Test, ReadsInputsAndLabels) {
  {
    Hdf5File file(path());
    file.add("inputs", {3, 2}, {0, 0.5, 1, 1.5, 2, 2.5});
    file.add("labels", {3}, {1, 0, 1}, H5T_STD_U8LE);
  }
  const Dataset data = read();
  EXPECT_EQ(data.features, 2U);
  EXPECT_EQ(data.outputs, 2U);
  EXPECT_THAT(rows_of(data.train),
              UnorderedElementsAre(ElementsAre(0, 0.5F, 1), ElementsAre(1, 1.5F, 0),
                                   ElementsAre(2, 2.5F, 1)));
}

TEST_F(Hdf5Test, ReadsValuesAndDatasetsByOtherNames) {
  {
    Hdf5File file(path());
    file.add("x", {2}, {1, 2}, H5T_STD_I16BE);
    file.add("y", {2, 3}, counting(6), H5T_IEEE_F32BE);
  }
  const Dataset data = read({{"inputs", node("x")}, {"values", node("y")}});
  EXPECT_FALSE(data.has_labels);
  EXPECT_EQ(data.features, 1U);
  EXPECT_EQ(data.outputs, 3U);
  EXPECT_THAT(rows_of(data.train),
              UnorderedElementsAre(ElementsAre(1, 0, 1, 2), ElementsAre(2, 3, 4, 5)));
  EXPECT_EQ(rows_of(read({{"inputs", node("y")}, {"labels", node("")}}).train).front().size(), 6U)
      << "the inputs as targets";
}

TEST_F(Hdf5Test, TakesTheShapeOfAnExampleFromTheAxes) {
  {
    Hdf5File file(path());
    file.add("flat", {2, 24}, counting(48));
    file.add("plane", {2, 4, 6}, counting(48));
    file.add("planes", {2, 3, 4, 2}, counting(48));
    file.add("films", {2, 2, 3, 2, 2}, counting(48));
  }
  const auto shape = [&](const char* inputs, const char* axes) {
    return to_string(
        read({{"inputs", node(inputs)}, {"labels", node("")}, {"axes", node(axes)}}).shape);
  };
  EXPECT_EQ(shape("flat", "image"), "24");
  EXPECT_EQ(shape("plane", "image"), "1 x 4 x 6");
  EXPECT_EQ(shape("plane", "sequence"), "4 steps of 6");
  EXPECT_EQ(shape("planes", "image"), "3 x 4 x 2");
  EXPECT_EQ(shape("films", "image"), "2 steps of 3 x 2 x 2");
}

TEST_F(Hdf5Test, ReadsATargetAtEachStep) {
  {
    Hdf5File file(path());
    file.add("inputs", {2, 3, 2}, counting(12));
    file.add("labels", {2, 3}, {0, 1, 2, 2, 1, 0}, H5T_STD_I32LE);
    file.add("values", {2, 3, 4}, counting(24));
  }
  const Dataset labels = read({{"axes", node("sequence")}});
  EXPECT_EQ(labels.target_steps, 3U);
  EXPECT_EQ(labels.outputs, 3U);
  EXPECT_THAT(rows_of(labels.train),
              UnorderedElementsAre(ElementsAre(0, 1, 2, 3, 4, 5, 0, 1, 2),
                                   ElementsAre(6, 7, 8, 9, 10, 11, 2, 1, 0)));
  const Dataset values = read({{"axes", node("sequence")}, {"values", node("values")}});
  EXPECT_EQ(values.target_steps, 3U);
  EXPECT_EQ(values.outputs, 4U);
  EXPECT_EQ(values.train.values.shape()[1], 12U);
  EXPECT_EQ(refusal(), ": 'labels' has 3 targets an example, and 'inputs' has 1 step");
}

TEST_F(Hdf5Test, DealsPartsOrReadsThemFromDatasetsOfTheirOwn) {
  {
    Hdf5File file(path());
    file.add("inputs", {6}, counting(6));
    file.add("labels", {6}, {0, 1, 0, 1, 0, 1}, H5T_STD_U8LE);
    file.add("late", {3}, {10, 11, 12});
    file.add("late_labels", {3}, {1, 1, 0}, H5T_STD_U8LE);
  }
  const Dataset dealt_parts = read({{"valid", node(1)}, {"test", node(2)}});
  EXPECT_EQ(dealt_parts.train.size(), 3U);
  EXPECT_EQ(dealt_parts.valid.size(), 1U);
  EXPECT_EQ(dealt_parts.test.size(), 2U);
  EXPECT_EQ(dealt(dealt_parts), dealt(read()));
  const std::vector<Setting> own = {
      {"test_inputs", node("late")}, {"test_targets", node("late_labels")}, {"valid", node(2)}};
  const Dataset data = read(own);
  EXPECT_EQ(data.train.size(), 4U);
  EXPECT_EQ(data.valid.size(), 2U);
  EXPECT_THAT(rows_of(data.test),
              ElementsAre(ElementsAre(10, 1), ElementsAre(11, 1), ElementsAre(12, 0)));
  std::vector<Setting> fewer = own;
  fewer.emplace_back("test", node(1));
  EXPECT_THAT(rows_of(read(fewer).test), ElementsAre(ElementsAre(10, 1)));
  fewer.back() = {"test", node(4)};
  EXPECT_EQ(refusal(fewer), ": 'test' is 4; there are 3");
}

TEST_F(Hdf5Test, IsTheSameByItsNumbersAndNotByItsName) {
  const auto content = [&] {
    const SettingsTable table = settings_table(all({{"labels", node("")}}));
    SettingsReport report;
    Settings settings(table, "data", report);
    const auto source = dataset_catalogue().find("hdf5")->make(settings);
    const auto found = std::ranges::find(report.resolved, "data.content", &ResolvedSetting::key);
    return to_string(found->value);
  };
  Hdf5File(path()).add("inputs", {2}, {1, 2});
  const std::string first = content();
  EXPECT_EQ(first.size(), 18U);
  Hdf5File(path()).add("inputs", {2}, {1, 2}, H5T_STD_I8LE);
  EXPECT_EQ(content(), first) << "stored otherwise";
  Hdf5File(path()).add("inputs", {2}, {1, 3});
  EXPECT_NE(content(), first);
}

TEST_F(Hdf5Test, ReadsMoreThanOneBlockOfRows) {
  // A block has 2^20 numbers.
  constexpr std::size_t kRows = 3 * 700;
  std::vector<double> inputs(kRows * 1000, 0);
  for (std::size_t i = 0; i < kRows; ++i) inputs[i * 1000] = static_cast<double>(i);
  Hdf5File(path()).add("inputs", {kRows, 1000}, inputs, H5T_STD_I16LE);
  const Dataset data = read({{"labels", node("")}});
  std::vector<float> first;
  for (std::size_t i = 0; i < kRows; ++i) first.push_back(data.train.inputs(i, 0));
  std::ranges::sort(first);
  for (std::size_t i = 0; i < kRows; ++i) ASSERT_EQ(first[i], static_cast<float>(i));
  inputs.back() = std::nan("");
  Hdf5File(path()).add("inputs", {kRows, 1000}, inputs);
  EXPECT_EQ(refusal({{"labels", node("")}}),
            ": 'inputs' holds a number that is not finite in single precision in row 2099");
}

TEST_F(Hdf5Test, RefusesAFileThatIsMissingOrTruncatedOrNoHdf5) {
  EXPECT_EQ(definition_error([] { load("hdf5", {{"file", node("/no/such/file.h5")}}); }),
            ": 'file' is '/no/such/file.h5', and there is no such file");
  Hdf5File(path()).add("inputs", {1000}, counting(1000));
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) / 2);
  EXPECT_THAT(refusal(),
              testing::AllOf(StartsWith(": cannot open it as HDF5: "), HasSubstr("truncated")));
  std::ofstream(path()) << "some text";
  EXPECT_THAT(refusal(), StartsWith(": cannot open it as HDF5: "));
}

TEST_F(Hdf5Test, RefusesOtherShapes) {
  {
    Hdf5File file(path());
    file.add("inputs", {3, 2}, counting(6));
    file.add("labels", {4}, counting(4), H5T_STD_U8LE);
    file.add("deep", {3, 1, 1, 1, 1, 1}, counting(3));
    file.add("none", {0, 2}, {0});
    file.add("narrow", {3, 0}, {0});
    file.add("values", {3, 1, 1, 1}, counting(3));
    file.add("table", {3, 1, 1}, counting(3), H5T_STD_U8LE);
  }
  const auto with_inputs = [&](const char* name) {
    return refusal({{"inputs", node(name)}, {"labels", node("")}});
  };
  EXPECT_EQ(refusal(), ": 'inputs' has 3 rows, and 'labels' has 4");
  EXPECT_EQ(with_inputs("absent"), ": has no dataset 'absent'");
  EXPECT_EQ(with_inputs("deep"), ": 'deep' is 3 x 1 x 1 x 1 x 1 x 1; expected at most 5 axes");
  EXPECT_EQ(with_inputs("none"), ": 'none' has no row");
  EXPECT_EQ(with_inputs("narrow"), ": 'narrow' has no value in a row");
  EXPECT_EQ(refusal({{"values", node("values")}}),
            ": 'values' is 3 x 1 x 1 x 1; expected rows x values, or rows x steps x values");
  EXPECT_EQ(refusal({{"labels", node("table")}}),
            ": 'table' is 3 x 1 x 1; expected rows, or rows x steps");
}

TEST_F(Hdf5Test, RefusesOtherTypes) {
  {
    Hdf5File file(path());
    file.add("inputs", {3}, counting(3));
    file.add("labels", {3}, counting(3));
    file.add_text("text");
  }
  EXPECT_EQ(refusal(), ": 'labels' holds floating-point numbers; class labels are integers");
  EXPECT_EQ(refusal({{"inputs", node("text")}, {"labels", node("")}}),
            ": 'text' does not hold numbers");
}

TEST_F(Hdf5Test, RefusesLabelsOutOfRangeAndAClassWithoutExamples) {
  {
    Hdf5File file(path());
    file.add("inputs", {4}, counting(4));
    file.add("labels", {4}, {0, 3, 0, 1}, H5T_STD_I8LE);
    file.add("negative", {4}, {0, 1, -1, 1}, H5T_STD_I8LE);
    file.add("whole", {4}, {0, 2, 0, 1}, H5T_STD_I8LE);
  }
  EXPECT_EQ(refusal(), ": 'labels' has no example of class 2; classes are 0 to 3");
  EXPECT_EQ(refusal({{"classes", node(3)}}), ": 'labels' holds 3 in row 1; labels are from 0 to 2");
  EXPECT_EQ(refusal({{"labels", node("whole")}, {"classes", node(4)}}),
            ": 'whole' has no example of class 3; classes are 0 to 3");
  EXPECT_EQ(read({{"labels", node("whole")}, {"classes", node(3)}}).outputs, 3U);
  EXPECT_EQ(refusal({{"labels", node("negative")}, {"classes", node(2)}}),
            ": 'negative' holds -1 in row 2; labels are from 0 to 1");
}

TEST_F(Hdf5Test, RefusesPartsThatDoNotFitEachOther) {
  {
    Hdf5File file(path());
    file.add("inputs", {2, 2}, counting(4));
    file.add("labels", {2}, {0, 1}, H5T_STD_U8LE);
    file.add("wide", {2, 3}, counting(6));
  }
  EXPECT_EQ(refusal({{"test_inputs", node("wide")}, {"test_targets", node("labels")}}),
            ": 'wide' has 3 an example, and the training part has 2");
  EXPECT_EQ(refusal({{"test_inputs", node("inputs")}}),
            ": 'test_targets' is not given, and the inputs of that part are");
  EXPECT_EQ(refusal({{"valid_targets", node("labels")}}),
            ": 'valid_targets' is given, and has no inputs or no use");
  EXPECT_EQ(refusal({{"labels", node("labels")}, {"values", node("wide")}}),
            ": 'labels' is given beside 'data.values'; give one of the two");
}

}  // namespace
}  // namespace plumbline
