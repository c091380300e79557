// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/split.hpp"

#include <algorithm>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"
#include "engine/datasets/examples.hpp"

namespace plumbline {

namespace {

std::size_t count(Settings& settings, const char* name, std::size_t size, double least,
                  const char* meaning) {
  return static_cast<std::size_t>(
      settings.integer(name, static_cast<std::int64_t>(size), between(least, 1e9), meaning));
}

std::int64_t read_seed(Settings& settings) {
  return settings.integer("split_seed", 0, between(0, 9007199254740991.0),
                          "which examples go to which part, and what made examples are drawn from");
}

std::size_t read_test(Settings& settings, std::size_t size) {
  const std::size_t test = count(settings, "test", size, 0, "test examples");
  // Runs keep the identity that they had before sources dealt test examples.
  if (test == 0) settings.restates("test");
  return test;
}

}  // namespace

Split Split::read(Settings& settings, std::size_t train, std::size_t valid) {
  Split split;
  split.sizes.train = count(settings, "train", train, 1, "training examples");
  split.sizes.valid = count(settings, "valid", valid, 0, "validation examples");
  split.seed = read_seed(settings);
  return split;
}

Split Split::read_with_test(Settings& settings, const SplitSizes& defaults) {
  Split split = read(settings, defaults.train, defaults.valid);
  split.sizes.test = read_test(settings, defaults.test);
  split.deals_test = true;
  return split;
}

Split Split::read_of(Settings& settings, const SplitSizes& available) {
  Split split;
  split.sizes.train =
      count(settings, "train", 0, 0, "training examples; 0: all that the other parts leave");
  split.sizes.valid =
      count(settings, "valid", 0, 0,
            "validation examples; 0: none, or all where they have a set of their own");
  split.seed = read_seed(settings);
  split.sizes.test = count(settings, "test", 0, 0,
                           "test examples; 0: none, or all where they have a set of their own");
  split.deals_valid = available.valid == 0;
  split.deals_test = available.test == 0;
  // While settings are only declared, or the source cannot be read, nothing is known of its examples.
  if (available.train == 0) return split;
  const auto all_where_not_given = [&](const char* name, std::size_t& size, std::size_t most) {
    if (most == 0) return;
    if (size == 0) size = most;
    if (size > most) {
      settings.problem(name, "is " + std::to_string(size) + "; there are " + std::to_string(most));
    }
    settings.settle(name, {static_cast<std::int64_t>(size), {}});
  };
  all_where_not_given("valid", split.sizes.valid, available.valid);
  all_where_not_given("test", split.sizes.test, available.test);
  if (const std::size_t others = split.dealt() - split.sizes.train; others >= available.train) {
    settings.problem("train", "is left no example: the other parts ask for " +
                                  std::to_string(others) + "; there are " +
                                  std::to_string(available.train));
    return split;
  }
  if (split.sizes.train == 0) {
    split.sizes.train = available.train - split.dealt();
    settings.settle("train", {static_cast<std::int64_t>(split.sizes.train), {}});
  }
  split.ask_for_at_most(available.train, settings);
  return split;
}

std::size_t Split::dealt() const {
  return sizes.train + (deals_valid ? sizes.valid : 0) + (deals_test ? sizes.test : 0);
}

void Split::ask_for_at_most(std::size_t examples, Settings& settings) const {
  if (dealt() <= examples) return;
  settings.problem("train", "and the other parts ask for " + std::to_string(dealt()) +
                                " examples; there are " + std::to_string(examples));
}

Split::Dealt Split::deal(std::size_t examples, const std::string& name) const {
  if (dealt() > examples) {
    throw EnvironmentError(name + ": has " + std::to_string(examples) +
                           " examples, but data.train" + (deals_valid ? " + data.valid" : "") +
                           (deals_test ? " + data.test is " : " is ") + std::to_string(dealt()));
  }
  constexpr std::uint32_t kDealing = 0;
  const std::vector<std::uint32_t> order =
      Random(seed, RandomStream::data, kDealing).permutation(examples);
  std::span<const std::uint32_t> left(order);
  const auto take = [&](std::size_t count) {
    const auto taken = left.first(count);
    left = left.subspan(count);
    return std::vector(taken.begin(), taken.end());
  };
  Dealt dealt;
  dealt.train = take(sizes.train);
  if (deals_valid) dealt.valid = take(sizes.valid);
  if (deals_test) dealt.test = take(sizes.test);
  return dealt;
}

void Split::deal(const Examples& examples, const std::string& name, Dataset& dataset) const {
  const Dealt dealt = deal(examples.size(), name);
  dataset.train = select(examples, dealt.train);
  if (deals_valid) dataset.valid = select(examples, dealt.valid);
  if (deals_test) dataset.test = select(examples, dealt.test);
}

}  // namespace plumbline
