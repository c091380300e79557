// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// T_0 = 1, T_1 = x, T_(k+1) = 2 x T_k - T_(k-1).
double chebyshev_polynomial(std::size_t degree, double x) {
  double before = 1;
  double value = degree == 0 ? 1 : x;
  for (std::size_t k = 1; k < degree; ++k) {
    const double next = 2 * x * value - before;
    before = value;
    value = next;
  }
  return value;
}

// The toy regression of the edge of stability: points evenly spaced from -1 to 1, both ends included,
// and the Chebyshev polynomial of first kind there, without noise. Parts beside training are dealt from
// the same points.
class Chebyshev final : public DataSource {
 public:
  explicit Chebyshev(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 20})),
        degree_(static_cast<std::size_t>(
            settings.integer("degree", 4, between(0, 1000), "degree of the polynomial"))) {}

  std::size_t features() const override { return 1; }
  std::size_t outputs() const override { return 1; }
  bool has_labels() const override { return false; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, 1});
    examples.values = Matrix<float>(Matrix<float>::shape_type{n, 1});
    for (std::size_t i = 0; i < n; ++i) {
      const double x = n == 1 ? -1 : 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1;
      examples.inputs(i, 0) = static_cast<float>(x);
      examples.values(i, 0) = static_cast<float>(chebyshev_polynomial(degree_, x));
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "chebyshev", dataset);
    return dataset;
  }

 private:
  Split split_;
  std::size_t degree_;
};

}  // namespace

DatasetEntry chebyshev() {
  return dataset_entry<Chebyshev>({
      .summary = "Points of an interval with the value of a Chebyshev polynomial.",
      .formula = "x evenly spaced in [-1, 1], t = T_degree(x) = cos(degree arccos x)",
      .paper = "Cohen, Kaur, Li, Kolter & Talwalkar, Gradient descent on neural networks typically "
               "occurs at the edge of stability, ICLR 2021, arXiv:2103.00065",
  });
}

}  // namespace plumbline::datasets
