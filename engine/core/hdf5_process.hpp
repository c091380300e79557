// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace plumbline::hdf5 {

/// What `look` returns in a process of its own, a copy of this one that ends with it. A damaged file may crash
/// the HDF5 library, which trusts what old formats keep without checksums, or hold it for ever; here that is
/// an EnvironmentError that names `path`, which is the file that is looked at. So is what `look` throws.
/// It must not wait for other threads: the copy has none.
std::string in_own_process(const std::string& path, const std::function<std::string()>& look);

}  // namespace plumbline::hdf5
