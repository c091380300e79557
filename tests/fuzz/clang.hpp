// SPDX-License-Identifier: Apache-2.0
// What clang reads before every source. A table of settings holds nodes, and a node may hold a table;
// clang 19 refuses that circle with libstdc++ 12 where it comes upon it in what a table holds, but not where
// it has made a table's destructor before.
#pragma once

#include "engine/core/setting_node.hpp"

namespace plumbline::fuzz {

inline void make_destructor(SettingsTable& table) { table.~SettingsTable(); }

}  // namespace plumbline::fuzz
