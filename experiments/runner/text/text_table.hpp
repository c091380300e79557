// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

enum class Align { left, right };

/// A table with a header row, for the terminal and for Markdown. Cells are UTF-8; a code point is
/// taken to be one column wide. A column is as wide as its widest cell.
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit TextTable(std::vector<Column> columns);

  /// Appends a row. Cells that are missing at the end are empty; more cells than columns throw
  /// std::invalid_argument.
  void add_row(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }

  /// The header, a rule and the rows, columns two blanks apart, no blanks at the ends of lines.
  /// Line breaks inside cells become blanks. Where `width` is not 0 and the table is wider, the
  /// widest left-aligned columns are wrapped at blanks to make it fit, but not below 20 columns
  /// each.
  void write_plain(std::ostream& out, std::size_t width = 0) const;

  /// A pipe table. In cells `|` is escaped and a line break becomes `<br>`.
  void write_markdown(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The number with `digits` significant digits, without trailing zeros: "0.1", "1.5e+06", "nan".
std::string short_number(double value, int digits = 4);

/// "1.25 GB": three significant digits and a unit of powers of 1000.
std::string bytes_text(double bytes);

/// The columns that the UTF-8 `text` takes on a terminal: its code points.
std::size_t display_width(std::string_view text);

}  // namespace plumbline
