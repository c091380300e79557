// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "engine/core/digest.hpp"
#include "engine/core/error.hpp"
#include "engine/datasets/compressed.hpp"
#include "engine/datasets/split.hpp"
#include "engine/datasets/symbol_encoding.hpp"
#include "engine/datasets/user_file.hpp"

namespace plumbline::datasets {

namespace {

// "file:line:column: " of a byte; columns count bytes.
std::string place_of(std::string_view text, std::size_t byte, const std::string& file) {
  const std::string_view before = text.substr(0, byte);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return to_string(Place{file, static_cast<int>(line), static_cast<int>(byte - begin + 1)}) + ": ";
}

// The length in bytes of the UTF-8 character that begins here; 0 where none does (RFC 3629).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  for (std::size_t i = 1; i < length; ++i) {
    if (!follows(i)) return 0;
  }
  // What shorter forms encode, surrogates, and what is beyond U+10FFFF.
  const bool refused =
      length > 2 && ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                     (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F));
  return refused ? 0 : length;
}

using Characters = std::vector<std::string>;

// Throws EnvironmentError at the first byte that is no UTF-8, or stands for the character NUL.
Characters characters_of(std::string_view text, const std::string& file) {
  Characters characters;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text.substr(at));
    if (length == 0) throw EnvironmentError(place_of(text, at, file) + "is not UTF-8");
    if (text[at] == '\0') throw EnvironmentError(place_of(text, at, file) + "is a NUL, no text");
    characters.emplace_back(text.substr(at, length));
    at += length;
  }
  return characters;
}

std::string_view text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string digest_of(const std::vector<std::uint8_t>& bytes) {
  return digest(std::as_bytes(std::span(bytes)));
}

struct Content {
  Characters alphabet;
  std::size_t windows = 0;
  std::string digest;
};

// The file is cut into windows of steps + 1 characters, each of which begins with the last character of
// the one before; what is left at the end is dropped. The input is the first `steps` characters of a
// window; the target at each step is the character that follows it. The alphabet is every
// character of the file, by code point. Windows are dealt out to the parts in random order.
class Text final : public DataSource {
 public:
  explicit Text(Settings& settings)
      : file_(settings, "a text in UTF-8, plain or gzipped"),
        steps_(static_cast<std::size_t>(
            settings.integer("steps", 50, between(1, 1e6), "characters of a window"))),
        encoding_(settings) {
    const std::string alphabet = settings.text(
        "alphabet", "", "the characters in the order of their classes; if not given, the file's");
    content_ = file_.find<Content>(settings, {alphabet, std::to_string(steps_)},
                                   [&] { return find(alphabet); });
    if (content_ != nullptr) {
      std::string joined;
      for (const std::string& character : content_->alphabet) joined += character;
      settings.settle("alphabet", {joined, {}});
    }
    split_ = Split::read_of(settings, {.train = content_ == nullptr ? 0 : content_->windows});
  }

  std::size_t features() const override { return shape().size(); }
  std::size_t outputs() const override {
    return content_ == nullptr ? 0 : content_->alphabet.size();
  }
  Shape shape() const override { return encoding_.shape(steps_, outputs()); }
  std::size_t target_steps() const override { return steps_; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    const std::vector<std::uint8_t> bytes = read_file(file_.path());
    file_.require_same(content_->digest, digest_of(bytes));
    const std::vector<std::int32_t> classes = classes_of(bytes, content_->alphabet);
    const std::size_t n = content_->windows;
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features()}, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t t = 0; t < steps_; ++t) {
        const std::size_t at = i * steps_ + t;
        encoding_.put(examples.inputs.data() + i * features(), t,
                      static_cast<std::size_t>(classes[at]), outputs());
        examples.labels.push_back(classes[at + 1]);
      }
    }
    Dataset dataset = without_examples();
    split_.deal(examples, file_.path(), dataset);
    return dataset;
  }

 private:
  std::shared_ptr<const Content> find(const std::string& alphabet) const {
    const std::vector<std::uint8_t> bytes = read_file(file_.path());
    Content content;
    content.digest = digest_of(bytes);
    const Characters characters = characters_of(text_of(bytes), file_.path());
    if (alphabet.empty()) {
      // The order of UTF-8 bytes is that of code points.
      const std::set<std::string> different(characters.begin(), characters.end());
      content.alphabet.assign(different.begin(), different.end());
    } else {
      content.alphabet = characters_of(alphabet, "the given alphabet");
      const std::set<std::string> different(content.alphabet.begin(), content.alphabet.end());
      if (different.size() != content.alphabet.size()) {
        throw EnvironmentError("the given alphabet has a character twice");
      }
    }
    classes_of(bytes, content.alphabet);
    content.windows = characters.empty() ? 0 : (characters.size() - 1) / steps_;
    if (content.windows == 0) {
      throw EnvironmentError(file_.path() + ": has " + std::to_string(characters.size()) +
                             " characters; a window of " + std::to_string(steps_) +
                             " steps needs one more than steps");
    }
    return std::make_shared<const Content>(std::move(content));
  }

  // Throws EnvironmentError at the first character that the alphabet does not have.
  std::vector<std::int32_t> classes_of(const std::vector<std::uint8_t>& bytes,
                                       const Characters& alphabet) const {
    std::map<std::string, std::int32_t> numbers;
    for (const std::string& character : alphabet) {
      numbers.emplace(character, static_cast<std::int32_t>(numbers.size()));
    }
    std::vector<std::int32_t> classes;
    std::size_t at = 0;
    for (const std::string& character : characters_of(text_of(bytes), file_.path())) {
      const auto found = numbers.find(character);
      if (found == numbers.end()) {
        throw EnvironmentError(place_of(text_of(bytes), at, file_.path()) + "'" + character +
                               "' is not in the given alphabet");
      }
      classes.push_back(found->second);
      at += character.size();
    }
    return classes;
  }

  UserFile file_;
  std::size_t steps_;
  SymbolEncoding encoding_;
  std::shared_ptr<const Content> content_;
  Split split_;
};

}  // namespace

DatasetEntry text() {
  return dataset_entry<Text>({
      .summary = "A text file, of which at each character the next one is to be told; cut into "
                 "windows that meet in one character.",
      .formula = "windows c_1 ... c_(steps + 1) of the file; x_t = c_t, class at step t: "
                 "c_(t + 1)",
      .paper = "Elman, Finding structure in time, Cognitive Science 14, 1990; Sutskever, Martens & "
               "Hinton, Generating text with recurrent neural networks, ICML 2011",
  });
}

}  // namespace plumbline::datasets
