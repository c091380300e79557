// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/csv_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

using Records = std::vector<std::vector<std::string>>;

Records records_of(const std::string& text) {
  CsvReader reader(text, "file.csv");
  Records records;
  for (std::vector<CsvField> fields; reader.next(fields);) {
    records.emplace_back();
    for (const CsvField& field : fields) records.back().push_back(field.text);
  }
  return records;
}

std::string reader_error(const std::string& text) {
  return environment_error([&] { records_of(text); });
}

TEST(CsvReaderTest, ReadsFieldsOfRecords) {
  EXPECT_EQ(records_of("a,b\n1,2\n"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(records_of("a,b\r\n1,2"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(records_of("a, b ,\n,,c"), (Records{{"a", " b ", ""}, {"", "", "c"}}));
  EXPECT_EQ(records_of("a\n\nb\n"), (Records{{"a"}, {""}, {"b"}}));
  EXPECT_EQ(records_of(""), Records());
  EXPECT_EQ(records_of("\xEF\xBB\xBF"
                       "a,b"),
            (Records{{"a", "b"}}));
}

TEST(CsvReaderTest, ReadsQuotedFields) {
  EXPECT_EQ(records_of("\"a,b\",c\n"), (Records{{"a,b", "c"}}));
  EXPECT_EQ(records_of("\"say \"\"so\"\"\",\"\"\r\nx,y"),
            (Records{{"say \"so\"", ""}, {"x", "y"}}));
  EXPECT_EQ(records_of("\"two\nlines\",1\n2,3"), (Records{{"two\nlines", "1"}, {"2", "3"}}));
}

TEST(CsvReaderTest, RefusesQuotesOutOfPlaceWithLineAndColumn) {
  EXPECT_EQ(reader_error("a,b\n1,\"2\n"), "file.csv:2:3: the quote that opens here is not closed");
  EXPECT_EQ(reader_error("a,b\n1,2\"\n"), "file.csv:2:4: a quote inside a field without quotes");
  EXPECT_EQ(reader_error("a\n\"x\ny\" z\n"),
            "file.csv:3:3: something stands between a closing quote and the next comma");
}

TEST(CsvReaderTest, KnowsWhereAFieldBegins) {
  const std::string text = "\"x\ny\",b\n1,22,3";
  CsvReader reader(text, "f");
  std::vector<CsvField> fields;
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(fields[1].line, 2);
  EXPECT_EQ(fields[1].column, 4);
  ASSERT_TRUE(reader.next(fields));
  EXPECT_EQ(fields[2].line, 3);
  EXPECT_EQ(fields[2].column, 6);
}

class CsvTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    return path_ = folder_.write("flowers.csv", Bytes(text.begin(), text.end()));
  }
  Dataset read(std::vector<Setting> settings = {}) {
    settings.emplace_back("file", node(path_.string()));
    return load("csv", settings);
  }
  // What follows the path in the message about the file, or the whole of another message.
  std::string refusal(const std::string& text, const std::vector<Setting>& settings = {}) {
    write(text);
    const std::string message = definition_error([&] { read(settings); });
    const std::string prefix = "'file' cannot be used: " + path_.string();
    const std::size_t at = message.find(prefix);
    return at == std::string::npos ? message : message.substr(at + prefix.size());
  }
  // The setting as it is in force.
  std::string in_force(const std::string& name, std::vector<Setting> settings = {}) {
    settings.emplace_back("file", node(path_.string()));
    const SettingsTable table = settings_table(settings);
    SettingsReport report;
    Settings reader(table, "data", report);
    dataset_catalogue().find("csv")->make(reader);
    for (const ResolvedSetting& setting : report.resolved) {
      if (setting.key == "data." + name) return to_string(setting.value);
    }
    return "";
  }

  DataFolder folder_;
  std::filesystem::path path_;
};

SettingNode texts(const std::vector<std::string>& elements) {
  SettingList list;
  for (const std::string& element : elements) list.push_back(node(element));
  return {list, {}};
}

constexpr const char* kFlowers =
    "length,width,kind\n"
    "5.1,3.5,setosa\n"
    "4.9, +3e0 ,virginica\n"
    "6,-2.5,setosa\n";

TEST_F(CsvTest, TakesAllColumnsButTheLabelAsFeatures) {
  write(kFlowers);
  const Dataset data = read({{"label", node("kind")}});
  EXPECT_EQ(data.features, 2U);
  EXPECT_EQ(data.outputs, 2U);
  EXPECT_TRUE(data.has_labels);
  EXPECT_THAT(rows_of(data.train),
              UnorderedElementsAre(ElementsAre(5.1F, 3.5F, 0), ElementsAre(4.9F, 3, 1),
                                   ElementsAre(6, -2.5F, 0)));
}

TEST_F(CsvTest, TakesColumnsByNameInTheOrderOfTheNames) {
  write(kFlowers);
  const Dataset data = read({{"features", texts({"width", "length"})}, {"label", node("kind")}});
  EXPECT_THAT(rows_of(data.train), testing::Contains(ElementsAre(3.5F, 5.1F, 0)));
  const Dataset values = read({{"features", texts({"width"})}, {"targets", texts({"length"})}});
  EXPECT_FALSE(values.has_labels);
  EXPECT_EQ(values.outputs, 1U);
  EXPECT_THAT(
      rows_of(values.train),
      UnorderedElementsAre(ElementsAre(3.5F, 5.1F), ElementsAre(3, 4.9F), ElementsAre(-2.5F, 6)));
}

TEST_F(CsvTest, HasTheInputsAsTargetsWithoutLabelAndTargets) {
  write("a,b\n1,2\n");
  const Dataset data = read();
  EXPECT_FALSE(data.has_labels);
  EXPECT_EQ(data.outputs, 2U);
  EXPECT_THAT(rows_of(data.train), ElementsAre(ElementsAre(1, 2, 1, 2)));
}

TEST_F(CsvTest, SortsClassesAsNumbersWhereTheyAre) {
  write("x,y\n1,10\n2,9\n3,-1\n");
  EXPECT_THAT(rows_of(read({{"label", node("y")}}).train),
              UnorderedElementsAre(ElementsAre(1, 2), ElementsAre(2, 1), ElementsAre(3, 0)));
  write("x,y\n1,10\n2,9\n3,a\n");
  EXPECT_THAT(rows_of(read({{"label", node("y")}}).train),
              UnorderedElementsAre(ElementsAre(1, 0), ElementsAre(2, 1), ElementsAre(3, 2)));
}

TEST_F(CsvTest, TakesGivenClassesInTheirOrder) {
  write(kFlowers);
  const Dataset data = read({{"label", node("kind")}, {"classes", texts({"virginica", "setosa"})}});
  EXPECT_THAT(class_counts(data.train, 2), ElementsAre(1, 2));
}

TEST_F(CsvTest, IsTheSameByItsBytesAndNotByItsName) {
  write(kFlowers);
  const std::vector<Setting> label = {{"label", node("kind")}};
  const std::string content = in_force("content", label);
  EXPECT_EQ(content.size(), 18U) << "16 digits in quotes";
  EXPECT_EQ(in_force("train", label), "3");
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")}, {"content", node("abc")}}),
            ": 'content' is 'abc'; " + path_.string() + " has '" + content.substr(1, 16) + "'");
  write(std::string(kFlowers) + "1,1,setosa\n");
  EXPECT_NE(in_force("content", label), content);
}

TEST_F(CsvTest, RefusesAFileThatIsMissing) {
  EXPECT_EQ(definition_error([&] { load("csv", {{"file", node("/no/such/file.csv")}}); }),
            ": 'file' is '/no/such/file.csv', and there is no such file");
}

TEST_F(CsvTest, RefusesATruncatedGzipFile) {
  Bytes packed = gzipped(Bytes(1000, 'a'));
  packed.resize(packed.size() / 2);
  path_ = folder_.write("flowers.csv.gz", packed);
  EXPECT_EQ(definition_error([&] { read(); }),
            ": 'file' cannot be used: " + path_.string() + ": is truncated");
}

TEST_F(CsvTest, RefusesNumbersThatAreNone) {
  EXPECT_EQ(refusal("a,b\n1,2\n3,nan\n"),
            ":3:3: 'nan' in column 'b' is not a finite number in single precision");
  EXPECT_EQ(refusal("a,b\n-inf,2\n"),
            ":2:1: '-inf' in column 'a' is not a finite number in single precision");
  EXPECT_EQ(refusal("a\n1e39\n"),
            ":2:1: '1e39' in column 'a' is not a finite number in single precision");
  EXPECT_EQ(refusal("a\n1e999\n"),
            ":2:1: '1e999' in column 'a' is not a finite number in single precision");
  EXPECT_EQ(refusal("a,b\n1,two\n"), ":2:3: 'two' in column 'b' is not a number");
  EXPECT_EQ(refusal("a,b\n1,\n"), ":2:3: '' in column 'b' is not a number");
  EXPECT_EQ(refusal("a,b\n1,0x10\n"), ":2:3: '0x10' in column 'b' is not a number");
  EXPECT_EQ(refusal("a,b\n1,2 3\n"), ":2:3: '2 3' in column 'b' is not a number");
}

TEST_F(CsvTest, RefusesRaggedRows) {
  EXPECT_EQ(refusal("a,b\n1,2\n3\n"), ":3:1: has 1 field, and the header has 2");
  EXPECT_EQ(refusal("a,b\n1,2,3\n"), ":2:1: has 3 fields, and the header has 2");
  EXPECT_EQ(refusal("a,b\n1,2\n\n"), ":3:1: has 1 field, and the header has 2");
}

TEST_F(CsvTest, RefusesColumnsThatAreNotThere) {
  write(kFlowers);
  EXPECT_EQ(refusal(kFlowers, {{"label", node("knd")}}),
            ": 'label' names the column 'knd', which " + path_.string() +
                " does not have; did you mean 'kind'?");
  EXPECT_EQ(refusal(kFlowers, {{"features", texts({"width", "height"})}}),
            ": 'features' names the column 'height', which " + path_.string() +
                " does not have; known are length, width, kind");
  EXPECT_EQ(refusal(kFlowers, {{"targets", texts({"q"})}}),
            ": 'targets' names the column 'q', which " + path_.string() +
                " does not have; known are length, width, kind");
}

TEST_F(CsvTest, RefusesAClassWithoutExamplesAndOneThatIsNotGiven) {
  write(kFlowers);
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")},
                               {"classes", texts({"setosa", "versicolor", "virginica"})}}),
            ": 'classes' has 'versicolor', of which " + path_.string() + " has no example");
  EXPECT_EQ(
      refusal(kFlowers, {{"label", node("kind")}, {"classes", texts({"setosa", "virginic"})}}),
      ":3:12: 'virginica' in column 'kind' is none of the classes that are given; did you mean "
      "'virginic'?");
}

