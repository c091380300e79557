// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/definition_schema.hpp"
#include "experiments/runner/commands/exit_status.hpp"

namespace plumbline {

int schema_command(std::ostream& out) {
  out << definition_schema().dump(2) << '\n';
  return kAllWell;
}

}  // namespace plumbline
