// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "experiments/runner/commands/command_line.hpp"
#include "experiments/runner/commands/exit_status.hpp"

int main(int argc, char** argv) {
  const int status = plumbline::command_line(argc, argv, std::cout, std::cerr);
  // A full disk behind a redirection shows here at the latest.
  if (!std::cout.flush()) {
    std::cerr << "plumbline: standard output cannot be written\n";
    return plumbline::kEnvironment;
  }
  return status;
}
