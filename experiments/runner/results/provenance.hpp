// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plumbline {

/// What made a file, as names and values in a fixed order: plumbline_version, git_commit,
/// semantics_version, compiler, cxx_flags, instruction_set, cpu_model, cpu_count, memory, kernel,
/// library_versions, host, threads, command_line. What this machine does not tell is "unknown".
using Provenance = std::vector<std::pair<std::string, std::string>>;

/// Gathers it on this machine. `command_line` is the program's own, words joined by blanks;
/// `threads` is how many run nets at once.
Provenance gather_provenance(const std::string& command_line, int threads);

/// The value of a name, or an empty text.
std::string provenance_value(const Provenance& provenance, std::string_view name);

}  // namespace plumbline
