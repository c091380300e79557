// SPDX-License-Identifier: Apache-2.0
#include "engine/core/digest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace plumbline {
namespace {

TEST(Digest, OfNothingIsThePublishedOne) {
  // XXH3, 64 bits, seed 0, length 0: xxHash's specification and sanity tests.
  EXPECT_EQ(digest(std::string_view()), "2d06800538d394c2");
}

TEST(Digest, IsSixteenHexDigitsWithLeadingZeros) {
  bool has_leading_zero = false;
  for (int i = 0; i < 300; ++i) {
    const std::string text = digest(std::to_string(i));
    EXPECT_EQ(text.size(), 16U);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    has_leading_zero |= text[0] == '0';
  }
  // Without a zero at the front in 300 of them: once in 250 million.
  EXPECT_TRUE(has_leading_zero);
}

TEST(Digest, OfATextIsThatOfItsBytes) {
  const std::string text = "plumbline";
  EXPECT_EQ(digest(text), digest(std::as_bytes(std::span(text))));
}

TEST(Digest, SeesEveryBit) {
  std::array<std::byte, 500> bytes{};
  const std::string before = digest(bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = std::byte{1} << bit;
      EXPECT_NE(digest(bytes), before) << "byte " << i << ", bit " << bit;
    }
    bytes[i] = std::byte{0};
  }
  EXPECT_EQ(digest(bytes), before);
}

TEST(Digest, SeesTheOrder) { EXPECT_NE(digest("ab"), digest("ba")); }

}  // namespace
}  // namespace plumbline
