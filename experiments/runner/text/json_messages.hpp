// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace plumbline {

/// {"message":"..."}: what programs that read objects line by line get in place of a line of text.
std::string message_object(std::string_view message);

/// Each line of text that is written to it becomes such an object, on a line of `target`; the last one at
/// the end.
class JsonMessages : public std::ostream {
 public:
  explicit JsonMessages(std::ostream& target) : std::ostream(nullptr), lines_(target) {
    rdbuf(&lines_);
  }

 private:
  class Lines : public std::streambuf {
   public:
    explicit Lines(std::ostream& target) : target_(target) {}
    ~Lines() override { end_line(); }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

   protected:
    int_type overflow(int_type letter) override;

   private:
    void end_line();

    std::ostream& target_;
    std::string line_;
  };

  Lines lines_;
};

}  // namespace plumbline
