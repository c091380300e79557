// SPDX-License-Identifier: Apache-2.0
// What netCDF-4 calls dimensions, variables and attributes, as HDF5 stores them. Only types that
// every reader knows. In memory all numbers are doubles, which hold every integer of a results file
// exactly. All functions throw EnvironmentError through their Check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

/// How values are stored: i1, i4, i8, f8 or variable-length UTF-8.
enum class StoredAs { int8, int32, int64, float64, text };

/// `text` with U+FFFD for every byte that is not part of valid UTF-8, and for NUL: one bad byte in
/// a path would keep Python from opening the whole file.
std::string valid_utf8(std::string_view text);

void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::string_view text);
void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::span<const std::string> texts);
void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::span<const double> numbers, StoredAs type);

bool has_attribute(const Check& check, hid_t object, const std::string& name);
/// An attribute that is one text of variable length.
std::string text_attribute(const Check& check, hid_t object, const std::string& name);

/// The names of an object's attributes, sorted.
std::vector<std::string> attributes(const Check& check, hid_t object);

/// A group whose members and attributes keep the order in which they were made.
Handle create_group(const Check& check, hid_t parent, const std::string& name);
/// The names of what is in a group, in the order in which it was made.
std::vector<std::string> members(const Check& check, hid_t group);

/// A variable, opened.
struct Variable {
  std::string name;
  Handle dataset;
  std::vector<hsize_t> shape;
  hsize_t chunk_rows = 1;  ///< of one that was made here
  /// Of a value in the file, where rows are so small that filters take far more time than they are worth;
  /// else 0.
  std::size_t small_row_value_bytes = 0;

  hid_t id() const { return dataset.id(); }
  explicit operator bool() const { return static_cast<bool>(dataset); }
};

/// Makes a dimension: a scale that holds the coordinates, which are i4.
Variable create_dimension(const Check& check, hid_t file, const std::string& name,
                          std::span<const double> coordinates);

/// Makes a variable over dimensions. Numbers are shuffled, compressed and carry checksums; a chunk
/// of them is one index of the first dimension, or a large piece where there is no other. Texts are
/// stored as they are. Doubles that are never written read as NaN, other numbers as 0.
Variable create_variable(const Check& check, hid_t file, const std::string& name, StoredAs type,
                         std::span<const Variable* const> dimensions);
/// The same, where a chunk holds so many indices of the first dimension.
Variable create_variable(const Check& check, hid_t file, const std::string& name, StoredAs type,
                         std::span<const Variable* const> dimensions, std::size_t chunk_rows);

/// Opens a dataset of the root group, or returns an empty Variable where the name is a group's.
Variable open_variable(const Check& check, hid_t file, const std::string& name);
bool is_dimension(const Check& check, const Variable& variable);
/// Whether this dimension is the variable's number `axis`, from 0 on.
bool is_over(const Check& check, const Variable& variable, const Variable& dimension,
             unsigned axis);
bool holds_text(const Check& check, const Variable& variable);

/// The attributes `long_name` and, unless it is empty, `units` of the CF conventions.
void describe(const Check& check, const Variable& variable, const std::string& meaning,
              const std::string& units = "");
/// `flag_values` 0, 1, 2, ... and their meanings, one word each.
void describe_flags(const Check& check, const Variable& variable, const std::string& meanings);

/// All values of a variable, in row-major order.
void write_numbers(const Check& check, const Variable& variable, std::span<const double> numbers);
void write_texts(const Check& check, const Variable& variable, std::span<const std::string> texts);
std::vector<double> read_numbers(const Check& check, const Variable& variable);
std::vector<std::string> read_texts(const Check& check, const Variable& variable);

/// The values at so many indices of the first dimension from `first` on, one row after the other. Whole
/// chunks at a time take the least.
void write_rows(const Check& check, const Variable& variable, std::size_t first, std::size_t rows,
                std::span<const double> numbers);
std::vector<double> read_rows(const Check& check, const Variable& variable, std::size_t first,
                              std::size_t rows);

}  // namespace plumbline::hdf5
