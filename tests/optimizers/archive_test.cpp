// SPDX-License-Identifier: Apache-2.0
// Every optimizer of the catalogue, in every case of its golden file, goes on from what archive() has
// saved as if it had not been interrupted. The cases set each declared setting (optimizer_test.cpp).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/state_archive.hpp"
#include "engine/optimizers/parameter_groups.hpp"
#include "tests/optimizers/driven.hpp"
#include "tests/optimizers/golden_drive.hpp"

namespace plumbline {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(auto values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// Where an optimizer and its parameters stand.
struct Stand {
  Bytes parameters;
  Bytes evaluated;
  Bytes kept;

  bool operator==(const Stand&) const = default;
};

template <typename T>
class Moved {
 public:
  Moved(std::unique_ptr<Optimizer<T>> optimizer, std::vector<T> parameters)
      : optimizer_(std::move(optimizer)), parameters_(std::move(parameters)) {}

  void step(const GoldenDrive<T>& drive, std::size_t index) {
    drive.step(*optimizer_, parameters_, index);
  }
  Stand stand() {
    Stand result{bytes_of(std::span<const T>(parameters_)),
                 bytes_of(optimizer_->evaluation_point(parameters_)),
                 {}};
    StateArchive kept = StateArchive::saving(result.kept);
    optimizer_->archive(kept);
    return result;
  }
  /// Throws StateError where these bytes are no state of the optimizer.
  void restore(const Bytes& parameters, const Bytes& kept) {
    std::memcpy(parameters_.data(), parameters.data(), parameters.size());
    StateArchive archive = StateArchive::restoring(kept);
    optimizer_->archive(archive);
    archive.finish();
  }

 private:
  std::unique_ptr<Optimizer<T>> optimizer_;
  std::vector<T> parameters_;
};

/// A case of an optimizer's golden file, interrupted.
template <typename T>
class Interrupted {
 public:
  Interrupted(const std::string& name, const Golden& data, const GoldenCase& one)
      : name_(name), data_(data), one_(one), drive_(data, one, data.layout) {
    Moved<T> moved = fresh();
    stands_.push_back(moved.stand());
    for (std::size_t i = 0; i < steps(); ++i) {
      moved.step(drive_, i);
      stands_.push_back(moved.stand());
    }
  }

  std::size_t steps() const { return one_.schedule_factors.size(); }
  /// After so many steps of the run that was not interrupted.
  const Stand& after(std::size_t step) const { return stands_[step]; }

  /// Whether a fresh optimizer that takes up `kept` after so many steps stands there, and after each step
  /// that is left, where the other run did.
  bool goes_on(std::size_t step, const Bytes& kept) const {
    Moved<T> moved = fresh();
    try {
      moved.restore(after(step).parameters, kept);
    } catch (const StateError&) {
      return false;
    }
    const auto stands_where_the_other_did = [&](std::size_t at) {
      const Stand stand = moved.stand();
      return stand.parameters == after(at).parameters && stand.evaluated == after(at).evaluated;
    };
    bool same = stands_where_the_other_did(step);
    for (std::size_t i = step; i < steps() && same; ++i) {
      moved.step(drive_, i);
      same = stands_where_the_other_did(i + 1);
    }
    return same;
  }

 private:
  Moved<T> fresh() const {
    return {optimizer_for<T>(data_.layout, name_, one_.settings),
            std::vector<T>(data_.initial.begin(), data_.initial.end())};
  }

  std::string name_;
  const Golden& data_;
  const GoldenCase& one_;
  GoldenDrive<T> drive_;
  std::vector<Stand> stands_;
};

/// Where each value of an archive begins, behind its size, and how long it is.
std::vector<std::pair<std::size_t, std::size_t>> values_of(const Bytes& kept) {
  std::vector<std::pair<std::size_t, std::size_t>> values;
  for (std::size_t at = 0; at < kept.size();) {
    std::uint64_t size = 0;
    std::memcpy(&size, kept.data() + at, sizeof size);
    values.emplace_back(at + sizeof size, size);
    at += sizeof size + size;
  }
  return values;
}

/// `kept` with one value as it is where none was kept: that of a fresh optimizer.
Bytes forgetting(std::size_t value, const Bytes& kept, const Bytes& fresh) {
  Bytes result = kept;
  const auto [at, size] = values_of(kept)[value];
  const auto others = values_of(fresh);
  const auto first = result.begin() + static_cast<std::ptrdiff_t>(at);
  if (value < others.size() && others[value].second == size) {
    std::copy_n(fresh.begin() + static_cast<std::ptrdiff_t>(others[value].first), size, first);
  } else {
    std::fill_n(first, size, std::byte{0});
  }
  return result;
}

class EveryArchive : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EveryArchive, testing::ValuesIn(optimizer_catalogue().names()),
                         [](const auto& instance) { return instance.param; });

template <typename T>
void expect_to_go_on(const std::string& name) {
  const Golden data = golden(name);
  for (std::size_t number = 0; number < data.cases.size(); ++number) {
    const Interrupted<T> run(name, data, data.cases[number]);
    for (std::size_t step = 0; step <= run.steps(); ++step) {
      EXPECT_TRUE(run.goes_on(step, run.after(step).kept))
          << "from step " << step << " of case " << number;
    }
  }
}

TEST_P(EveryArchive, GoesOnFromAnyStepInDouble) { expect_to_go_on<double>(GetParam()); }
TEST_P(EveryArchive, GoesOnFromAnyStepInFloat) { expect_to_go_on<float>(GetParam()); }

TEST_P(EveryArchive, IsMissedWhereOneOfItsValuesIsForgotten) {
  // So the two tests above fail for an archive() without any one of the members that it lists, and none is
  // listed for nothing: some case needs it, where any has it other than it is at the start.
  struct Found {
    bool changes = false;
    bool missed = false;
  };
  std::map<std::pair<std::size_t, std::size_t>, Found> found;  // by the number of values, and which
  const Golden data = golden(GetParam());
  for (const GoldenCase& one : data.cases) {
    const Interrupted<double> run(GetParam(), data, one);
    const Bytes& fresh = run.after(0).kept;
    const std::size_t values = values_of(run.after(run.steps()).kept).size();
    for (std::size_t value = 0; value < values; ++value) {
      Found& here = found[{values, value}];
      for (std::size_t step = 1; step < run.steps(); ++step) {
        const Bytes& kept = run.after(step).kept;
        if (value >= values_of(kept).size()) continue;
        const Bytes without = forgetting(value, kept, fresh);
        if (without == kept) continue;
        here.changes = true;
        here.missed = here.missed || !run.goes_on(step, without);
      }
    }
  }
  for (const auto& [which, here] : found) {
    EXPECT_EQ(here.missed, here.changes) << "value " << which.second << " of " << which.first;
  }
}

TEST_P(EveryArchive, RefusesBytesThatAreNoState) {
  const Golden data = golden(GetParam());
  const Interrupted<double> run(GetParam(), data, data.cases.front());
  const Stand& stand = run.after(5);
  const auto restore = [&](const Bytes& kept) {
    Moved<double> moved(optimizer_for(data.layout, GetParam(), data.cases.front().settings),
                        data.initial);
    moved.restore(stand.parameters, kept);
  };
  for (std::size_t size = 0; size < stand.kept.size(); ++size) {
    const auto end = stand.kept.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_THROW(restore({stand.kept.begin(), end}), StateError) << size;
  }
  for (const auto& [at, size] : values_of(stand.kept)) {
    for (std::size_t byte = at - sizeof(std::uint64_t); byte < at; ++byte) {
      Bytes wrong = stand.kept;
      wrong[byte] ^= std::byte{0x81};
      EXPECT_THROW(restore(wrong), StateError) << byte;
    }
  }
}

TEST(GroupsArchive, GoesOnWithAnOptimizerForEachGroup) {
  const Golden data = golden("adam");
  const auto make = [&] {
    const SettingsTable table = table_of({{"name", "ema"},
                                          {"decay", 0.9},
                                          {"inner", "momentum"},
                                          {"groups.hidden.name", "muon"},
                                          {"groups.bias.name", "schedule_free_sgd"},
                                          {"groups.bias.lr", 0.1}});
    SettingsReport report;
    Settings settings(table, "optimizer", report);
    const auto chosen = choose_here(settings, "sgd", optimizer_catalogue());
    auto optimizer = make_optimizer<double>(chosen, report, data.layout);
    EXPECT_TRUE(report.problems.empty());
    return Moved<double>(std::move(optimizer), data.initial);
  };
  const GoldenDrive<double> drive(data, data.cases.front(), data.layout);
  Moved<double> first = make();
  for (std::size_t i = 0; i < 4; ++i) first.step(drive, i);
  Moved<double> second = make();
  const Stand stand = first.stand();
  second.restore(stand.parameters, stand.kept);
  for (std::size_t i = 4; i < 10; ++i) {
    EXPECT_EQ(second.stand(), first.stand()) << "after " << i << " steps";
    first.step(drive, i);
    second.step(drive, i);
  }
  EXPECT_EQ(second.stand(), first.stand());
}

}  // namespace
}  // namespace plumbline
