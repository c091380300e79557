// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace plumbline {

/// A seal is the XXH3 of a file's bytes, behind their end: the checksums of HDF5 cover the numbers alone,
/// and a bit that flips in a text or in a table of contents would go unseen. The library does not look
/// behind the end of what it wrote.

/// Seals a file. Throws EnvironmentError.
void append_seal(const std::filesystem::path& path);

/// Whether the file ends in a seal, and has the bytes that were sealed. False where there is no file.
/// Throws EnvironmentError where it cannot be read, which says nothing about what it holds.
bool has_whole_seal(const std::filesystem::path& path);

}  // namespace plumbline
