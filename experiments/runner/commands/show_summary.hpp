// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>

#include "experiments/runner/commands/sweep_summary.hpp"

namespace plumbline {

/// The summary as tables for the terminal, at most 100 columns wide for settings of usual length.
void show_tables(const SweepSummary& summary, std::ostream& out);

/// The summary as one JSON object; numbers that are undefined are null, infinite ones "inf".
std::string show_json(const SweepSummary& summary);

}  // namespace plumbline
