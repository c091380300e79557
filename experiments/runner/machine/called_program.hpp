// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace plumbline {

/// What a program left behind that was called and waited for.
struct ProgramResult {
  int status = 0;      ///< its exit status; 128 + N where signal N ended it
  std::string output;  ///< its standard output
};

/// Where a program is that stands in one of the folders of $PATH; empty where it is in none.
std::filesystem::path find_program(const std::string& name);

/// Calls `program` with these arguments, as they are: no shell reads them. Its standard error is this
/// program's. Throws EnvironmentError where it cannot be started.
ProgramResult call_program(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments);

/// The file of the program that is running.
std::filesystem::path own_program();

}  // namespace plumbline
