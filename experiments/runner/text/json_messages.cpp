// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/text/json_messages.hpp"

#include <utility>

#include "experiments/runner/text/json_text.hpp"

namespace plumbline {

std::string message_object(std::string_view message) {
  return json_text({{"message", std::string(message)}});
}

void JsonMessages::Lines::end_line() {
  if (!line_.empty()) target_ << message_object(std::exchange(line_, {})) + '\n' << std::flush;
}

JsonMessages::Lines::int_type JsonMessages::Lines::overflow(int_type letter) {
  if (traits_type::eq_int_type(letter, traits_type::eof())) return traits_type::not_eof(letter);
  if (letter == '\n') {
    end_line();
  } else {
    line_ += traits_type::to_char_type(letter);
  }
  return letter;
}

}  // namespace plumbline
