// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/batch_norm_theory.hpp"

#include <cmath>

#include "engine/theory/correlation_map.hpp"

namespace plumbline {

std::optional<BatchNormTheory> batch_norm_theory(const Activation& activation, double batch) {
  constexpr double kLeastBatch = 4;
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  if (outputs.size() != 1 || !(batch >= kLeastBatch)) return std::nullopt;
  const auto slopes = rectifier(outputs[0]);
  if (!slopes) return std::nullopt;
  const double correlation = std::isinf(batch) ? 0 : -1 / (batch - 1);
  if (slopes->is_linear()) {
    return BatchNormTheory{std::isinf(batch) ? 1 : (batch - 2) / (batch - 3), correlation};
  }
  if (slopes->positive * slopes->negative != 0) return std::nullopt;
  // J = E[phi phi] / E[phi^2], J' likewise: both are 1 at c = 1.
  const PairMeans apart = pair_means(activation, 1, correlation).value();
  const PairMeans together = pair_means(activation, 1, 1).value();
  const double j = apart.product / together.product;
  const double j_slope = apart.slope_product / together.slope_product;
  if (std::isinf(batch)) return BatchNormTheory{1 / (1 - j), j};
  const double growth = (j_slope + batch - 1) / ((batch - 3) * (1 - j)) - 1 / (batch - 3);
  return BatchNormTheory{growth, j};
}

}  // namespace plumbline
