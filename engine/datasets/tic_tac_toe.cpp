// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kCells = 9;
constexpr std::size_t kPositions = 5478;

enum Outcome : std::int32_t { kFirstWins = 0, kDraw = 1, kSecondWins = 2 };

// Whose mark is in each cell, row by row: 0 nobody's, 1 that of X, who begins, 2 that of O.
using Board = std::array<int, kCells>;

bool wins(const Board& board, int player) {
  constexpr std::array<std::array<std::size_t, 3>, 8> kLines = {
      {{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}}};
  return std::ranges::any_of(kLines, [&](const auto& line) {
    return std::ranges::all_of(line, [&](std::size_t cell) { return board[cell] == player; });
  });
}

// The outcome when both play as well as can be, by exhaustive search from this position on; all positions
// on the way are kept with theirs.
Outcome play(Board& board, int player, std::map<Board, Outcome>& known) {
  if (const auto found = known.find(board); found != known.end()) return found->second;
  const Outcome own = player == 1 ? kFirstWins : kSecondWins;
  const Outcome lost = player == 1 ? kSecondWins : kFirstWins;
  Outcome best = lost;
  if (!wins(board, 3 - player)) {
    bool full = true;
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      if (board[cell] != 0) continue;
      full = false;
      board[cell] = player;
      const Outcome reached = play(board, 3 - player, known);
      board[cell] = 0;
      if (reached == own || best == lost) best = reached;
    }
    if (full) best = kDraw;
  }
  known[board] = best;
  return best;
}

// Every position that a game can reach, the empty and the finished ones too, with its outcome under
// perfect play: X wins 0, draw 1, O wins 2. Two planes of 3x3 cells: 1 where X is, and 1 where O is.
// Whose turn it is is not told, and follows from how many marks there are.
class TicTacToe final : public DataSource {
 public:
  explicit TicTacToe(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 4478, .valid = 1000})) {
    split_.ask_for_at_most(kPositions, settings);
  }

  std::size_t features() const override { return 2 * kCells; }
  std::size_t outputs() const override { return 3; }
  Shape shape() const override { return {.channels = 2, .height = 3, .width = 3}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    std::map<Board, Outcome> outcomes;
    Board empty{};
    play(empty, 1, outcomes);
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{outcomes.size(), 2 * kCells}, 0.0F);
    std::size_t i = 0;
    for (const auto& [board, outcome] : outcomes) {
      for (std::size_t cell = 0; cell < kCells; ++cell) {
        if (board[cell] == 1) examples.inputs(i, cell) = 1;
        if (board[cell] == 2) examples.inputs(i, kCells + cell) = 1;
      }
      examples.labels.push_back(outcome);
      ++i;
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "tic_tac_toe", dataset);
    return dataset;
  }

 private:
  Split split_;
};

}  // namespace

DatasetEntry tic_tac_toe() {
  return dataset_entry<TicTacToe>({
      .summary = "The 5,478 positions of tic-tac-toe with their outcome under perfect play.",
      .formula =
          "x = planes of X and O, 2 x 3 x 3 bits; classes X wins, draw, O wins, by exhaustive "
          "search from the position",
      .paper = "Shannon, Programming a computer for playing chess, Philosophical Magazine 41, 1950 "
               "(the search)",
  });
}

}  // namespace plumbline::datasets
