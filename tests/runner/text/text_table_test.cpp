// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/text/text_table.hpp"

#include <limits>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TextTable runs_table() {
  TextTable table({{"run", Align::left}, {"steps", Align::right}, {"note", Align::left}});
  table.add_row({"a", "5", "first"});
  table.add_row({"long name", "1000"});
  return table;
}

std::string plain(const TextTable& table, std::size_t width = 0) {
  std::ostringstream out;
  table.write_plain(out, width);
  return out.str();
}

std::string markdown(const TextTable& table) {
  std::ostringstream out;
  table.write_markdown(out);
  return out.str();
}

TEST(TextTable, AlignsNumbersRightAndTextLeftWithoutBlanksAtLineEnds) {
  EXPECT_EQ(plain(runs_table()),
            "run        steps  note\n"
            "---------  -----  -----\n"
            "a              5  first\n"
            "long name   1000\n");
}

TEST(TextTable, WritesAPipeTableWithAlignedColumns) {
  EXPECT_EQ(markdown(runs_table()),
            "| run | steps | note |\n"
            "| --- | ---: | --- |\n"
            "| a | 5 | first |\n"
            "| long name | 1000 |  |\n");
}

TEST(TextTable, EscapesWhatWouldBreakAPipeTable) {
  TextTable table({{"formula"}});
  table.add_row({"|x|\ny"});
  EXPECT_EQ(markdown(table), "| formula |\n| --- |\n| \\|x\\|<br>y |\n");
}

TEST(TextTable, PutsLineBreaksInsideCellsOnOneLine) {
  TextTable table({{"formula"}});
  table.add_row({"x\ny"});
  EXPECT_EQ(plain(table), "formula\n-------\nx y\n");
}

TEST(TextTable, CountsCodePointsAndNotBytes) {
  TextTable table({{"φ", Align::right}, {"n"}});
  table.add_row({"Glörot", "1"});
  EXPECT_EQ(plain(table), "     φ  n\n------  -\nGlörot  1\n");
  EXPECT_EQ(display_width("Glörot & Bengio, ½"), 18u);
}

TEST(TextTable, WrapsTheWidestLeftAlignedColumnToTheWidth) {
  TextTable table({{"name"}, {"summary"}, {"n", Align::right}});
  table.add_row({"adam", "one two three four five six", "1"});
  EXPECT_EQ(plain(table, 30),
            "name  summary                n\n"
            "----  ---------------------  -\n"
            "adam  one two three four     1\n"
            "      five six\n");
}

TEST(TextTable, IsNotWrappedWhereItFits) {
  TextTable table({{"name"}, {"summary"}});
  table.add_row({"adam", "one two three four five six"});
  EXPECT_EQ(plain(table, 33), plain(table));
  EXPECT_NE(plain(table, 32), plain(table));
}

TEST(TextTable, WrapsSeveralColumnsWhereOneIsNotEnough) {
  TextTable table({{"summary"}, {"paper"}});
  table.add_row({"one two three four five six", "seven eight nine ten eleven twelve"});
  EXPECT_EQ(plain(table, 50),
            "summary                   paper\n"
            "------------------------  ------------------------\n"
            "one two three four five   seven eight nine ten\n"
            "six                       eleven twelve\n");
}

TEST(TextTable, StaysWiderThanTheTerminalRatherThanWrapToAFewLetters) {
  TextTable table({{"name"}, {"summary"}});
  table.add_row({"adam", "one two three four five six"});
  EXPECT_EQ(plain(table, 15), plain(table, 26));
  EXPECT_NE(plain(table, 15), plain(table));
}

TEST(TextTable, KeepsAWordThatIsTooLongWhole) {
  TextTable table({{"paper"}});
  table.add_row({"see https://arxiv.org/abs/1412.6980 there"});
  EXPECT_EQ(plain(table, 20),
            "paper\n"
            "--------------------\n"
            "see\n"
            "https://arxiv.org/abs/1412.6980\n"
            "there\n");
}

TEST(TextTable, RefusesARowWithTooManyCells) {
  TextTable table({{"name"}});
  EXPECT_THROW(table.add_row({"a", "b"}), std::invalid_argument);
  EXPECT_EQ(table.rows(), 0u);
}

TEST(ShortNumber, HasTheDigitsThatWereAskedForAndNoTrailingZeros) {
  EXPECT_EQ(short_number(0.1), "0.1");
  EXPECT_EQ(short_number(1.0 / 3), "0.3333");
  EXPECT_EQ(short_number(1.5e6), "1.5e+06");
  EXPECT_EQ(short_number(123456, 6), "123456");
  EXPECT_EQ(short_number(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(short_number(std::numeric_limits<double>::quiet_NaN()), "nan");
}

}  // namespace
}  // namespace plumbline
