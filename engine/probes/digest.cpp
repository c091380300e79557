// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/digest.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// XXH3, 64 bits, of the parameters as they are in memory, by which two runs, two builds or two machines are
// seen to part, and at which step. As two numbers of 32 bits: doubles, and so JavaScript and R, hold no 64.
// The run's own digest is that of the last step where the optimizer evaluates where it trains and no layer
// keeps statistics. One pass over the parameters.
template <typename T>
class Digest final : public Probe<T> {
 public:
  explicit Digest(const ProbedRun& /*run*/) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"digest_high", "First 8 of the 16 hexadecimal digits of the digest of all parameters.",
             "1", QuantityAxis::none},
            {"digest_low", "Last 8 of these digits.", "1", QuantityAxis::none}};
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    const std::uint64_t hash = digest_number(std::as_bytes(at.parameters));
    values[0][0] = static_cast<double>(hash >> 32);
    values[1][0] = static_cast<double>(hash & 0xffffffff);
  }
};

}  // namespace

ProbeEntry digest() {
  return simple_probe<Digest>({
      .summary = "Digest of all parameters, to find the step at which two computations part.",
      .formula = "XXH3-64 of the bytes of the parameters = digest_high 2^32 + digest_low",
      .paper = "Collet, XXH3, the xxHash algorithm, https://xxhash.com",
  });
}

}  // namespace plumbline::probes
