// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/hdf5_variables.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

namespace plumbline::hdf5 {

namespace {

constexpr unsigned kOrderTracked = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
constexpr unsigned kDeflateLevel = 1;
static_assert(std::endian::native == std::endian::little, "small rows are stored as they are");
/// Of a variable over one dimension: half a megabyte of doubles.
constexpr hsize_t kLongestChunk = 65536;
/// Deflating rows of so few bytes takes ten times as long as writing them, and saves next to none.
constexpr std::size_t kSmallRowBytes = 256;
/// The filters of a variable are shuffle, deflate and the checksum, bits 0 to 2.
constexpr std::uint32_t kChecksumAlone = 0b011;

std::string quoted(const std::string& name) { return "'" + name + "'"; }

Handle text_type(const Check& check) {
  Handle type(check(H5Tcopy(H5T_C_S1), "make a text type"));
  check(H5Tset_size(type.id(), H5T_VARIABLE), "make a text type");
  check(H5Tset_cset(type.id(), H5T_CSET_UTF8), "make a text type");
  return type;
}

hid_t number_type(StoredAs type) {
  switch (type) {
    case StoredAs::int8:
      return H5T_STD_I8LE;
    case StoredAs::int32:
      return H5T_STD_I32LE;
    case StoredAs::int64:
      return H5T_STD_I64LE;
    case StoredAs::float64:
    case StoredAs::text:
      break;
  }
  return H5T_IEEE_F64LE;
}

Handle make_attribute(const Check& check, hid_t object, const std::string& name, hid_t type,
                      const Handle& space) {
  return Handle(check(H5Acreate2(object, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT),
                      "create attribute " + quoted(name)));
}

Handle line(const Check& check, hsize_t size) {
  return Handle(check(H5Screate_simple(1, &size, nullptr), "describe a shape"));
}

/// The length of the UTF-8 sequence that `text` begins with, or 0 where it is not one: overlong
/// forms, surrogates and code points beyond U+10FFFF are not (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead >= 0x01 && lead <= 0x7F) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::size_t count(std::span<const hsize_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
}

std::size_t values_of_row(const Variable& variable) {
  return count(variable.shape) / variable.shape[0];
}

/// One index of the first dimension; where there is no other, a large piece.
hsize_t rows_of_chunk(const std::vector<hsize_t>& shape) {
  return shape.size() == 1 ? std::min(shape[0], kLongestChunk) : 1;
}

/// How a variable's values are laid out and filtered.
Handle creation_properties(const Check& check, StoredAs type, const std::vector<hsize_t>& shape,
                           hsize_t chunk_rows) {
  Handle properties(check(H5Pcreate(H5P_DATASET_CREATE), "prepare a variable"));
  const hid_t id = properties.id();
  check(H5Pset_attr_creation_order(id, kOrderTracked), "track the order of attributes");
  if (type == StoredAs::text) return properties;
  std::vector<hsize_t> chunk = shape;
  chunk[0] = chunk_rows;
  check(H5Pset_chunk(id, static_cast<int>(chunk.size()), chunk.data()), "set a chunk");
  check(H5Pset_shuffle(id), "set the shuffle filter");
  check(H5Pset_deflate(id, kDeflateLevel), "set the deflate filter");
  check(H5Pset_fletcher32(id), "set the checksum filter");
  if (type == StoredAs::float64) {
    const double fill = std::numeric_limits<double>::quiet_NaN();
    check(H5Pset_fill_value(id, H5T_NATIVE_DOUBLE, &fill), "set a fill value");
  }
  return properties;
}

Variable create_dataset(const Check& check, hid_t file, const std::string& name, StoredAs type,
                        std::vector<hsize_t> shape, hsize_t chunk_rows) {
  const Handle space(check(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                           "describe a shape"));
  const Handle properties = creation_properties(check, type, shape, chunk_rows);
  // No cache of chunks: they are written whole, and a full disk shows in the write, not in the
  // close.
  const Handle access(check(H5Pcreate(H5P_DATASET_ACCESS), "prepare a variable"));
  check(H5Pset_chunk_cache(access.id(), 0, 0, 0), "set the cache of chunks");
  const Handle text = text_type(check);
  const hid_t stored = type == StoredAs::text ? text.id() : number_type(type);
  Handle dataset(check(
      H5Dcreate2(file, name.c_str(), stored, space.id(), H5P_DEFAULT, properties.id(), access.id()),
      "create variable " + quoted(name)));
  Variable variable{name, std::move(dataset), std::move(shape), chunk_rows};
  const std::size_t value_bytes = type == StoredAs::float64 ? 8 : type == StoredAs::int8 ? 1 : 0;
  const bool is_small = values_of_row(variable) * value_bytes <= kSmallRowBytes;
  if (variable.shape.size() > 1 && is_small) variable.small_row_value_bytes = value_bytes;
  return variable;
}

/// The checksum of J. G. Fletcher, An Arithmetic Checksum for Serial Transmissions, IEEE Transactions on
/// Communications 30 (1982), as HDF5 takes it: sums modulo 2^16 - 1 of big-endian words of 16 bits and of
/// these sums. Both are reduced before they can overflow, and twice at the end.
std::uint32_t fletcher32(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kBytesBetween = 720;
  std::uint32_t sum1 = 0;
  std::uint32_t sum2 = 0;
  const auto reduce = [&] {
    for (std::uint32_t* sum : {&sum1, &sum2}) *sum = (*sum & 0xFFFF) + (*sum >> 16);
  };
  const auto add = [&](std::uint8_t high, std::uint8_t low) {
    sum1 += (std::uint32_t{high} << 8) | low;
    sum2 += sum1;
  };
  while (bytes.size() > 1) {
    const auto piece = bytes.first(std::min(bytes.size() & ~std::size_t{1}, kBytesBetween));
    for (std::size_t i = 0; i < piece.size(); i += 2) add(piece[i], piece[i + 1]);
    reduce();
    bytes = bytes.subspan(piece.size());
  }
  if (!bytes.empty()) {
    add(bytes.front(), 0);
    reduce();
  }
  reduce();
  return (sum2 << 16) | sum1;
}

/// Whether rows from `first` on are what one chunk of small rows holds.
bool is_small_chunk(const Variable& variable, std::size_t first, std::size_t rows) {
  return variable.small_row_value_bytes > 0 && first % variable.chunk_rows == 0 &&
         rows == std::min<std::size_t>(variable.chunk_rows, variable.shape[0] - first);
}

/// Writes a chunk as the library stores it: its bytes and their checksum, neither shuffled nor deflated,
/// which the chunk says of itself. Rows beyond the last are 0.
void write_small_chunk(const Check& check, const Variable& variable, std::size_t first,
                       std::span<const double> numbers) {
  const std::size_t size =
      variable.chunk_rows * values_of_row(variable) * variable.small_row_value_bytes;
  std::vector<std::uint8_t> chunk(size + sizeof(std::uint32_t));
  if (variable.small_row_value_bytes == sizeof(double)) {
    std::memcpy(chunk.data(), numbers.data(), numbers.size_bytes());
  } else {
    std::ranges::transform(numbers, chunk.begin(), [](double number) {
      return static_cast<std::uint8_t>(static_cast<std::int8_t>(number));
    });
  }
  const std::uint32_t checksum = fletcher32(std::span(chunk).first(size));
  std::memcpy(&chunk[size], &checksum, sizeof checksum);
  const std::array<hsize_t, 3> start = {first, 0, 0};
  check(H5Dwrite_chunk(variable.id(), H5P_DEFAULT, kChecksumAlone, start.data(), chunk.size(),
                       chunk.data()),
        "write " + quoted(variable.name));
}

std::vector<hsize_t> shape_over(std::span<const Variable* const> dimensions) {
  std::vector<hsize_t> shape;
  for (const Variable* dimension : dimensions) shape.push_back(dimension->shape[0]);
  return shape;
}

/// The part of a variable's space that is `rows` indices of its first dimension from `first` on.
Handle row_space(const Check& check, const Variable& variable, std::size_t first,
                 std::size_t rows) {
  Handle space(check(H5Dget_space(variable.id()), "find the shape of " + quoted(variable.name)));
  std::vector<hsize_t> start(variable.shape.size(), 0);
  std::vector<hsize_t> size = variable.shape;
  start[0] = first;
  size[0] = rows;
  check(
      H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr),
      "select runs of " + quoted(variable.name));
  return space;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  const bool is_ascii = std::ranges::all_of(
      text, [](char letter) { return letter != 0 && static_cast<unsigned char>(letter) < 0x80; });
  if (is_ascii) return std::string(text);
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    valid += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return valid;
}

