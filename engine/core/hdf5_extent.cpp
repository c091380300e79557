// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_extent.hpp"

#include <algorithm>
#include <limits>

namespace plumbline::hdf5 {

namespace {

constexpr std::size_t kMostBytes = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostOfARow = std::size_t{1} << 32U;
constexpr std::size_t kBelieved = 1000000;
// The deflate format cannot do better than 1032 to 1 (zlib's technical notes); the rest is for headers.
constexpr std::size_t kMostPacked = 1100;

std::string shape_text(const std::vector<std::size_t>& sides) {
  std::string text;
  for (const std::size_t side : sides) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

/// What a file holds of a dataset.
struct Stored {
  std::size_t bytes = 0;
  bool packed = false;  ///< perhaps
};

/// As much as can be where that is in other files.
Stored stored_in_file(const Check& check, const Handle& dataset, const std::string& task) {
  const Handle made(check(H5Dget_create_plist(dataset.id()), task));
  const int layout = check(int{H5Pget_layout(made.id())}, task);
  if (layout == H5D_VIRTUAL) return {kMostBytes};
  if (layout == H5D_CONTIGUOUS && check(H5Pget_external_count(made.id()), task) > 0) {
    return {kMostBytes};
  }
  const Handle file(check(H5Iget_file_id(dataset.id()), task));
  hsize_t of_file = 0;
  check(int{H5Fget_filesize(file.id(), &of_file)}, task);
  // The library says 0 where it cannot tell, too.
  return {std::min<std::size_t>(H5Dget_storage_size(dataset.id()), of_file), layout == H5D_CHUNKED};
}

}  // namespace

std::vector<std::size_t> sides_of(const Check& check, const Handle& dataset,
                                  const std::string& quoted) {
  const std::string task = "find the shape of " + quoted;
  const Handle space(check(H5Dget_space(dataset.id()), task));
  std::vector<hsize_t> found(
      static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space.id()), task)));
  check(H5Sget_simple_extent_dims(space.id(), found.data(), nullptr), task);
  const std::vector<std::size_t> sides(found.begin(), found.end());
  if (std::ranges::find(sides, 0U) != sides.end()) return sides;

  const Handle type(check(H5Dget_type(dataset.id()), task));
  const std::size_t in_file = H5Tget_size(type.id());
  // Numbers are read as float, double or 64-bit integers.
  const std::size_t in_memory = std::max<std::size_t>(in_file, sizeof(double));
  std::size_t values = 1;
  for (std::size_t axis = sides.size(); axis-- > 0;) {
    const bool in_a_row = axis > 0;
    if (sides[axis] > (in_a_row ? kMostOfARow : kMostBytes) / in_memory / values) {
      check.refuse(quoted + " is " + shape_text(sides) + ", more numbers than can be read");
    }
    values *= sides[axis];
  }
  const Stored stored = stored_in_file(check, dataset, task);
  const std::size_t bytes = values * in_file;
  const bool never_written = stored.bytes == 0 && bytes <= kBelieved;
  const std::size_t least = stored.packed ? (bytes <= kBelieved ? 0 : bytes / kMostPacked) : bytes;
  if (stored.bytes < least && !never_written) {
    check.refuse(quoted + " is " + shape_text(sides) + ", and the file holds " +
                 std::to_string(stored.bytes) + " bytes of it; is it damaged?");
  }
  return sides;
}

}  // namespace plumbline::hdf5
