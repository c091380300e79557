// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace plumbline {

/// {"message":"..."}: what programs that read objects line by line get in place of a line of text.
std::string message_object(std::string_view message);

/// Each line of text that is written to it becomes such an object, on a line of `target`.
class JsonMessages : public std::ostream {
 public:
  explicit JsonMessages(std::ostream& target) : std::ostream(nullptr), lines_(target) {
    rdbuf(&lines_);
  }

 private:
  class Lines : public std::streambuf {
   public:
    explicit Lines(std::ostream& target) : target_(target) {}

   protected:
    int_type overflow(int_type letter) override;

   private:
    std::ostream& target_;
    std::string line_;
  };

  Lines lines_;
};

}  // namespace plumbline