void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::string_view text) {
  const Handle space(check(H5Screate(H5S_SCALAR), "describe a shape"));
  const Handle type = text_type(check);
  const Handle attribute = make_attribute(check, object, name, type.id(), space);
  const std::string valid = valid_utf8(text);
  const char* pointer = valid.c_str();
  check(H5Awrite(attribute.id(), type.id(), &pointer), "write attribute " + quoted(name));
}

void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::span<const std::string> texts) {
  const Handle space = line(check, texts.size());
  const Handle type = text_type(check);
  const Handle attribute = make_attribute(check, object, name, type.id(), space);
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  check(H5Awrite(attribute.id(), type.id(), pointers.data()), "write attribute " + quoted(name));
}

void set_attribute(const Check& check, hid_t object, const std::string& name,
                   std::span<const double> numbers, StoredAs type) {
  const Handle space = line(check, numbers.size());
  const Handle attribute = make_attribute(check, object, name, number_type(type), space);
  check(H5Awrite(attribute.id(), H5T_NATIVE_DOUBLE, numbers.data()),
        "write attribute " + quoted(name));
}

bool has_attribute(const Check& check, hid_t object, const std::string& name) {
  return check(H5Aexists(object, name.c_str()), "look for attribute " + quoted(name)) > 0;
}

