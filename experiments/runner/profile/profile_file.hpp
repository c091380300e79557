// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/profile/profile.hpp"
#include "experiments/runner/results/provenance.hpp"

namespace plumbline {

inline constexpr const char* kProfileSchema = "plumbline.profile";
inline constexpr const char* kProfileSchemaVersion = "1.0";

/// Writes the profile as HDF5 that is also netCDF-4; results/README.md has its layout. The file is whole
/// once it has its name. Throws EnvironmentError with the path.
void write_profile_file(const std::filesystem::path& path, const Profile& profile,
                        const Definition& definition, const Provenance& provenance);

}  // namespace plumbline
