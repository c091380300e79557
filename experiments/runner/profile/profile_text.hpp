// SPDX-License-Identifier: Apache-2.0
// How a profile and its ceilings are printed, for people and as JSON.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "experiments/runner/profile/profile.hpp"

namespace plumbline {

/// Tables of multiply-adds and bandwidth by number of threads.
void write_ceiling(const Ceiling& ceiling, std::ostream& out);
/// The phases, each layer's forward and backward, what is farthest from its limit, scaling, counters.
void write_profile(const Profile& profile, std::ostream& out);

/// The contract's `ceiling` with everything that was measured. `flops_per_second` and
/// `bytes_per_second` are those that a limit is made of.
nlohmann::ordered_json ceiling_json(const Ceiling& ceiling, double flops_per_second,
                                    double bytes_per_second);
nlohmann::ordered_json noise_json(const MachineNoise& noise,
                                  const std::vector<std::string>& warnings);
/// The contract's object, and more.
nlohmann::ordered_json profile_json(const Profile& profile);

}  // namespace plumbline
