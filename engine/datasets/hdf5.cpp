// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <span>
#include <sstream>
#include <utility>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "engine/core/hdf5_process.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/hdf5_part.hpp"
#include "engine/datasets/hdf5_stream.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/stream_sizes.hpp"
#include "engine/datasets/user_file.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kMostClasses = 1000000;
/// Numbers of a block whose length nobody gave: 4 MB.
constexpr std::size_t kBlock = 1U << 20;

/// What a definition says of the file.
struct Layout {
  Hdf5Names train;
  Hdf5Names valid;  // no inputs: dealt from the training part
  Hdf5Names test;
  Hdf5Meaning meaning;
  std::size_t classes = 0;  // 0: as many as there are in the file
};

/// What the file holds.
struct Content {
  Shape shape;
  std::size_t outputs = 0;
  std::size_t target_steps = 1;
  SplitSizes rows;  // 0 for a part without datasets of its own
  std::string digest;

  std::string text() const {
    std::string text;
    for (const std::size_t number : {shape.steps, shape.channels, shape.height, shape.width,
                                     outputs, target_steps, rows.train, rows.valid, rows.test}) {
      text += std::to_string(number) + ' ';
    }
    return text + digest;
  }
  static Content of_text(const std::string& text) {
    Content content;
    std::istringstream(text) >> content.shape.steps >> content.shape.channels >>
        content.shape.height >> content.shape.width >> content.outputs >> content.target_steps >>
        content.rows.train >> content.rows.valid >> content.rows.test >> content.digest;
    return content;
  }
};

std::size_t rows_of_block(const Shape& shape) {
  return std::max<std::size_t>(1, kBlock / shape.size());
}

// What the parts hold, found in one pass over blocks of rows, which is also their check.
class Scan {
 public:
  Scan(const std::string& path, const Layout& layout) : path_(path), layout_(layout) {}

  Content content() {
    Content content;
    content.rows.train = part(layout_.train, content);
    if (!layout_.valid.inputs.empty()) content.rows.valid = part(layout_.valid, content);
    if (!layout_.test.inputs.empty()) content.rows.test = part(layout_.test, content);
    content.digest = digest(digests_);
    return content;
  }

 private:
  // Returns the number of rows.
  std::size_t part(const Hdf5Names& names, Content& content) {
    const Hdf5Part reader(path_, names, layout_.meaning);
    const bool first_part = &names == &layout_.train;
    if (first_part) {
      content.shape = reader.shape();
      content.target_steps = reader.target_steps();
      content.outputs = layout_.meaning.labels ? layout_.classes : reader.values();
    } else {
      agree(names.inputs, to_string(reader.shape()), to_string(content.shape), "an example");
      agree(names.targets, std::to_string(reader.target_steps()),
            std::to_string(content.target_steps), "targets an example");
      if (!layout_.meaning.labels) {
        agree(names.targets, std::to_string(reader.values()), std::to_string(content.outputs),
              "values a target");
      }
    }
    const bool count_classes = layout_.meaning.labels && content.outputs == 0;
    const std::size_t most = count_classes ? kMostClasses : content.outputs;
    std::vector<std::size_t> examples_of_class;
    digests_ += names.inputs + ' ' + names.targets + ' ' + to_string(content.shape) + '\n';
    const std::size_t rows = rows_of_block(content.shape);
    for (std::size_t row = 0; row < reader.rows(); row += rows) {
      const Examples block = reader.read(row, std::min(rows, reader.rows() - row), most);
      add(block.inputs.data(), block.inputs.size());
      add(block.values.data(), block.values.size());
      add(block.labels.data(), block.labels.size());
      for (const std::int32_t label : block.labels) {
        const auto c = static_cast<std::size_t>(label);
        if (c >= examples_of_class.size()) examples_of_class.resize(c + 1);
        ++examples_of_class[c];
      }
    }
    if (layout_.meaning.labels && first_part) {
      if (!count_classes) examples_of_class.resize(content.outputs);
      content.outputs = examples_of_class.size();
      for (std::size_t c = 0; c < content.outputs; ++c) {
        if (examples_of_class[c] > 0) continue;
        throw EnvironmentError(path_ + ": '" + names.targets + "' has no example of class " +
                               std::to_string(c) + "; classes are 0 to " +
                               std::to_string(content.outputs - 1));
      }
    }
    return reader.rows();
  }

