// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/compressed.hpp"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "engine/core/error.hpp"

namespace plumbline {

namespace {

struct Close {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, Close>;

}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw EnvironmentError(path.string() + ": is a folder, not a file");
  }
  const GzFile file(gzopen(path.c_str(), "rb"));
  if (!file) throw EnvironmentError(path.string() + ": cannot open: " + std::strerror(errno));
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 1 << 16> chunk;
  for (;;) {
    const int read = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    if (read > 0) bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + read);
    if (read == 0) break;
    if (read < 0) {
      int code = 0;
      const char* message = gzerror(file.get(), &code);
      throw EnvironmentError(
          path.string() + ": cannot read: " + (code == Z_ERRNO ? std::strerror(errno) : message));
    }
  }
  // A gzip stream that ends early reads as if it were complete, but for this.
  int code = 0;
  gzerror(file.get(), &code);
  if (code == Z_BUF_ERROR) throw EnvironmentError(path.string() + ": is truncated");
  return bytes;
}

std::vector<std::uint8_t> unpack(std::span<const std::uint8_t> packed, const std::string& name) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) throw EnvironmentError(name + ": zlib does not start");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  stream.next_in = const_cast<std::uint8_t*>(packed.data());
  stream.avail_in = static_cast<unsigned>(packed.size());
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 1 << 16> chunk;
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = chunk.data();
    stream.avail_out = static_cast<unsigned>(chunk.size());
    state = inflate(&stream, Z_NO_FLUSH);
    bytes.insert(bytes.end(), chunk.begin(), chunk.end() - stream.avail_out);
  }
  if (state != Z_STREAM_END) throw EnvironmentError(name + ": is not whole gzip data");
  return bytes;
}

std::filesystem::path find_file(const DataFolders& folders, const std::string& subfolder,
                                const std::string& name) {
  for (const std::filesystem::path& folder : folders) {
    for (const std::filesystem::path& base : {folder / subfolder, folder}) {
      for (const char* ending : {"", ".gz"}) {
        const std::filesystem::path path = base / (name + ending);
        std::error_code error;
        if (std::filesystem::exists(path, error)) return path;
      }
    }
  }
  return {};
}

std::filesystem::path require_file(const DataFolders& folders, const std::string& subfolder,
                                   const std::string& name) {
  std::filesystem::path path = find_file(folders, subfolder, name);
  if (!path.empty()) return path;
  std::string searched;
  for (const std::filesystem::path& folder : folders) {
    searched += (searched.empty() ? "" : ", ") + folder.string();
  }
  throw EnvironmentError(name + ": not found, plain or .gz, in " + searched + " nor in " +
                         subfolder + "/ below; `scripts/fetch_data " + subfolder +
                         "` gets it, and --data-dir or PLUMBLINE_DATA says where it is");
}

}  // namespace plumbline
