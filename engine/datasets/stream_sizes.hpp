// SPDX-License-Identifier: Apache-2.0
// What of a source's examples is in memory, where they are streamed and where they are not.
#pragma once

#include <cstddef>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// Whether a part for validation or testing of so many examples is read block by block. One that fills
/// no more than a window is in memory: to stream few examples that are spread over a file means to read
/// it all. Training examples are streamed whenever the source streams.
bool streams_part(const DataSource& source, std::size_t examples);

/// Bytes that runs on the same data share: the examples in memory, and where the streamed ones stand.
double shared_bytes(const DataSource& source);

/// Bytes that each run has for itself, on so many examples in a step; 0 where nothing is streamed.
double streaming_bytes(const DataSource& source, std::size_t batch);

}  // namespace plumbline
