// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plumbline {

/// A field without its quotes, and where it begins; columns count bytes.
struct CsvField {
  std::string text;
  int line = 0;
  int column = 0;
};

/// Reads comma-separated values record by record, as RFC 4180 has them: a field in quotes may hold
/// commas, line ends, and quotes that are written twice. Lines end with LF or CR LF, the last one
/// perhaps with neither; a byte order mark in front is no part of the first field.
class CsvReader {
 public:
  /// `text` must outlive the reader; `file` is what errors call it.
  CsvReader(std::string_view text, std::string file);

  /// Puts the fields of the next record in the place of `fields`; false where there is none. Throws
  /// EnvironmentError, "file:line:column: ...", at a quote that is not closed or out of place.
  bool next(std::vector<CsvField>& fields);

  /// Throws EnvironmentError: "file:line:column: MESSAGE" with the place of the field.
  [[noreturn]] void refuse(const CsvField& field, const std::string& message) const;

 private:
  bool at_end() const { return position_ == text_.size(); }
  bool at_line_end() const;
  void read_quoted(CsvField& field);

  std::string_view text_;
  std::string file_;
  std::size_t position_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
};

}  // namespace plumbline
