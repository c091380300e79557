// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

// One function for each command that reads definitions and runs nothing. Results go to `out`,
// messages to `err`; the return value is the exit status. A wrong definition is a DefinitionError
// and a file that cannot be read an EnvironmentError, unless the function says otherwise.

struct ListOptions {
  std::string kind = {};  ///< "optimizers"; empty: every kind
  bool json = false;
  bool markdown = false;
};

/// The kinds that list() knows, in its order.
const std::vector<std::string>& list_kinds();

/// Prints the plug-ins of this build and the definitions that ship: name, summary and paper, or
/// with `json` the contract's array. An unknown kind is a message and status 2.
int list_command(const ListOptions& options, std::ostream& out, std::ostream& err);

struct DescribeOptions {
  std::string name = {};
};

/// Prints everything that a plug-in or a shipped definition says of itself; one part for each kind
/// that has the name. An unknown name is a message with the nearest one, and status 2.
int describe_command(const DescribeOptions& options, std::ostream& out, std::ostream& err);

struct CheckOptions {
  std::string definition = {};              ///< a path, or the name of a definition that ships
  std::vector<std::string> overrides = {};  ///< "key=value"
  DataFolders data_folders = {};
  bool yes = false;  ///< more than kMostRuns are meant
};

/// Prints each mistake of the definition to `err`, one a line, as "file:line:column: message", and
/// returns 2; or says on `out` in one line that there is none. Warnings go to `err`.
int check_command(const CheckOptions& options, std::ostream& out, std::ostream& err);

struct PlanOptions {
  std::string definition = {};
  std::vector<std::string> overrides = {};
  int threads = 0;   ///< that the estimates are for; 0: one for each processor
  bool all = false;  ///< every run in the table, not the first ones alone
  bool json = false;
  DataFolders data_folders = {};
  bool yes = false;  ///< more than kMostRuns are meant
};

/// Prints the runs of the definition, their number, and an estimate of time and memory; to `err`
/// warnings, and whether the runs fit the memory that is available.
int plan_command(const PlanOptions& options, std::ostream& out, std::ostream& err);

/// Prints the JSON Schema of definitions (definition_schema.hpp).
int schema_command(std::ostream& out);

}  // namespace plumbline
