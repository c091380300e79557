// SPDX-License-Identifier: Apache-2.0
#include "engine/training/streamed_batches.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "engine/datasets/examples.hpp"

namespace plumbline {

void StreamOrder::start(std::int64_t epoch) {
  epoch_ = epoch;
  random_ = Random(seed_, RandomStream::order, static_cast<std::uint32_t>(epoch));
  blocks_.resize(stream_.blocks());
  std::iota(blocks_.begin(), blocks_.end(), 0U);
  if (blocks_.size() > window_) random_.permutation(std::span(blocks_));
  next_ = 0;
}

StreamOrder::Window StreamOrder::next() {
  struct Example {
    std::uint32_t place;
    std::uint32_t block;  // in the window
    std::uint32_t index;  // in the block
  };
  Window window;
  std::vector<Example> examples;
  for (; window.blocks.size() < window_ && !ended(); ++next_) {
    const std::vector<std::uint32_t> places = stream_.places(blocks_[next_]);
    const auto block = static_cast<std::uint32_t>(window.blocks.size());
    for (std::uint32_t i = 0; i < places.size(); ++i) examples.push_back({places[i], block, i});
    window.blocks.push_back(blocks_[next_]);
    window.targets.emplace_back(places.size());
  }
  window.examples = examples.size();
  std::ranges::sort(examples, {}, &Example::place);
  const std::vector<std::uint32_t> order = random_.permutation(examples.size());
  for (std::uint32_t target = 0; target < order.size(); ++target) {
    const Example& example = examples[order[target]];
    window.targets[example.block][example.index] = target;
  }
  return window;
}

namespace {

void make_room(Examples& room, std::size_t rows, const Examples& like) {
  if (room.size() >= rows) return;
  room = {};  // first, so that there are never two
  room = room_for(rows, like);
}

}  // namespace

StreamedBatches::StreamedBatches(const ExampleStream& stream, std::size_t window, std::size_t batch,
                                 std::int64_t seed, const std::atomic<bool>* stop,
                                 std::int64_t last)
    : stream_(stream), batch_(batch), last_(last), order_(stream, window, seed), stop_(stop) {
  if (batch == 0 || stream.size() < batch) throw std::invalid_argument("no batch in the stream");
}

StreamedBatches::~StreamedBatches() {
  cancelled_ = true;
  if (reading_.valid()) reading_.wait();
}

void StreamedBatches::stop_for_nothing() {
  if (reading_.valid()) reading_.wait();
  stop_ = nullptr;
}

StreamedBatches::Rows StreamedBatches::at(std::int64_t step) {
  const std::int64_t epoch = step / batches();
  const std::size_t first = static_cast<std::size_t>(step % batches()) * batch_;
  if (!has(current_, epoch, first)) {
    if (reading_.valid()) {
      reading_.get();
      std::swap(current_, next_);
    }
    if (!has(current_, epoch, first)) go_to(epoch, first);
    read_ahead();
  }
  return {current_.examples, first - current_.begin};
}

bool StreamedBatches::has(const Chunk& chunk, std::int64_t epoch, std::size_t first) const {
  return chunk.epoch == epoch && chunk.begin <= first && first + batch_ <= chunk.end;
}

void StreamedBatches::go_to(std::int64_t epoch, std::size_t first) {
  order_.start(epoch);
  row_ = 0;
  fill(current_, nullptr, first);
}

void StreamedBatches::read_ahead() {
  if (current_.epoch < 0) return;  // stopped: there is nothing to go on from
  const std::size_t first = current_.end / batch_ * batch_;
  // Where the epoch has no more, that is the first step of the next.
  const std::int64_t step = current_.epoch * batches() + static_cast<std::int64_t>(first / batch_);
  if (step > last_) return;
  reading_ = std::async(std::launch::async, [this, first] { fill(next_, &current_, first); });
}

// Makes `chunk` the one with the batch from example `first` of the epoch on, or, where the epoch has no
// such batch, with the first of the next. `before` is the chunk that ends where the order stands, and may
// hold some of that batch; null where there is none.
void StreamedBatches::fill(Chunk& chunk, const Chunk* before, std::size_t first) {
  std::size_t begin = before == nullptr ? row_ : first;
  std::size_t kept = before == nullptr ? 0 : before->end - first;
  std::vector<StreamOrder::Window> windows;
  while (row_ < first + batch_) {
    if (order_.ended()) {
      order_.start(order_.epoch() + 1);
      windows.clear();
      row_ = begin = first = kept = 0;
      continue;
    }
    windows.push_back(order_.next());
    row_ += windows.back().examples;
    if (row_ > first) continue;
    windows.clear();  // all before the batch
    begin = row_;
  }
  chunk.epoch = -1;  // as long as it is not read to its end
  chunk.begin = begin;
  chunk.end = row_;
  const std::size_t rows = row_ - begin;
  if (before != nullptr) make_room(chunk.examples, rows, before->examples);
  for (std::size_t i = 0; i < kept; ++i) {
    copy_example(before->examples, first - before->begin + i, chunk.examples, i);
  }
  std::size_t to = kept;
  for (const StreamOrder::Window& window : windows) {
    read(window, to, rows, chunk);
    to += window.examples;
  }
  if (!stopped()) chunk.epoch = order_.epoch();
}

// Into the places from `to` on of a chunk of so many rows.
void StreamedBatches::read(const StreamOrder::Window& window, std::size_t to, std::size_t rows,
                           Chunk& chunk) const {
  for (std::size_t b = 0; b < window.blocks.size() && !stopped(); ++b) {
    const std::vector<std::uint32_t>& targets = window.targets[b];
    if (targets.empty()) continue;
    const Examples block = stream_.read(window.blocks[b]);
    make_room(chunk.examples, rows, block);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      copy_example(block, i, chunk.examples, to + targets[i]);
    }
  }
}

}  // namespace plumbline
