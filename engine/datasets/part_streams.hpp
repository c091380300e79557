// SPDX-License-Identifier: Apache-2.0
// Streams made of other streams.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The label of each example of a stream with one label an example, by its place. Reads the whole stream.
std::vector<std::int32_t> labels_of(const ExampleStream& stream);

/// The examples of a stream that stand at the places `kept`, which rise, with these labels.
class KeptStream final : public ExampleStream {
 public:
  KeptStream(std::shared_ptr<const ExampleStream> stream, std::vector<std::uint32_t> kept,
             std::vector<std::int32_t> labels);

  std::size_t size() const override { return kept_.size(); }
  std::size_t blocks() const override { return stream_->blocks(); }
  std::vector<std::uint32_t> places(std::size_t block) const override { return find(block).places; }
  Examples read(std::size_t block) const override;

 private:
  struct Found {
    std::vector<std::uint32_t> indices;  // among the examples of the stream's block
    std::vector<std::uint32_t> places;
  };
  Found find(std::size_t block) const;

  std::shared_ptr<const ExampleStream> stream_;
  std::vector<std::uint32_t> kept_;
  std::vector<std::int32_t> labels_;
};

/// What is made of examples, given their places among all of the part.
using ExampleMap = std::function<void(Examples&, std::span<const std::uint32_t>)>;

/// The examples of a stream, each block mapped when it is read.
class MappedStream final : public ExampleStream {
 public:
  MappedStream(std::shared_ptr<const ExampleStream> stream, ExampleMap map)
      : stream_(std::move(stream)), map_(std::move(map)) {}

  std::size_t size() const override { return stream_->size(); }
  std::size_t blocks() const override { return stream_->blocks(); }
  std::vector<std::uint32_t> places(std::size_t block) const override {
    return stream_->places(block);
  }
  Examples read(std::size_t block) const override;

 private:
  std::shared_ptr<const ExampleStream> stream_;
  ExampleMap map_;
};

}  // namespace plumbline
