// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/record_checksum.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/digest.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/results_layout.hpp"

namespace plumbline {

namespace {

bool is_gap(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isnan(value); });
}

/// What is hashed: each piece with its length before it.
class Pieces {
 public:
  void add(std::string_view text) {
    const std::uint64_t size = text.size();
    bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes_.append(text);
  }
  template <typename T>
  void add(std::span<const T> values) {
    add(std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

double record_checksum(std::string_view run_id, const RunRecord& record) {
  Pieces pieces;
  for (const std::string_view text :
       {run_id, std::string_view(record.message), std::string_view(record.digest),
        std::string_view(record.ended_by)}) {
    pieces.add(hdf5::valid_utf8(text));  // as it is written
  }
  const std::array<std::int64_t, 3> counts = {static_cast<std::int64_t>(record.status),
                                              record.n_layers, record.n_steps};
  pieces.add(std::span<const std::int64_t>(counts));
  pieces.add(std::span<const std::int64_t>(record.steps));
  // In the order of their names: that of the variables depends on which run was written first.
  std::vector<std::pair<std::string_view, std::span<const double>>> named;
  for (const auto& [name, value] : record.summary) named.emplace_back(name, std::span(&value, 1));
  if (!record.steps.empty()) {
    for (const Metric& metric : record.metrics) named.emplace_back(metric.name, metric.values);
    for (const PredictionVariable& prediction : kPredictions) {
      named.emplace_back(prediction.name, record.*prediction.values);
    }
  }
  std::ranges::sort(named, {}, [](const auto& piece) { return piece.first; });
  for (const auto& [name, values] : named) {
    if (is_gap(values)) continue;
    pieces.add(name);
    pieces.add(values);
  }
  // Files made before there were diagnoses have checksums without.
  if (!record.diagnosis.empty()) pieces.add(hdf5::valid_utf8(record.diagnosis));
  // As many of the first digits as doubles, and so JavaScript and R, hold.
  constexpr std::size_t kDigits = 13;
  const std::string digits = digest(pieces.bytes()).substr(0, kDigits);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return static_cast<double>(number);
}

}  // namespace plumbline
