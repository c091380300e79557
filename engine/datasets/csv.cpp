// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/csv_table.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/user_file.hpp"

namespace plumbline::datasets {

namespace {

struct Content {
  std::size_t features = 0;
  std::size_t classes = 0;
  std::size_t rows = 0;
  std::string digest;
};

std::string digest_of(const std::vector<std::uint8_t>& bytes) {
  return digest(std::as_bytes(std::span(bytes)));
}

// Columns are taken by their names in the header; all but the label are numbers.
class Csv final : public DataSource {
 public:
  explicit Csv(Settings& settings)
      : file_(settings, "comma-separated values with a header, plain or gzipped") {
    columns_.features =
        settings.texts("features", "columns of the inputs; if not given, all the others");
    columns_.label = settings.text("label", "", "column of the class");
    columns_.targets = settings.texts(
        "targets", "columns of target values; without them and label the inputs are the targets");
    columns_.classes = settings.texts(
        "classes", "the classes in their order; if not given, those of the file, sorted");
    columns_.symbols = read_symbols(settings);
    if (fits(settings)) {
      content_ = file_.find<Content>(settings, key(), [&] { return find(settings); });
    }
    split_ = Split::read_of(settings, {.train = content_ == nullptr ? 0 : content_->rows});
  }

  std::size_t features() const override { return content_ == nullptr ? 0 : content_->features; }
  std::size_t outputs() const override {
    if (!columns_.targets.empty()) return columns_.targets.size();
    if (columns_.label.empty()) return features();
    return content_ == nullptr ? 0 : content_->classes;
  }
  bool has_labels() const override { return !columns_.label.empty(); }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    const std::vector<std::uint8_t> bytes = read_file(file_.path());
    file_.require_same(content_->digest, digest_of(bytes));
    Dataset dataset = without_examples();
    split_.deal(CsvTable(bytes, file_.path()).read(columns_).examples, file_.path(), dataset);
    return dataset;
  }

 private:
  // Whether the settings fit each other.
  bool fits(Settings& settings) const {
    const std::size_t before = settings.report().problems.size();
    if (!columns_.label.empty() && !columns_.targets.empty()) {
      settings.problem("targets", "is given beside 'data.label'; give one of the two");
    }
    if (columns_.label.empty() && !columns_.classes.empty()) {
      settings.problem("classes", "is given, and no 'data.label' that has them");
    }
    for (const std::string& name : columns_.features) {
      const bool is_target = std::ranges::find(columns_.targets, name) != columns_.targets.end();
      if (name == columns_.label || is_target) {
        settings.problem("features", "holds '" + name + "', which is what is to be learnt");
      }
    }
    return settings.report().problems.size() == before;
  }

  // What the content depends on beside the file.
  std::vector<std::string> key() const {
    std::vector<std::string> key = {columns_.label, std::to_string(columns_.symbols)};
    for (const auto* names : {&columns_.features, &columns_.targets, &columns_.classes}) {
      key.push_back(std::to_string(names->size()));
      key.insert(key.end(), names->begin(), names->end());
    }
    return key;
  }

  // Null where the file does not fit the settings, which the report then says.
  std::shared_ptr<const Content> find(Settings& settings) const {
    const std::string& path = file_.path();
    const std::vector<std::uint8_t> bytes = read_file(path);
    CsvTable table(bytes, path);
    const std::size_t before = settings.report().problems.size();
    const auto look_for = [&](const char* setting, const std::string& name) {
      const auto& header = table.header();
      if (std::ranges::find(header, name) != header.end()) return;
      settings.problem(setting, "names the column '" + name + "', which " + path +
                                    " does not have" + suggestion(name, header));
    };
    for (const std::string& name : columns_.features) look_for("features", name);
    for (const std::string& name : columns_.targets) look_for("targets", name);
    if (!columns_.label.empty()) look_for("label", columns_.label);
    if (settings.report().problems.size() > before) return nullptr;

    const CsvExamples read = table.read(columns_);
    for (std::size_t c = 0; c < read.classes.size(); ++c) {
      if (read.examples_of_class[c] > 0) continue;
      settings.problem("classes",
                       "has '" + read.classes[c] + "', of which " + path + " has no example");
    }
    const std::size_t features = read.examples.inputs.shape()[1];
    if (features == 0) throw EnvironmentError(path + ": has no column left for the inputs");
    if (settings.report().problems.size() > before) return nullptr;
    return std::make_shared<const Content>(
        Content{features, read.classes.size(), read.examples.size(), digest_of(bytes)});
  }

  UserFile file_;
  CsvColumns columns_;
  std::shared_ptr<const Content> content_;
  Split split_;
};

}  // namespace

DatasetEntry csv() {
  return dataset_entry<Csv>({
      .summary = "Examples of your own from a file of comma-separated values, columns by name.",
      .formula = "one row an example; a header, and quotes as RFC 4180 has them",
      .paper = "Shafranovich, Common format and MIME type for comma-separated values (CSV) files, "
               "RFC 4180, 2005",
  });
}

}  // namespace plumbline::datasets