  void agree(const std::string& name, const std::string& found, const std::string& expected,
             const std::string& what) const {
    if (found == expected) return;
    throw EnvironmentError(path_ + ": '" + name + "' has " + found + ' ' + what +
                           ", and the training part has " + expected);
  }

  template <typename Number>
  void add(const Number* numbers, std::size_t count) {
    digests_ += digest(std::as_bytes(std::span(numbers, count))) + '\n';
  }

  std::string path_;
  const Layout& layout_;
  std::string digests_;
};

// What the file holds, found by a process that a damaged file may crash.
Content look_into(const std::string& path, const Layout& layout) {
  return Content::of_text(
      hdf5::in_own_process(path, [&] { return Scan(path, layout).content().text(); }));
}

// Datasets of numbers, the first axis of each counting examples. The file is checked whole, in blocks of
// rows, when the definition is read. All rows of a part are held in memory, used or not; or none are, and
// the parts are streams of the same examples in the same places, but for those of stream_sizes.hpp.
class Hdf5 final : public DataSource {
 public:
  explicit Hdf5(Settings& settings) : file_(settings, "an HDF5 file with the datasets below") {
    const std::size_t before = settings.report().problems.size();
    read_layout(settings);
    layout_.meaning.symbols = read_symbols(settings);
    read_streaming(settings);
    identity_ = file_.identity();
    if (settings.report().problems.size() == before) {
      content_ = file_.find<Content>(settings, key(), [&] {
        return std::make_shared<const Content>(look_into(file_.path(), layout_));
      });
    }
    if (streams_ && block_ == 0 && content_ != nullptr) {
      block_ = rows_of_block(content_->shape);
      settings.settle("block", {static_cast<std::int64_t>(block_), {}});
    }
    split_ = Split::read_of(settings, content_ == nullptr ? SplitSizes() : content_->rows);
  }

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override { return content_ == nullptr ? 0 : content_->outputs; }
  bool has_labels() const override { return layout_.meaning.labels; }
  Shape shape() const override { return content_ == nullptr ? Shape() : content_->shape; }
  std::size_t target_steps() const override {
    return content_ == nullptr ? 1 : content_->target_steps;
  }
  SplitSizes sizes() const override { return split_.sizes; }
  std::size_t window() const override { return streams_ ? block_ * window_ : 0; }
  std::size_t block() const override {
    return streams_ && content_ != nullptr ? std::min(block_, content_->rows.train) : 0;
  }

  Dataset load(const DataFolders& /*folders*/) const override {
    if (streams_) return streamed();
    file_.require_same(content_->digest, look_into(file_.path(), layout_).digest);
    const auto read = [&](const Hdf5Names& names, std::size_t rows) {
      return Hdf5Part(file_.path(), names, layout_.meaning).read(0, rows, outputs());
    };
    Dataset dataset = without_examples();
    split_.deal(read(layout_.train, content_->rows.train), file_.path(), dataset);
    if (!split_.deals_valid) dataset.valid = read(layout_.valid, split_.sizes.valid);
    if (!split_.deals_test) dataset.test = read(layout_.test, split_.sizes.test);
    return dataset;
  }

 private:
  Dataset streamed() const {
    file_.require_same(identity_, file_.identity());
    const auto open = [&](const Hdf5Names& names) {
      return std::make_shared<const Hdf5Part>(file_.path(), names, layout_.meaning);
    };
    const auto stream = [&](const std::shared_ptr<const Hdf5Part>& part,
                            const std::vector<std::uint32_t>& rows) {
      return std::make_shared<const Hdf5Stream>(file_, identity_, part, outputs(), block_, rows);
    };
    Dataset dataset = without_examples();
    const auto train = open(layout_.train);
    const Split::Dealt dealt = split_.deal(train->rows(), file_.path());
    const auto add = [&](const Hdf5Names& names, std::size_t size, bool is_dealt,
                         std::vector<std::uint32_t> rows, Examples& examples,
                         std::shared_ptr<const ExampleStream>& streamed) {
      if (!is_dealt) {
        rows.resize(size);
        std::iota(rows.begin(), rows.end(), 0U);
      }
      const auto part = stream(is_dealt ? train : open(names), rows);
      if (streams_part(*this, rows.size())) {
        streamed = part;
      } else {
        examples = held(*part);
      }
    };
    dataset.streamed.window = window_;
    dataset.streamed.train = stream(train, dealt.train);
    add(layout_.valid, split_.sizes.valid, split_.deals_valid, dealt.valid, dataset.valid,
        dataset.streamed.valid);
    add(layout_.test, split_.sizes.test, split_.deals_test, dealt.test, dataset.test,
        dataset.streamed.test);
    return dataset;
  }

