// SPDX-License-Identifier: Apache-2.0
// Data files for tests, made by hand.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/datasets/dataset.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

using Bytes = std::vector<std::uint8_t>;

/// A folder of its own, which goes with it.
class DataFolder {
 public:
  DataFolder() {
    std::string name = testing::TempDir() + "/data_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~DataFolder() { std::filesystem::remove_all(path_); }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Writes a file, in folders that it makes, and returns its path.
  std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline void append_little_endian(Bytes& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// The bytes as a gzip file of stored, that is not compressed, blocks (RFC 1951 and 1952).
inline Bytes gzipped(const Bytes& bytes) {
  Bytes packed = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
  std::size_t begin = 0;
  do {
    const std::size_t length = std::min<std::size_t>(bytes.size() - begin, 65535);
    packed.push_back(begin + length == bytes.size() ? 1 : 0);
    append_little_endian(packed, length, 2);
    append_little_endian(packed, ~length, 2);
    for (std::size_t i = 0; i < length; ++i) packed.push_back(bytes[begin + i]);
    begin += length;
  } while (begin < bytes.size());
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  append_little_endian(packed, ~crc, 4);
  append_little_endian(packed, bytes.size(), 4);
  return packed;
}

/// The file's bytes under an IDX header of these sizes.
inline Bytes idx_file(const std::vector<std::uint32_t>& shape, const Bytes& values) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(shape.size())};
  for (const std::uint32_t length : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::uint8_t>(length >> shift));
    }
  }
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

/// The message of the EnvironmentError that `call` throws; empty where it throws none.
template <class Call>
std::string environment_error(const Call& call) {
  try {
    call();
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "";
}

/// The message of the DefinitionError that `call` throws; empty where it throws none.
template <class Call>
std::string definition_error(const Call& call) {
  try {
    call();
  } catch (const DefinitionError& error) {
    return error.what();
  }
  return "";
}

inline Dataset load(const std::string& name, const std::vector<Setting>& own = {},
                    const DataFolders& folders = {}) {
  return make_plugin(dataset_catalogue(), name, own)->load(folders);
}

/// Row `i` of the inputs with what the example's targets are: one for each example, to be compared as
/// a set.
inline std::vector<std::vector<float>> rows_of(const Examples& examples) {
  std::vector<std::vector<float>> rows;
  const std::size_t features = examples.inputs.shape()[1];
  if (examples.size() == 0) return rows;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const float* row = examples.inputs.data() + i * features;
    rows.emplace_back(row, row + features);
    const std::size_t labels = examples.labels.size() / examples.size();
    for (std::size_t t = 0; t < labels; ++t) {
      rows.back().push_back(static_cast<float>(examples.labels[i * labels + t]));
    }
    for (std::size_t j = 0; j < examples.values.shape()[1] && examples.labels.empty(); ++j) {
      rows.back().push_back(examples.values(i, j));
    }
  }
  return rows;
}

/// The rows of all parts, sorted: what a split deals out.
inline std::vector<std::vector<float>> dealt(const Dataset& data) {
  auto rows = rows_of(data.train);
  for (const Examples* part : {&data.valid, &data.test}) {
    const auto more = rows_of(*part);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  std::ranges::sort(rows);
  return rows;
}

inline std::vector<int> class_counts(const Examples& examples, std::size_t classes) {
  std::vector<int> counts(classes);
  for (const std::int32_t label : examples.labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

/// The sum of all pixels, as the bytes of the file that x = pixel / white came from.
inline std::int64_t pixel_sum(const Examples& examples, float white) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < examples.inputs.size(); ++i) {
    sum += std::lround(examples.inputs.data()[i] * white);
  }
  return sum;
}

/// $PLUMBLINE_DATA as folders; empty where it is not set.
inline DataFolders data_folders() {
  const char* folder = std::getenv("PLUMBLINE_DATA");
  return folder == nullptr ? DataFolders{} : DataFolders{folder};
}

}  // namespace plumbline
