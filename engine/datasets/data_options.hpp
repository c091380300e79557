// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The source with the options of `[data]` that every source has beside its own, read from the same
/// table; the source itself where none is given. They act in this order:
///   symbols         each input is a symbol, a whole number from 0 to symbols - 1; a source that has
///                   asked for read_symbols() checks it, for others loading does
///   label_fraction  the training set is cut to this share of each class
///   label_noise     this share of the training labels becomes another class, uniformly drawn
///   standardize     x <- (x - mean) / deviation for each feature, both over the training set, the same
///                   map for validation and test; a feature that is constant there becomes 0. Pixel by
///                   pixel in images, step by step in sequences: no feature shares its map with another
///   autoencode      the targets are the inputs as they are now, all features as one row
///   input_noise     normal noise of this deviation on the training inputs, drawn once
/// Random numbers come from the data stream of `split_seed`. An option at its default is no part of what
/// a run is. Null where `source` is.
std::shared_ptr<const DataSource> with_options(std::shared_ptr<const DataSource> source,
                                               Settings& settings);

/// The option `symbols`; 0: inputs are numbers. A source that looks at its file asks for it first.
std::int64_t read_symbols(Settings& settings);

/// Whether the value is one of so many symbols; of 0 any is.
bool is_symbol(float value, std::int64_t symbols);
/// "; with symbols = 5 it is a whole number from 0 to 4": the end of a message about one that is not.
std::string allowed_symbols(std::int64_t symbols);

/// What with_options() reads.
std::vector<SettingInfo> data_options();

}  // namespace plumbline
