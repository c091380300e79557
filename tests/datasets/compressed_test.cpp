// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/compressed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Longer than a stored block and than any buffer.
Bytes content() {
  Bytes bytes(200000);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * i / 7 % 251);
  }
  return bytes;
}

Bytes first(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(ReadFileTest, GivesTheSameBytesFromAPlainAndAGzippedFile) {
  const DataFolder folder;
  EXPECT_EQ(read_file(folder.write("plain", content())), content());
  EXPECT_EQ(read_file(folder.write("packed.gz", gzipped(content()))), content());
  EXPECT_EQ(read_file(folder.write("packed_without_ending", gzipped(content()))), content());
}

TEST(ReadFileTest, ReadsEmptyFiles) {
  const DataFolder folder;
  EXPECT_TRUE(read_file(folder.write("plain", {})).empty());
  EXPECT_TRUE(read_file(folder.write("packed.gz", gzipped({}))).empty());
}

TEST(ReadFileTest, RefusesATruncatedGzipFileWhereverItEnds) {
  const DataFolder folder;
  const Bytes packed = gzipped(content());
  for (const std::size_t length :
       {std::size_t{5}, std::size_t{10}, std::size_t{14}, std::size_t{1000}, std::size_t{70000},
        packed.size() - 9, packed.size() - 4, packed.size() - 1}) {
    const auto path = folder.write("cut.gz", first(packed, length));
    EXPECT_THAT(environment_error([&] { read_file(path); }),
                AllOf(StartsWith(path.string()), HasSubstr("truncated")))
        << "after " << length << " bytes";
  }
}

TEST(ReadFileTest, RefusesAGzipFileWithADamagedByte) {
  const DataFolder folder;
  Bytes packed = gzipped(content());
  ++packed[1000];
  const auto path = folder.write("damaged.gz", packed);
  EXPECT_THAT(environment_error([&] { read_file(path); }),
              AllOf(StartsWith(path.string()), HasSubstr("cannot read")));
}

TEST(ReadFileTest, NamesAFileThatIsNotThere) {
  const DataFolder folder;
  const auto path = folder.path() / "absent";
  EXPECT_THAT(environment_error([&] { read_file(path); }),
              AllOf(StartsWith(path.string()), HasSubstr("No such file")));
}

TEST(ReadFileTest, RefusesAFolder) {
  const DataFolder folder;
  EXPECT_THAT(environment_error([&] { read_file(folder.path()); }), HasSubstr("is a folder"));
}

TEST(UnpackTest, GivesTheBytesBack) { EXPECT_EQ(unpack(gzipped(content()), "name"), content()); }

TEST(UnpackTest, RefusesTruncatedAndDamagedBytes) {
  const Bytes packed = gzipped(content());
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{5}, std::size_t{1000}, packed.size() - 1}) {
    EXPECT_THAT(environment_error([&] { unpack(first(packed, length), "name"); }),
                HasSubstr("name: is not whole gzip data"))
        << "after " << length << " bytes";
  }
  Bytes damaged = packed;
  ++damaged[1000];
  EXPECT_THAT(environment_error([&] { unpack(damaged, "name"); }), HasSubstr("name"));
}

TEST(FindFileTest, SearchesFoldersInOrderThenTheSubfolderFirstAndThePlainFileFirst) {
  const DataFolder one;
  const DataFolder two;
  const DataFolders folders = {one.path(), two.path()};
  EXPECT_TRUE(find_file(folders, "set", "file").empty());
  for (const std::string name : {"file.gz", "file", "set/file.gz", "set/file"}) {
    two.write(name, {1});
    EXPECT_EQ(find_file(folders, "set", "file"), two.path() / name);
  }
  one.write("file.gz", {1});
  EXPECT_EQ(find_file(folders, "set", "file"), one.path() / "file.gz");
}

TEST(RequireFileTest, NamesEveryFolderSearchedAndHowToGetTheFile) {
  EXPECT_THAT(environment_error([] { require_file({"/no/such/a", "/no/such/b"}, "set", "file"); }),
              AllOf(StartsWith("file: "), HasSubstr("/no/such/a"), HasSubstr("/no/such/b"),
                    HasSubstr("set/"), HasSubstr("scripts/fetch_data set")));
}

}  // namespace
}  // namespace plumbline
