// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// t = V tanh(W x) + noise, x ~ N(0, I), W_ij ~ N(0, 1/features), V_ij ~ N(0, 1/hidden): what a random
// net of one hidden layer, the teacher, says of random inputs.
class TeacherStudent final : public DataSource {
 public:
  explicit TeacherStudent(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 1000, .valid = 200})) {
    const auto count = [&](const char* name, std::int64_t size, const char* meaning) {
      return static_cast<std::size_t>(settings.integer(name, size, between(1, 1e6), meaning));
    };
    features_ = count("features", 20, "dimension of an input");
    hidden_ = count("hidden", 5, "hidden units of the teacher");
    outputs_ = count("outputs", 1, "outputs of the teacher");
    noise_ = settings.number("noise", 0, kNonNegative, "standard deviation added to each target");
  }

  std::size_t features() const override { return features_; }
  std::size_t outputs() const override { return outputs_; }
  bool has_labels() const override { return false; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kTeacher = 1;  // parts of the data stream; 0 deals
    constexpr std::uint32_t kInputs = 2;
    Random teacher(split_.seed, RandomStream::data, kTeacher);
    const Matrix<double> w = gaussian(hidden_, features_, teacher);
    const Matrix<double> v = gaussian(outputs_, hidden_, teacher);
    Random random(split_.seed, RandomStream::data, kInputs);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, features_});
    examples.values = Matrix<float>(Matrix<float>::shape_type{n, outputs_});
    std::vector<double> x(features_);
    std::vector<double> h(hidden_);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < features_; ++j) {
        examples.inputs(i, j) = static_cast<float>(random.normal());
        x[j] = examples.inputs(i, j);
      }
      for (std::size_t k = 0; k < hidden_; ++k) h[k] = std::tanh(row_product(w, k, x));
      for (std::size_t o = 0; o < outputs_; ++o) {
        examples.values(i, o) = static_cast<float>(row_product(v, o, h) + noise_ * random.normal());
      }
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "teacher_student", dataset);
    return dataset;
  }

 private:
  static Matrix<double> gaussian(std::size_t rows, std::size_t cols, Random& random) {
    Matrix<double> matrix(Matrix<double>::shape_type{rows, cols});
    const double deviation = 1 / std::sqrt(static_cast<double>(cols));
    for (double& value : matrix) value = deviation * random.normal();
    return matrix;
  }
  static double row_product(const Matrix<double>& matrix, std::size_t row,
                            const std::vector<double>& vector) {
    double sum = 0;
    for (std::size_t j = 0; j < vector.size(); ++j) sum += matrix(row, j) * vector[j];
    return sum;
  }

  Split split_;
  std::size_t features_ = 0;
  std::size_t hidden_ = 0;
  std::size_t outputs_ = 0;
  double noise_ = 0;
};

}  // namespace

DatasetEntry teacher_student() {
  return dataset_entry<TeacherStudent>({
      .summary = "Random inputs with the outputs of a random net of one hidden layer.",
      .formula = "t = V tanh(W x) + noise, x ~ N(0, I), W ~ N(0, 1/features), V ~ N(0, 1/hidden)",
      .paper = "Saad & Solla, On-line learning in soft committee machines, Physical Review E 52, "
               "1995, doi:10.1103/PhysRevE.52.4225",
  });
}

}  // namespace plumbline::datasets
