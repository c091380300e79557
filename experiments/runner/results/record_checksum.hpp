// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/training/run_record.hpp"

namespace plumbline {

/// A whole number below 2^53, made by XXH3 from the run's id and from what its record says, but for the
/// times. What a file does not tell from a gap counts as one: a metric or a number of the whole run that is
/// NaN throughout, and measurements where no step was recorded. So the record that is read back has the
/// checksum of the one that was written.
double record_checksum(std::string_view run_id, const RunRecord& record);

}  // namespace plumbline
