// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace plumbline {

/// Where the results of a definition of this name go: what `-o` says, or results/NAME.h5 where that is empty.
std::filesystem::path output_path(const std::string& output, const std::string& name);

/// Makes the folder that a file is to stand in, and those above it. Throws EnvironmentError where that
/// cannot be.
void make_folder_of(const std::filesystem::path& path);

/// Throws EnvironmentError where there is no such folder: for a file whose folder must hold others already.
void require_folder_of(const std::filesystem::path& path);

/// Throws EnvironmentError where a folder stands there, or a file that does not begin as every HDF5 file
/// does: a damaged results file can be written anew, a text that was named by a slip cannot.
void require_replaceable(const std::filesystem::path& path);

/// The name under which this process writes a file until it is whole: FILE.4711.tmp.
std::filesystem::path temporary_name(std::filesystem::path file);

/// Whether it is such a name, of any process, for FILE or for a FILE.previous or FILE.previous.2.
bool is_temporary_name_of(const std::filesystem::path& file, const std::string& name);

/// Removes what processes that were killed left of these, those of FILE.previous too: for whoever holds the
/// lock of FILE.
void remove_temporary_files(const std::filesystem::path& file);

}  // namespace plumbline