  void read_streaming(Settings& settings) {
    streams_ = settings.flag("stream", false,
                             "leave the examples in the file, and read them while the net learns");
    block_ = static_cast<std::size_t>(
        settings.integer("block", 0, between(0, 1e9),
                         "rows of the file that are read at once; 0: as many as fill 4 MB"));
    constexpr std::size_t kWindow = 16;
    window_ = static_cast<std::size_t>(
        settings.integer("window", kWindow, between(1, 1e6),
                         "blocks of training examples that are shuffled together"));
    if (streams_) return;
    for (const char* name : {"stream", "block", "window"}) settings.restates(name);
    if (block_ != 0) settings.problem("block", "is given without 'stream = true'");
    if (window_ != kWindow) settings.problem("window", "is given without 'stream = true'");
  }

  void read_layout(Settings& settings) {
    layout_.train.inputs = settings.text("inputs", "inputs", "dataset of the inputs");
    const std::string values = settings.text("values", "", "dataset of target values");
    const std::string labels = settings.text("labels", values.empty() ? "labels" : "",
                                             "dataset of class labels, integers from 0; without it "
                                             "and values the inputs are the targets");
    layout_.valid.inputs = settings.text(
        "valid_inputs", "", "dataset of validation inputs; if not given, these are dealt");
    layout_.valid.targets = settings.text("valid_targets", "", "dataset of their labels or values");
    layout_.test.inputs =
        settings.text("test_inputs", "", "dataset of test inputs; if not given, these are dealt");
    layout_.test.targets = settings.text("test_targets", "", "dataset of their labels or values");
    layout_.meaning.sequences =
        settings.choice("axes", "image", {"image", "sequence"},
                        "an input of two axes is height x width, or steps x channels") ==
        "sequence";
    layout_.classes = static_cast<std::size_t>(settings.integer(
        "classes", 0, between(0, kMostClasses), "number of classes; 0: the largest label and one"));
    layout_.meaning.labels = !labels.empty();
    layout_.train.targets = layout_.meaning.labels ? labels : values;
    if (!labels.empty() && !values.empty()) {
      settings.problem("labels", "is given beside 'data.values'; give one of the two");
    }
    for (const auto& [names, setting] :
         {std::pair(&layout_.valid, "valid_targets"), std::pair(&layout_.test, "test_targets")}) {
      const bool needed = !names->inputs.empty() && !layout_.train.targets.empty();
      if (needed == !names->targets.empty()) continue;
      settings.problem(setting, needed ? "is not given, and the inputs of that part are"
                                       : "is given, and has no inputs or no use");
    }
  }

  // What the content depends on beside the file.
  std::vector<std::string> key() const {
    std::vector<std::string> key = {
        std::to_string(layout_.classes), layout_.meaning.labels ? "labels" : "values",
        layout_.meaning.sequences ? "sequence" : "image", std::to_string(layout_.meaning.symbols)};
    for (const Hdf5Names* names : {&layout_.train, &layout_.valid, &layout_.test}) {
      key.push_back(names->inputs);
      key.push_back(names->targets);
    }
    return key;
  }

  UserFile file_;
  std::string identity_;  // before the content was found
  Layout layout_;
  bool streams_ = false;
  std::size_t block_ = 0;
  std::size_t window_ = 1;
  std::shared_ptr<const Content> content_;
  Split split_;
};

}  // namespace

DatasetEntry hdf5() {
  return dataset_entry<Hdf5>({
      .summary = "Examples of your own from an HDF5 file, datasets by name.",
      .formula =
          "inputs n x ... (features; height x width; channels x height x width), labels n, or "
          "values n x outputs",
      .paper = "The HDF Group, Hierarchical Data Format, version 5",
  });
}

}  // namespace plumbline::datasets