std::string text_attribute(const Check& check, hid_t object, const std::string& name) {
  const std::string task = "read attribute " + quoted(name);
  const Handle attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT), task));
  const Handle stored(check(H5Aget_type(attribute.id()), task));
  const Handle space(check(H5Aget_space(attribute.id()), task));
  const bool variable = check(H5Tis_variable_str(stored.id()), task) > 0;
  if (!variable || H5Sget_simple_extent_npoints(space.id()) != 1) {
    check.refuse("attribute " + quoted(name) + " is not one text of variable length");
  }
  const Handle type = text_type(check);
  char* pointer = nullptr;
  check(H5Aread(attribute.id(), type.id(), &pointer), task);
  std::string text = pointer == nullptr ? "" : pointer;
  H5Dvlen_reclaim(type.id(), space.id(), H5P_DEFAULT, &pointer);
  return text;
}

Handle create_group(const Check& check, hid_t parent, const std::string& name) {
  const Handle properties(check(H5Pcreate(H5P_GROUP_CREATE), "prepare a group"));
  check(H5Pset_link_creation_order(properties.id(), kOrderTracked), "track the order of a group");
  check(H5Pset_attr_creation_order(properties.id(), kOrderTracked), "track the order of a group");
  return Handle(check(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
                      "create group " + quoted(name)));
}

std::vector<std::string> attributes(const Check& check, hid_t object) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names),
        "list its attributes");
  return names;
}

std::vector<std::string> members(const Check& check, hid_t group) {
  H5G_info_t info;
  check(H5Gget_info(group, &info), "list its variables");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto ask = [&](char* buffer, std::size_t size) {
      return check(hid_t{H5Lget_name_by_idx(group, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, buffer,
                                            size, H5P_DEFAULT)},
                   "list its variables");
    };
    // The length comes without the closing NUL, for which there must be room.
    std::string name(static_cast<std::size_t>(ask(nullptr, 0)), '\0');
    ask(name.data(), name.size() + 1);
    names.push_back(std::move(name));
  }
  return names;
}

Variable create_dimension(const Check& check, hid_t file, const std::string& name,
                          std::span<const double> coordinates) {
  const std::vector<hsize_t> shape = {coordinates.size()};
  Variable dimension =
      create_dataset(check, file, name, StoredAs::int32, shape, rows_of_chunk(shape));
  check(H5DSset_scale(dimension.id(), name.c_str()), "make a dimension of " + quoted(name));
  write_numbers(check, dimension, coordinates);
  return dimension;
}

Variable create_variable(const Check& check, hid_t file, const std::string& name, StoredAs type,
                         std::span<const Variable* const> dimensions) {
  const std::vector<hsize_t> shape = shape_over(dimensions);
  return create_variable(check, file, name, type, dimensions, rows_of_chunk(shape));
}

Variable create_variable(const Check& check, hid_t file, const std::string& name, StoredAs type,
                         std::span<const Variable* const> dimensions, std::size_t chunk_rows) {
  Variable variable = create_dataset(check, file, name, type, shape_over(dimensions), chunk_rows);
  for (std::size_t axis = 0; axis < dimensions.size(); ++axis) {
    check(H5DSattach_scale(variable.id(), dimensions[axis]->id(), static_cast<unsigned>(axis)),
          "name the dimensions of " + quoted(name));
  }
  return variable;
}

