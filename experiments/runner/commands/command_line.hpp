// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

namespace plumbline {

/// The program: reads the command line, calls the command and turns its errors into messages on
/// `err` and an exit status: 0 all well, 1 some runs failed, 2 wrong definition or usage, 3 the
/// environment (file, disk, memory), 130 interrupted.
int command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace plumbline
