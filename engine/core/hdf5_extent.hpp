// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

/// The sides of a dataset, none for a single number or nothing. Throws EnvironmentError where they claim
/// what no memory holds, or more numbers than the file can: of a dataset of more than a megabyte the file
/// must hold a thousandth, which is the most that deflate packs, and all of it where it is not packed. So
/// a few damaged bytes cannot make a reader wait for, or ask memory for, numbers that are not there.
/// Datasets whose numbers are in other files are believed. `quoted` is what a message calls the dataset.
std::vector<std::size_t> sides_of(const Check& check, const Handle& dataset,
                                  const std::string& quoted);

}  // namespace plumbline::hdf5
