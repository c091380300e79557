// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/csv_reader.hpp"

#include "engine/core/error.hpp"

namespace plumbline {

CsvReader::CsvReader(std::string_view text, std::string file)
    : text_(text), file_(std::move(file)) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

void CsvReader::refuse(const CsvField& field, const std::string& message) const {
  throw EnvironmentError(to_string(Place{file_, field.line, field.column}) + ": " + message);
}

bool CsvReader::at_line_end() const {
  return text_[position_] == '\n' || text_.substr(position_, 2) == "\r\n";
}

void CsvReader::read_quoted(CsvField& field) {
  ++position_;
  for (;;) {
    if (at_end()) refuse(field, "the quote that opens here is not closed");
    const char c = text_[position_++];
    if (c == '\n') {
      ++line_;
      line_begin_ = position_;
    }
    if (c == '"') {
      if (at_end() || text_[position_] != '"') return;
      ++position_;
    }
    field.text += c;
  }
}

bool CsvReader::next(std::vector<CsvField>& fields) {
  if (at_end()) return false;
  std::size_t count = 0;
  for (bool more = true; more;) {
    if (count == fields.size()) fields.emplace_back();
    CsvField& field = fields[count++];
    field.text.clear();
    field.line = line_;
    field.column = static_cast<int>(position_ - line_begin_ + 1);
    const bool quoted = !at_end() && text_[position_] == '"';
    if (quoted) read_quoted(field);
    while (!at_end() && text_[position_] != ',' && !at_line_end()) {
      // Behind a closing quote nothing may come, and a quote is no part of a field without quotes.
      const CsvField here{{}, line_, static_cast<int>(position_ - line_begin_ + 1)};
      if (text_[position_] == '"') refuse(here, "a quote inside a field without quotes");
      if (quoted) {
        refuse(here, "something stands between a closing quote and the next comma");
      }
      field.text += text_[position_++];
    }
    more = !at_end() && text_[position_] == ',';
    if (more) ++position_;
  }
  fields.resize(count);
  if (!at_end()) {
    position_ += text_[position_] == '\r' ? 2 : 1;
    ++line_;
    line_begin_ = position_;
  }
  return true;
}

}  // namespace plumbline
