// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

namespace plumbline {

/// A JSON Schema of definitions, for editors to complete and check from: every table, plug-in and
/// setting of this build, with its type, range, default and meaning, as the code that reads them
/// declares them. A plug-in whose name is given has exactly its own settings; one without a name, which
/// an axis may give it, has those of any of its kind.
///
/// Draft 7, with alternatives in place of conditions, as Taplo (Even Better TOML) knows that draft and
/// completes from alternatives alone. It sees one value at a time, so what two of them say together,
/// and what data files hold, is left for `check`.
nlohmann::ordered_json definition_schema();

}  // namespace plumbline
