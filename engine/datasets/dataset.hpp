// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/shape.hpp"
#include "engine/core/tensor.hpp"

namespace plumbline {

/// Examples in rows. `inputs` is n x features; exactly one of `labels` (n x target_steps, row after
/// row) and `values` (n x (target_steps outputs)) is filled. All are single precision, and read exactly
/// by a float64 run.
struct Examples {
  Matrix<float> inputs;
  std::vector<std::int32_t> labels;
  Matrix<float> values;

  std::size_t size() const { return inputs.shape()[0]; }
};

/// A part of a dataset that stays in its file and is read a block at a time. An example has a place among
/// all of the part: the row that it would have in memory. May be used from several threads at once.
class ExampleStream {
 public:
  virtual ~ExampleStream() = default;

  virtual std::size_t size() const = 0;
  virtual std::size_t blocks() const = 0;
  /// The places of the examples of a block, in rising order. There may be none.
  virtual std::vector<std::uint32_t> places(std::size_t block) const = 0;
  /// Reads the examples of these places, in their order. Throws EnvironmentError.
  virtual Examples read(std::size_t block) const = 0;
};

/// The parts of a dataset that are streamed; null for one that is in memory.
struct Streams {
  std::shared_ptr<const ExampleStream> train = nullptr;
  std::shared_ptr<const ExampleStream> valid = nullptr;
  std::shared_ptr<const ExampleStream> test = nullptr;
  std::size_t window = 1;  ///< blocks whose training examples are shuffled together
};

/// What a run learns from. `valid` and `test` may have no rows. A part that is streamed has none here.
struct Dataset {
  std::size_t features = 0;
  std::size_t outputs = 0;  ///< number of classes, or of target values
  bool has_labels = true;
  Shape shape = {.channels = features};  ///< of an example's inputs
  std::size_t target_steps = 1;          ///< targets of an example: one, or one at each step
  Examples train = {};
  Examples valid = {};
  Examples test = {};
  Streams streamed = {};
};

/// The folders that data files are searched in, in this order.
using DataFolders = std::vector<std::filesystem::path>;

/// How many examples each part of a dataset has.
struct SplitSizes {
  std::size_t train = 0;
  std::size_t valid = 0;
  std::size_t test = 0;

  std::size_t all() const { return train + valid + test; }
};

/// A source of examples, made from the settings of `[data]`.
class DataSource {
 public:
  virtual ~DataSource() = default;

  virtual std::size_t features() const = 0;
  virtual std::size_t outputs() const = 0;
  virtual bool has_labels() const { return true; }
  /// How the features of an example are arranged; their number is features().
  virtual Shape shape() const { return {.channels = features()}; }
  /// How many targets an example has: one, or one at each of its steps. Each is a label or outputs()
  /// values.
  virtual std::size_t target_steps() const { return 1; }
  /// No training example of a source that cannot be used, of which the report has told why.
  virtual SplitSizes sizes() const = 0;

  /// Reads or makes the examples. Throws EnvironmentError, naming the path, where a file is missing,
  /// cannot be read, or does not hold what its format says.
  virtual Dataset load(const DataFolders& folders) const = 0;

  /// Of an example in memory.
  std::size_t example_bytes() const {
    return sizeof(float) * (features() + target_steps() * (has_labels() ? 1 : outputs()));
  }
  /// How many training examples are shuffled together, and in memory at once, where they are streamed; 0
  /// where all of the source's examples are in memory.
  virtual std::size_t window() const { return 0; }
  /// How many rows of the file are then read at once.
  virtual std::size_t block() const { return 0; }

 protected:
  /// What this source says of its examples, without examples.
  Dataset without_examples() const {
    return {features(), outputs(), has_labels(), shape(), target_steps()};
  }
};

struct DatasetEntry {
  PluginInfo info;
  std::shared_ptr<const DataSource> (*make)(Settings&) = nullptr;
};

const Catalogue<DatasetEntry>& dataset_catalogue();

template <class Kind>
DatasetEntry dataset_entry(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Kind kind(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const DataSource> {
            return std::make_shared<Kind>(settings);
          }};
}

}  // namespace plumbline
