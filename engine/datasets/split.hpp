// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The settings of a source that deals its examples out to training and, where these have no examples of
/// their own, validation and testing.
struct Split {
  SplitSizes sizes;
  std::int64_t seed = 0;
  bool deals_valid = true;
  bool deals_test = false;

  /// Reads `train`, `valid` and `split_seed`, with the given defaults: of a source whose test examples
  /// are others.
  static Split read(Settings& settings, std::size_t train, std::size_t valid);
  /// Reads `test` too. A test part without examples is no part of what a run is.
  static Split read_with_test(Settings& settings, const SplitSizes& defaults);
  /// As read_with_test(), of a source that turned out to have `available.train` examples to deal, and
  /// for validation and testing others where these are not 0. A part that is not given, or 0, is all
  /// that there is for it: training takes what the parts dealt from the same examples leave.
  static Split read_of(Settings& settings, const SplitSizes& available);

  /// How many examples are dealt.
  std::size_t dealt() const;
  /// Reports where the settings ask for more to be dealt than there are.
  void ask_for_at_most(std::size_t examples, Settings& settings) const;

  /// Which of so many examples each part is dealt, in the part's order: a random one from the split
  /// seed's data stream. Throws EnvironmentError, with `name`, where there are fewer than the settings ask
  /// for.
  struct Dealt {
    std::vector<std::uint32_t> train;
    std::vector<std::uint32_t> valid;
    std::vector<std::uint32_t> test;
  };
  Dealt deal(std::size_t examples, const std::string& name) const;
  /// Deals `examples` out.
  void deal(const Examples& examples, const std::string& name, Dataset& dataset) const;
};

}  // namespace plumbline
