// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/part_streams.hpp"

#include <algorithm>
#include <utility>

#include "engine/datasets/examples.hpp"

namespace plumbline {

std::vector<std::int32_t> labels_of(const ExampleStream& stream) {
  std::vector<std::int32_t> labels(stream.size());
  for (std::size_t block = 0; block < stream.blocks(); ++block) {
    const std::vector<std::uint32_t> places = stream.places(block);
    const Examples examples = stream.read(block);
    for (std::size_t i = 0; i < places.size(); ++i) labels[places[i]] = examples.labels[i];
  }
  return labels;
}

KeptStream::KeptStream(std::shared_ptr<const ExampleStream> stream, std::vector<std::uint32_t> kept,
                       std::vector<std::int32_t> labels)
    : stream_(std::move(stream)), kept_(std::move(kept)), labels_(std::move(labels)) {}

Examples KeptStream::read(std::size_t block) const {
  const Found found = find(block);
  if (found.places.empty()) return {};
  Examples examples = select(stream_->read(block), found.indices);
  for (std::size_t i = 0; i < found.places.size(); ++i) {
    examples.labels[i] = labels_[found.places[i]];
  }
  return examples;
}

KeptStream::Found KeptStream::find(std::size_t block) const {
  const std::vector<std::uint32_t> places = stream_->places(block);
  Found found;
  for (std::uint32_t i = 0; i < places.size(); ++i) {
    const auto at = std::ranges::lower_bound(kept_, places[i]);
    if (at == kept_.end() || *at != places[i]) continue;
    found.indices.push_back(i);
    found.places.push_back(static_cast<std::uint32_t>(at - kept_.begin()));
  }
  return found;
}

Examples MappedStream::read(std::size_t block) const {
  Examples examples = stream_->read(block);
  map_(examples, places(block));
  return examples;
}

}  // namespace plumbline
