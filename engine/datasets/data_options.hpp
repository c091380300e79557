// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "engine/core/settings.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The source with the options of `[data]` that every source has beside its own, read from the same
/// table; the source itself where none is given. They act in this order:
///   symbols         each input is a symbol, a whole number from 0 to symbols - 1; loading checks it
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

/// What with_options() reads.
std::vector<SettingInfo> data_options();

}  // namespace plumbline