Variable open_variable(const Check& check, hid_t file, const std::string& name) {
  Handle object(check(H5Oopen(file, name.c_str(), H5P_DEFAULT), "open variable " + quoted(name)));
  if (H5Iget_type(object.id()) != H5I_DATASET) return {};
  const std::string task = "find the shape of " + quoted(name);
  const Handle space(check(H5Dget_space(object.id()), task));
  std::vector<hsize_t> shape(
      static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space.id()), task)));
  check(H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr), task);
  return {name, std::move(object), std::move(shape)};
}

bool is_dimension(const Check& check, const Variable& variable) {
  return check(H5DSis_scale(variable.id()), "look at " + quoted(variable.name)) > 0;
}

bool is_over(const Check& check, const Variable& variable, const Variable& dimension,
             unsigned axis) {
  return check(H5DSis_attached(variable.id(), dimension.id(), axis),
               "find the dimensions of " + quoted(variable.name)) > 0;
}

bool holds_text(const Check& check, const Variable& variable) {
  const std::string task = "find the type of " + quoted(variable.name);
  const Handle type(check(H5Dget_type(variable.id()), task));
  return check(H5Tdetect_class(type.id(), H5T_STRING), task) > 0;
}

void describe(const Check& check, const Variable& variable, const std::string& meaning,
              const std::string& units) {
  set_attribute(check, variable.id(), "long_name", meaning);
  if (!units.empty()) set_attribute(check, variable.id(), "units", units);
}

void describe_flags(const Check& check, const Variable& variable, const std::string& meanings) {
  std::vector<double> values(1 + static_cast<std::size_t>(std::ranges::count(meanings, ' ')));
  std::iota(values.begin(), values.end(), 0.0);
  set_attribute(check, variable.id(), "flag_values", values, StoredAs::int8);
  set_attribute(check, variable.id(), "flag_meanings", meanings);
}

void write_numbers(const Check& check, const Variable& variable, std::span<const double> numbers) {
  check(H5Dwrite(variable.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()),
        "write " + quoted(variable.name));
}

void write_texts(const Check& check, const Variable& variable, std::span<const std::string> texts) {
  const Handle type = text_type(check);
  std::vector<std::string> valid;
  valid.reserve(texts.size());
  for (const std::string& text : texts) valid.push_back(valid_utf8(text));
  std::vector<const char*> pointers;
  for (const std::string& text : valid) pointers.push_back(text.c_str());
  check(H5Dwrite(variable.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()),
        "write " + quoted(variable.name));
}

std::vector<double> read_numbers(const Check& check, const Variable& variable) {
  if (holds_text(check, variable)) check.refuse(quoted(variable.name) + " holds text, not numbers");
  std::vector<double> numbers(count(variable.shape));
  check(H5Dread(variable.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()),
        "read " + quoted(variable.name));
  return numbers;
}

std::vector<std::string> read_texts(const Check& check, const Variable& variable) {
  const Handle type = text_type(check);
  std::vector<char*> pointers(count(variable.shape), nullptr);
  check(H5Dread(variable.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()),
        "read " + quoted(variable.name));
  std::vector<std::string> texts;
  // The library reads an empty text as a null pointer.
  for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
  const Handle space = line(check, pointers.size());
  H5Dvlen_reclaim(type.id(), space.id(), H5P_DEFAULT, pointers.data());
  return texts;
}

void write_rows(const Check& check, const Variable& variable, std::size_t first, std::size_t rows,
                std::span<const double> numbers) {
  if (is_small_chunk(variable, first, rows)) {
    return write_small_chunk(check, variable, first, numbers);
  }
  const Handle memory = line(check, numbers.size());
  const Handle file = row_space(check, variable, first, rows);
  check(H5Dwrite(variable.id(), H5T_NATIVE_DOUBLE, memory.id(), file.id(), H5P_DEFAULT,
                 numbers.data()),
        "write " + quoted(variable.name));
}

std::vector<double> read_rows(const Check& check, const Variable& variable, std::size_t first,
                              std::size_t rows) {
  std::vector<double> numbers(values_of_row(variable) * rows);
  const Handle memory = line(check, numbers.size());
  const Handle file = row_space(check, variable, first, rows);
  check(H5Dread(variable.id(), H5T_NATIVE_DOUBLE, memory.id(), file.id(), H5P_DEFAULT,
                numbers.data()),
        "read " + quoted(variable.name));
  return numbers;
}

}  // namespace plumbline::hdf5
