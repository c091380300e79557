// SPDX-License-Identifier: Apache-2.0
// The whole message about each kind of bad IDX file; those about CSV, HDF5 and text are in their tests.
#include <gtest/gtest.h>

#include <string>

#include "engine/datasets/compressed.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

class BadDataTest : public testing::Test {
 protected:
  // What reading the MNIST images of the folder says.
  std::string refusal() const {
    return environment_error([&] { load("mnist", {}, {folder_.path()}); });
  }
  std::string write(const std::string& name, const Bytes& bytes) const {
    return folder_.write(name, bytes).string();
  }

  DataFolder folder_;
};

TEST_F(BadDataTest, AMissingFile) {
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte: not found, plain or .gz, in " + folder_.path().string() +
                " nor in mnist/ below; `scripts/fetch_data mnist` gets it, and --data-dir "
                "or PLUMBLINE_DATA says where it is");
}

TEST_F(BadDataTest, ATruncatedFile) {
  Bytes images = idx_file({60000, 28, 28}, Bytes(1000));
  const std::string path = write("train-images-idx3-ubyte", images);
  write("train-labels-idx1-ubyte", {});
  EXPECT_EQ(refusal(),
            path + ": holds 1000 values, and its header says 47040000; is it truncated?");
  images.resize(11);
  write("train-images-idx3-ubyte", images);
  EXPECT_EQ(refusal(), path + ": is truncated in its header");
}

TEST_F(BadDataTest, ATruncatedPackedFile) {
  Bytes packed = gzipped(idx_file({60000, 28, 28}, Bytes(1000)));
  packed.resize(packed.size() - 7);
  const std::string path = write("train-images-idx3-ubyte.gz", packed);
  write("train-labels-idx1-ubyte", {});
  EXPECT_EQ(refusal(), path + ": is truncated");
}

TEST_F(BadDataTest, AWrongMagicNumber) {
  Bytes images = idx_file({60000, 28, 28}, Bytes(10));
  images[2] = 0x0D;  // floats
  const std::string path = write("train-images-idx3-ubyte", images);
  write("train-labels-idx1-ubyte", {});
  EXPECT_EQ(refusal(), path + ": is not an IDX file of unsigned bytes (wrong magic number)");
}

TEST_F(BadDataTest, ImagesAndLabelsOfDifferentCounts) {
  const std::string path =
      write("train-images-idx3-ubyte", idx_file({60000, 28, 28}, Bytes(47040000)));
  write("train-labels-idx1-ubyte", idx_file({59999}, Bytes(59999)));
  EXPECT_EQ(refusal(), path + ": 60000 images, but 59999 labels");
}

}  // namespace
}  // namespace plumbline
