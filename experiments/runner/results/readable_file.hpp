// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

namespace plumbline {

/// Throws EnvironmentError where to read a results file would crash the HDF5 library, which trusts what it
/// finds where the format has no checksums. What else is wrong with the file is left to whoever reads it.
/// Takes next to no time where the seal is whole; else all of the file is read, in a process of its own.
void require_readable(const std::filesystem::path& file);

/// The same, and returns which runs of the file cannot be read, by their place in it, with what is wrong. None
/// where their ids cannot be read either, beyond which no reader gets.
std::map<std::size_t, std::string> unreadable_runs(const std::filesystem::path& file);

}  // namespace plumbline
