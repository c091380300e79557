// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/idx_reader.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/user_file.hpp"

namespace plumbline::datasets {

namespace {

constexpr std::size_t kMostClasses = 256;  // labels are bytes

struct Content {
  Shape shape;
  std::size_t classes = 0;
  SplitSizes examples;
  std::string digest;
};

/// The paths of images and their labels; empty where there are none.
struct Paths {
  std::string images;
  std::string labels;
};

// Images and labels as MNIST has them; test examples are dealt, or from files of their own.
class Idx final : public DataSource {
 public:
  explicit Idx(Settings& settings)
      : file_(settings,
              "IDX file of images, n x rows x columns of unsigned bytes, plain or gzipped",
              "images") {
    const std::size_t before = settings.report().problems.size();
    train_ = {file_.path(), read_path(settings, "labels", "IDX file of their n classes, from 0")};
    test_ = {optional_path(settings, "test_images",
                           "the same for testing; if not given, these are dealt"),
             optional_path(settings, "test_labels", "the classes of the test images")};
    white_ = settings.number("white", 255, kPositive, "the pixel value that becomes 1");
    classes_ = static_cast<std::size_t>(settings.integer(
        "classes", 0, between(0, kMostClasses), "number of classes; 0: the largest label and one"));
    symbols_ = read_symbols(settings);
    if (settings.given("test_images") != settings.given("test_labels")) {
      const bool has_images = settings.given("test_images");
      settings.problem(has_images ? "test_labels" : "test_images",
                       std::string("is not given, and 'data.test_") +
                           (has_images ? "images" : "labels") + "' is");
    }
    if (settings.report().problems.size() == before) {
      content_ = file_.find<Content>(settings, key(), [&] { return find(); });
    }
    split_ = Split::read_of(settings, content_ == nullptr ? SplitSizes() : content_->examples);
  }

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override { return content_ == nullptr ? 0 : content_->classes; }
  Shape shape() const override { return content_ == nullptr ? Shape() : content_->shape; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    std::string digests;
    Dataset dataset = without_examples();
    const Part train = read(train_, digests);
    split_.deal(examples_of(train, outputs(), train_), train_.images, dataset);
    if (!split_.deals_test) {
      std::vector<std::uint32_t> first(split_.sizes.test);
      for (std::uint32_t i = 0; i < first.size(); ++i) first[i] = i;
      dataset.test = select(examples_of(read(test_, digests), outputs(), test_), first);
    }
    file_.require_same(content_->digest, digest(digests));
    return dataset;
  }

 private:
  struct Part {
    IdxArray images;
    IdxArray labels;
  };

  static std::string read_path(Settings& settings, const char* name, const char* meaning) {
    std::string path = settings.file(name, meaning).string();
    settings.restates(name);
    return path;
  }

  static std::string optional_path(Settings& settings, const char* name, const char* meaning) {
    if (settings.given(name)) return read_path(settings, name, meaning);
    settings.text(name, "", meaning);
    settings.restates(name);
    return {};
  }

  // What the content depends on beside the images.
  std::vector<std::string> key() const {
    return {std::to_string(classes_),         std::to_string(symbols_),
            std::to_string(white_),           UserFile::identity(train_.labels),
            UserFile::identity(test_.images), UserFile::identity(test_.labels)};
  }

  static Part read(const Paths& paths, std::string& digests) {
    const auto array = [&](const std::string& path) {
      const std::vector<std::uint8_t> bytes = read_file(path);
      digests += digest(std::as_bytes(std::span(bytes))) + '\n';
      return parse_idx(bytes, path);
    };
    return {array(paths.images), array(paths.labels)};
  }

  Examples examples_of(const Part& part, std::size_t classes, const Paths& paths) const {
    Examples examples =
        plumbline::examples_of(part.images, part.labels, white_, classes,
                               paths.images + " with " + paths.labels, paths.labels);
    const std::size_t features = examples.inputs.shape()[1];
    for (std::size_t i = 0; i < examples.inputs.size(); ++i) {
      const float value = examples.inputs.data()[i];
      if (is_symbol(value, symbols_)) continue;
      throw EnvironmentError(paths.images + ": pixel " + std::to_string(i % features) +
                             " of example " + std::to_string(i / features) + " is " +
                             shortest(static_cast<double>(value)) + allowed_symbols(symbols_));
    }
    return examples;
  }

  std::shared_ptr<const Content> find() const {
    std::string digests;
    Content content;
    const Part train = read(train_, digests);
    content.classes = classes_;
    if (classes_ == 0 && !train.labels.values.empty()) {
      content.classes = std::size_t{std::ranges::max(train.labels.values)} + 1;
    }
    content.examples.train = examples_of(train, content.classes, train_).size();
    if (content.examples.train == 0 || train.images.values.empty()) {
      throw EnvironmentError(train_.images + ": has no pixel");
    }
    content.shape = {.height = train.images.shape[1], .width = train.images.shape[2]};
    for (std::size_t c = 0; c < content.classes; ++c) {
      if (std::ranges::find(train.labels.values, c) != train.labels.values.end()) continue;
      throw EnvironmentError(train_.labels + ": has no example of class " + std::to_string(c) +
                             "; classes are 0 to " + std::to_string(content.classes - 1));
    }
    if (!test_.images.empty()) {
      const Part test = read(test_, digests);
      content.examples.test = examples_of(test, content.classes, test_).size();
      const Shape shape{.height = test.images.shape[1], .width = test.images.shape[2]};
      if (content.examples.test == 0) throw EnvironmentError(test_.images + ": has no image");
      if (shape != content.shape) {
        throw EnvironmentError(test_.images + ": has images of " + to_string(shape) +
                               ", and those for training are " + to_string(content.shape));
      }
    }
    content.digest = digest(digests);
    return std::make_shared<const Content>(std::move(content));
  }

  UserFile file_;
  Paths train_;
  Paths test_;
  double white_ = 255;
  std::size_t classes_ = 0;
  std::int64_t symbols_ = 0;
  std::shared_ptr<const Content> content_;
  Split split_;
};

}  // namespace

DatasetEntry idx() {
  return dataset_entry<Idx>({
      .summary = "Images and labels of your own from IDX files, the format of MNIST.",
      .formula = "x = pixel / white, one feature a pixel; class = label",
      .paper = "LeCun, Cortes & Burges, The MNIST database of handwritten digits",
  });
}

}  // namespace plumbline::datasets