TEST_F(CsvTest, RefusesAFileWithoutHeaderOrRows) {
  EXPECT_EQ(refusal(""), ": is empty, without a header");
  EXPECT_EQ(refusal("5.1,3.5\n1,2\n"),
            ":1:1: '5.1' is a number; the first line must name the columns");
  EXPECT_EQ(refusal("a,b,a\n1,2,3\n"), ":1:5: there is a second column 'a'");
  EXPECT_EQ(refusal("a,b\n"), ": has no row beneath its header");
  EXPECT_EQ(refusal("y\nq\n", {{"label", node("y")}}), ": has no column left for the inputs");
}

TEST_F(CsvTest, RefusesSettingsThatDoNotFitEachOther) {
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")}, {"targets", texts({"width"})}}),
            ": 'targets' is given beside 'data.label'; give one of the two");
  EXPECT_EQ(refusal(kFlowers, {{"classes", texts({"a"})}}),
            ": 'classes' is given, and no 'data.label' that has them");
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")}, {"features", texts({"kind"})}}),
            ": 'features' holds 'kind', which is what is to be learnt");
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")}, {"valid", node(3)}}),
            ": 'train' is left no example: the other parts ask for 3; there are 3");
  EXPECT_EQ(refusal(kFlowers, {{"label", node("kind")}, {"train", node(2)}, {"test", node(2)}}),
            ": 'train' and the other parts ask for 4 examples; there are 3");
}

TEST_F(CsvTest, RefusesAFileThatChangedBetweenItsCheckAndItsUse) {
  write(kFlowers);
  const auto source = make_plugin(dataset_catalogue(), "csv",
                                  {{"file", node(path_.string())}, {"label", node("kind")}});
  write("length,width,kind\n5.2,3.5,setosa\n");
  EXPECT_EQ(environment_error([&] { source->load({}); }),
            path_.string() + ": has changed since it was checked");
}

}  // namespace
}  // namespace plumbline
