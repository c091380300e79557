// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/text/text_table.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace plumbline {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastWrapped = 20;

std::string on_one_line(std::string cell) {
  std::ranges::replace(cell, '\n', ' ');
  return cell;
}

std::string for_markdown(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (c == '\n') {
      text += "<br>";
    } else {
      if (c == '|') text += '\\';
      text += c;
    }
  }
  return text;
}

// Breaks at blanks; a word that is wider than `width` stays whole on a line of its own.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const std::size_t used = display_width(lines.back());
    if (used > 0 && used + 1 + display_width(word) > width) {
      lines.push_back(word);
    } else {
      if (used > 0) lines.back() += ' ';
      lines.back() += word;
    }
    begin = end + 1;
  }
  return lines;
}

void append_aligned(std::string& line, const std::string& cell, std::size_t width, Align align) {
  const std::string padding(width - std::min(width, display_width(cell)), ' ');
  line += align == Align::right ? padding + cell : cell + padding;
}

void write_line(std::ostream& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::add_row(std::vector<std::string> cells) {
  if (cells.size() > columns_.size()) {
    throw std::invalid_argument("a row has more cells than the table has columns");
  }
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void TextTable::write_plain(std::ostream& out, std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(row[c]));
    }
  }

  std::size_t total = columns_.empty() ? 0 : kGap * (columns_.size() - 1);
  for (const std::size_t w : widths) total += w;
  for (; width != 0 && total > width; --total) {
    std::size_t* widest = nullptr;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const bool can_wrap = columns_[c].align == Align::left && widths[c] > kLeastWrapped;
      if (can_wrap && (widest == nullptr || widths[c] > *widest)) widest = &widths[c];
    }
    if (widest == nullptr) break;
    --*widest;
  }

  const auto write_row = [&](const std::vector<std::string>& row) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string cell = on_one_line(row[c]);
      cells.push_back(display_width(cell) > widths[c] ? wrapped(cell, widths[c])
                                                      : std::vector<std::string>{cell});
      height = std::max(height, cells.back().size());
    }
    for (std::size_t h = 0; h < height; ++h) {
      std::string line;
      for (std::size_t c = 0; c < cells.size(); ++c) {
        if (c > 0) line.append(kGap, ' ');
        append_aligned(line, h < cells[c].size() ? cells[c][h] : "", widths[c], columns_[c].align);
      }
      write_line(out, std::move(line));
    }
  };

  std::vector<std::string> titles;
  std::vector<std::string> rules;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    titles.push_back(columns_[c].title);
    rules.emplace_back(widths[c], '-');
  }
  write_row(titles);
  write_row(rules);
  for (const auto& row : rows_) write_row(row);
}

void TextTable::write_markdown(std::ostream& out) const {
  for (const Column& column : columns_) out << "| " << for_markdown(column.title) << ' ';
  out << "|\n";
  for (const Column& column : columns_)
    out << (column.align == Align::right ? "| ---: " : "| --- ");
  out << "|\n";
  for (const auto& row : rows_) {
    for (const std::string& cell : row) out << "| " << for_markdown(cell) << ' ';
    out << "|\n";
  }
}

std::string short_number(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  return buffer;
}

std::size_t display_width(std::string_view text) {
  // The bytes 10xxxxxx continue a code point.
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string bytes_text(double bytes) {
  constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return short_number(bytes, 3) + ' ' + kUnits[unit];
}

}  // namespace plumbline
