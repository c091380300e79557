// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/datasets/csv_reader.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// Which columns of a table are what.
struct CsvColumns {
  std::vector<std::string> features;  ///< empty: all others
  std::string label;                  ///< empty: none
  std::vector<std::string>
      targets;  ///< empty: none; without label and targets these are the inputs
  std::vector<std::string> classes;  ///< empty: those of the file, sorted
  std::int64_t symbols = 0;          ///< each feature is one of so many; 0: a number
};

/// The examples of a table. Classes are sorted as numbers where all of them are, and else as texts.
struct CsvExamples {
  Examples examples;
  std::vector<std::string> classes;
  std::vector<std::size_t> examples_of_class;
};

/// A file of comma-separated values whose first line names its columns.
class CsvTable {
 public:
  /// Reads the header of unpacked bytes, which must outlive the table; `path` is what errors call it.
  /// Throws EnvironmentError where there is none.
  CsvTable(const std::vector<std::uint8_t>& bytes, std::string path);

  const std::vector<std::string>& header() const { return header_; }

  /// Reads all rows, once. The header must have all of the columns. Throws EnvironmentError with line
  /// and column at a row of another length than the header, at what is not a finite number in single
  /// precision, or no symbol, at a class that is not among given ones; and where there is no row.
  CsvExamples read(const CsvColumns& columns);

 private:
  std::vector<std::size_t> feature_indices(const CsvColumns& columns) const;
  std::size_t index(const std::string& name) const;
  float number(std::size_t column) const;
  float symbol(std::size_t column, std::int64_t symbols) const;
  void number_classes(const CsvColumns& columns, const std::vector<std::string>& labels,
                      const std::map<std::string, CsvField>& first_of, CsvExamples& read) const;

  std::string path_;
  CsvReader reader_;
  std::vector<CsvField> fields_;  // of the last record
  std::vector<std::string> header_;
};

}  // namespace plumbline
