// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// Class c of k has centre m_c ~ N(0, separation^2 I), and its points are x ~ N(m_c, I), in equal
// numbers a class.
class GaussianMixture final : public DataSource {
 public:
  explicit GaussianMixture(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 1000, .valid = 200})) {
    features_ = static_cast<std::size_t>(
        settings.integer("features", 20, between(1, 1e6), "dimension of a point"));
    classes_ = static_cast<std::size_t>(
        settings.integer("classes", 4, between(2, 10000), "number of Gaussians"));
    separation_ = settings.number("separation", 1, kNonNegative,
                                  "standard deviation of a centre's coordinates");
  }

  std::size_t features() const override { return features_; }
  std::size_t outputs() const override { return classes_; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kCentres = 1;  // parts of the data stream; 0 deals
    constexpr std::uint32_t kPoints = 2;
    Random centre_random(split_.seed, RandomStream::data, kCentres);
    Matrix<double> centres(Matrix<double>::shape_type{classes_, features_});
    for (double& coordinate : centres) coordinate = separation_ * centre_random.normal();
    Random random(split_.seed, RandomStream::data, kPoints);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features_});
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t label = i % classes_;
      for (std::size_t j = 0; j < features_; ++j) {
        examples.inputs(i, j) = static_cast<float>(centres(label, j) + random.normal());
      }
      examples.labels.push_back(static_cast<std::int32_t>(label));
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "gaussian_mixture", dataset);
    return dataset;
  }

 private:
  Split split_;
  std::size_t features_ = 0;
  std::size_t classes_ = 0;
  double separation_ = 0;
};

}  // namespace

DatasetEntry gaussian_mixture() {
  return dataset_entry<GaussianMixture>({
      .summary = "Points of unit variance around random centres, one centre a class.",
      .formula = "m_c ~ N(0, separation^2 I), x ~ N(m_c, I)",
      .paper = "Bishop, Pattern recognition and machine learning, 2006, section 4.2",
  });
}

}  // namespace plumbline::datasets
