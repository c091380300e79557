// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct VerifyOptions {
  std::string file;      ///< a results file
  std::size_t runs = 0;  ///< so many of the finished runs, spread over the file; 0: all
  int threads = 0;       ///< 0: one for each available processor
  bool json = false;
  DataFolders data_folders;
};

/// Computes finished runs of a results file again, from the definition and the overrides that the
/// file holds, and compares status and digest. Names the first run that differs, in file order, and
/// returns 1 where one does; 130 where a signal ended it. Throws EnvironmentError where the file
/// cannot be read, is of another semantics version of the engine, has no finished run, or a run cannot
/// be computed here.
int verify_command(const VerifyOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
