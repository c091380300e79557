// SPDX-License-Identifier: Apache-2.0
#include "engine/core/digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(StreamedDigest, IsThatOfAllItsPieces) {
  std::array<std::byte, 3000> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i % 251);
  for (const std::size_t piece : {1U, 17U, 255U, 1024U, 3000U}) {
    StreamedDigest streamed;
    EXPECT_EQ(streamed.text(), digest(std::string_view()));
    std::span<const std::byte> rest(bytes);
    while (!rest.empty()) {
      const std::size_t size = std::min(piece, rest.size());
      streamed.add(rest.first(size));
      rest = rest.subspan(size);
      EXPECT_EQ(streamed.text(), digest(std::span(bytes).first(bytes.size() - rest.size())));
    }
  }
}

}  // namespace
}  // namespace plumbline
