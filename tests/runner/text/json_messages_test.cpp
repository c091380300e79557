// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/text/json_messages.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(JsonMessages, AreAnObjectALine) {
  std::ostringstream out;
  JsonMessages messages(out);
  messages << "a.h5: the \"" << 2 << "nd\"\nand one that";
  EXPECT_EQ(out.str(), "{\"message\":\"a.h5: the \\\"2nd\\\"\"}\n");
  messages << " comes in pieces\n" << std::flush;
  EXPECT_EQ(out.str(),
            "{\"message\":\"a.h5: the \\\"2nd\\\"\"}\n"
            "{\"message\":\"and one that comes in pieces\"}\n");
}

}  // namespace
}  // namespace plumbline
