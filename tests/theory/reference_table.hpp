// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace plumbline {

/// A row of a table of tests/theory/reference by the names of its columns.
using ReferenceRow = std::map<std::string, std::string>;

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line + ",");
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

/// All rows; lines that begin with # say where the numbers come from.
inline std::vector<ReferenceRow> reference_rows(const std::string& file) {
  const std::string path = PLUMBLINE_SOURCE_DIR "/tests/theory/reference/" + file;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error(path + ": cannot be read");
  std::vector<std::string> names;
  std::vector<ReferenceRow> rows;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string> cells = cells_of(line);
    if (names.empty()) {
      names = cells;
      continue;
    }
    ReferenceRow row;
    for (std::size_t k = 0; k < names.size(); ++k) row[names[k]] = cells.at(k);
    rows.push_back(row);
  }
  return rows;
}

inline bool has(const ReferenceRow& row, const std::string& column) {
  return !row.at(column).empty();
}

inline double number(const ReferenceRow& row, const std::string& column) {
  const std::string& text = row.at(column);
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return std::stod(text);
}

/// Half a unit of the last of `digits` significant digits of x, and a hundredth.
inline double half_digit(double x, int digits) {
  if (x == 0) return 0;
  return 0.51 * std::pow(10.0, std::floor(std::log10(std::abs(x))) + 1 - digits);
}

}  // namespace plumbline
