// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/definition_schema.hpp"

namespace plumbline {

int schema_command(std::ostream& out) {
  out << definition_schema().dump(2) << '\n';
  return 0;
}

}  // namespace plumbline
