// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace plumbline::fuzz {

using Input = std::span<const std::uint8_t>;

/// A reader of the project that is given any bytes. `read` returns whether it takes them in any of the ways
/// that it is asked to, and false where it refuses them with DefinitionError or EnvironmentError; whatever
/// else it throws comes out, and is a mistake of the reader. One call leaves nothing behind that the next
/// could see.
struct Target {
  std::string name;  ///< of its folders of inputs too
  bool (*read)(Input);
  /// Bytes of a seed that a test changes, spread over it: a process for each input takes its time.
  std::size_t places = 1'000'000;
};

/// All, sorted by name.
const std::vector<Target>& targets();

/// A definition: its text, and what make_plan() makes of it, for sweeps of a few runs. Files that it names
/// are those beside tests/runner/definition/mistakes.
bool read_definition(Input input);
/// IDX files: images, and behind them the labels, which begin at the last place where a file of one
/// dimension can.
bool read_idx(Input input);
/// A binary file of CIFAR-10.
bool read_cifar10(Input input);
/// Comma-separated values, whose last column is read as inputs, as a target and as a label.
bool read_csv(Input input);
/// A checkpoint of a small run, in which the run then goes on: its first byte chooses the run, the next two say
/// how many bytes are cut off at the end, and each further one is the change, by exclusive or, of a byte of
/// the checkpoint that the run itself makes. The checksum is always put right, for else all would end there.
bool read_checkpoint(Input input);
/// A results file, or a segment of one: all that anyone reads of it.
bool read_results(Input input);
/// An HDF5 file with examples, in memory and streamed, as labels and as values, and with weights.
bool read_hdf5(Input input);
/// A gzip file.
bool read_gzip(Input input);
/// A text.
bool read_text(Input input);

}  // namespace plumbline::fuzz
