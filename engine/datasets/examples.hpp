// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// Room for so many examples like these, of which there is at least one.
Examples room_for(std::size_t count, const Examples& like);

/// Copies example `from` of `source` to the place `to` of room for such examples.
void copy_example(const Examples& source, std::size_t from, Examples& room, std::size_t to);

/// The examples of these indices, in their order.
Examples select(const Examples& examples, std::span<const std::uint32_t> indices);

/// All examples of a stream, in memory.
Examples held(const ExampleStream& stream);

}  // namespace plumbline
