// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

/// A place in a text that a user wrote. Line and column count from 1; line 0 means that no line is
/// known (a value from the command line has the argument itself as `file`).
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  bool operator==(const Place&) const = default;
};

/// "file:line:column", or "file" where no line is known.
std::string to_string(const Place& place);

/// One mistake in a definition: where it stands and what is wrong, in one sentence.
struct Problem {
  Place place;
  std::string message;
  /// What tells it from other mistakes at its place, where the message also says what differs from run
  /// to run, such as the names that are known; empty: the message.
  std::string mistake = {};

  bool operator==(const Problem&) const = default;
};

/// A wrong definition. Carries every mistake that was found, not the first alone.
class DefinitionError : public std::runtime_error {
 public:
  explicit DefinitionError(std::vector<Problem> problems);

  const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// A file, disk or library that does not do what is needed. The message names the path.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The candidate with the smallest edit distance to `name` (insertions, deletions, substitutions and
/// swaps of neighbours count 1 each), or an empty string where none is near enough to be meant:
/// more than a third of the letters, and at least 2, would have to change.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean 'x'?" for the nearest candidate, or "; known are a, b, c" where none is near.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

}  // namespace plumbline
