// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/fuzz/input_file.hpp"

namespace plumbline::fuzz {

namespace {

class InputFile {
 public:
  InputFile() {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder =
        std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    path_ = folder / ("plumbline_fuzz_" + std::to_string(getpid()));
  }
  ~InputFile() { std::filesystem::remove(path_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // As a new file: the HDF5 library, where it has crashed on the last, takes that for open still.
  void write(Input input) const {
    std::filesystem::remove(path_);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

const std::filesystem::path& file_with(Input input) {
  static const InputFile file;
  file.write(input);
  return file.path();
}

}  // namespace plumbline::fuzz
