# SPDX-License-Identifier: Apache-2.0
# Writes build_info.hpp, and leaves it alone where nothing changed. Takes source, output, version,
# compiler and flags.
cmake_minimum_required(VERSION 3.22)
execute_process(COMMAND git -C ${source} describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"// SPDX-License-Identifier: Apache-2.0
// What this build is made of; made by experiments/runner/build_info.cmake.
#pragma once
#include <string_view>
namespace plumbline::build_info {
inline constexpr std::string_view kVersion = \"@version@\";
inline constexpr std::string_view kGitCommit = \"@commit@\";
inline constexpr std::string_view kCompiler = \"@compiler@\";
inline constexpr std::string_view kCxxFlags = \"@flags@\";
}
")
