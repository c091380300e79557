// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace plumbline {

struct TheoryOptions {
  std::vector<std::string> settings = {};  ///< "key=value"
  bool json = false;
  std::string plot = {};  ///< FILE.png or FILE.svg; empty: no figure
};

/// The keys that theory_command() knows, a line each, for --help.
std::string theory_keys();

/// Prints the mean-field quantities of a point of the phase diagram, with `depth` what they come to over so
/// many layers, with `width` the band over random nets. Wrong settings are a DefinitionError; a figure that
/// cannot be drawn is an EnvironmentError.
int theory_command(const TheoryOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
