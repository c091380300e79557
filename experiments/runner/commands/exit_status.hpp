// SPDX-License-Identifier: Apache-2.0
// The exit statuses of the program, which scripts rely on.
#pragma once

namespace plumbline {

inline constexpr int kAllWell = 0;
inline constexpr int kNotWell = 1;  ///< some runs failed or are missing, or something did not hold
inline constexpr int kWrongUsage = 2;   ///< wrong definition or usage
inline constexpr int kEnvironment = 3;  ///< file, disk, memory
inline constexpr int kInterrupted = 130;

}  // namespace plumbline
