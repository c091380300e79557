// SPDX-License-Identifier: Apache-2.0
// Against another formulation: positions by what makes one possible, and outcomes from full boards
// backwards, one more empty cell at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

bool has_line(const std::string& board, char mark) {
  const std::string three(3, mark);
  for (std::size_t i = 0; i < 3; ++i) {
    if (board.substr(3 * i, 3) == three) return true;
    if (std::string{board[i], board[i + 3], board[i + 6]} == three) return true;
  }
  return std::string{board[0], board[4], board[8]} == three ||
         std::string{board[2], board[4], board[6]} == three;
}

// X moves first; nobody moves once a line is there, and the line's owner made the last move.
bool is_reachable(const std::string& board) {
  const auto x = std::ranges::count(board, 'X');
  const auto o = std::ranges::count(board, 'O');
  if (x != o && x != o + 1) return false;
  if (has_line(board, 'X') && (has_line(board, 'O') || x != o + 1)) return false;
  return !has_line(board, 'O') || x == o;
}

// 1 where X wins, 0 for a draw, -1 where O does.
std::map<std::string, int> solved() {
  std::vector<std::vector<std::string>> by_empty_cells(10);
  for (std::size_t code = 0; code < 19683; ++code) {
    std::string board;
    for (std::size_t rest = code, cell = 0; cell < 9; ++cell, rest /= 3) board += ".XO"[rest % 3];
    if (!is_reachable(board)) continue;
    by_empty_cells[static_cast<std::size_t>(std::ranges::count(board, '.'))].push_back(board);
  }
  std::map<std::string, int> values;
  for (std::size_t empty = 0; empty < 10; ++empty) {
    for (const std::string& board : by_empty_cells[empty]) {
      const char turn = empty % 2 == 1 ? 'X' : 'O';
      std::vector<int> after;
      for (std::size_t cell = 0; cell < 9 && empty > 0; ++cell) {
        std::string next = board;
        if (next[cell] != '.') continue;
        next[cell] = turn;
        if (const auto found = values.find(next); found != values.end()) {
          after.push_back(found->second);
        }
      }
      if (has_line(board, 'X')) {
        values[board] = 1;
      } else if (has_line(board, 'O')) {
        values[board] = -1;
      } else if (empty == 0) {
        values[board] = 0;
      } else {
        values[board] = turn == 'X' ? std::ranges::max(after) : std::ranges::min(after);
      }
    }
  }
  return values;
}

std::string board_of(const Examples& examples, std::size_t i) {
  std::string board(9, '.');
  for (std::size_t cell = 0; cell < 9; ++cell) {
    const float x = examples.inputs(i, cell);
    const float o = examples.inputs(i, 9 + cell);
    EXPECT_TRUE((x == 0 || x == 1) && (o == 0 || o == 1) && x * o == 0);
    if (x == 1) board[cell] = 'X';
    if (o == 1) board[cell] = 'O';
  }
  return board;
}

TEST(TicTacToeTest, HasEveryReachablePositionOnceWithItsOutcomeUnderPerfectPlay) {
  std::map<std::string, int> expected = solved();
  ASSERT_EQ(expected.size(), 5478U);
  EXPECT_EQ(expected.at("........."), 0) << "perfect play is a draw";
  EXPECT_EQ(expected.at("X...O...."), 0);
  EXPECT_EQ(expected.at("XO......."), 1);
  std::vector<int> counts(3);
  for (const auto& [board, value] : expected) ++counts[static_cast<std::size_t>(1 - value)];

  const Dataset data = load("tic_tac_toe", {{"train", node(5478)}, {"valid", node(0)}});
  EXPECT_EQ(data.shape, (Shape{.channels = 2, .height = 3, .width = 3}));
  EXPECT_EQ(data.outputs, 3U);
  EXPECT_EQ(class_counts(data.train, 3), counts);
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    const std::string board = board_of(data.train, i);
    const auto found = expected.find(board);
    ASSERT_NE(found, expected.end()) << board << " stands there twice, or cannot be";
    EXPECT_EQ(data.train.labels[i], 1 - found->second) << board;
    expected.erase(found);
  }
  EXPECT_TRUE(expected.empty());
}

TEST(TicTacToeTest, RefusesMorePositionsThanThereAre) {
  EXPECT_THAT(
      definition_error([] { load("tic_tac_toe", {{"test", node(1)}}); }),
      testing::HasSubstr("'train' and the other parts ask for 5479 examples; there are 5478"));
}

}  // namespace
}  // namespace plumbline
