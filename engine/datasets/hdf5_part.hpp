// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/core/hdf5_rows.hpp"
#include "engine/core/shape.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The datasets of one part of a file; `targets` holds labels or values, or is empty where the inputs are
/// the targets.
struct Hdf5Names {
  std::string inputs;
  std::string targets;
};

/// What the datasets mean.
struct Hdf5Meaning {
  bool labels = false;       ///< targets are class labels, and else values
  bool sequences = false;    ///< an input of two axes is steps x channels, and else height x width
  std::int64_t symbols = 0;  ///< each input is one of so many; 0: a number
};

/// One part of an HDF5 file, open to be read a range of rows at a time. The axes of the inputs behind the
/// rows are: none, or features; two of them as the meaning has it; channels x height x width; steps x
/// channels x height x width. Those of labels: none, or steps; of values: none, values, or steps x values.
/// May be read from several threads at once. Everything throws EnvironmentError with the path and the
/// name of the dataset.
class Hdf5Part {
 public:
  /// Refuses datasets of other types or shapes, or of different numbers of rows.
  Hdf5Part(const std::string& path, Hdf5Names names, Hdf5Meaning meaning);

  std::size_t rows() const { return inputs_.rows(); }
  Shape shape() const;
  std::size_t target_steps() const;
  /// How many values a target has; for targets that are no labels.
  std::size_t values() const;

  /// Reads rows `first` to `first + count - 1`. Refuses a number that is not finite in single precision,
  /// an input that is no symbol, and a label that is negative or not below `classes`. Ends where a
  /// StoppableLoad of this thread has been stopped.
  Examples read(std::size_t first, std::size_t count, std::size_t classes) const;

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& message) const;
  void check_targets() const;
  void check_symbols(const Matrix<float>& inputs, std::size_t first) const;
  Matrix<float> read_values(const hdf5::RowReader& reader, const std::string& name,
                            std::size_t first, std::size_t count) const;
  std::vector<std::int32_t> read_labels(std::size_t first, std::size_t count,
                                        std::size_t classes) const;

  std::string path_;
  Hdf5Names names_;
  Hdf5Meaning meaning_;
  hdf5::RowReader inputs_;
  std::optional<hdf5::RowReader> targets_;
};

}  // namespace plumbline
