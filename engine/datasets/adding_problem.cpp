// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline::datasets {

namespace {

// Each step has a value u_t, uniform in [0, 1), and a mark that is 1 at two steps and else 0; the target
// is the sum of the two marked values. It has mean 1 and variance 2/12, so who always says 1 has the
// mean squared error 1/6. As Le, Jaitly and Hinton have it: values from 0 to 1, target not scaled; the
// two steps are any, each pair alike. In the problem as first published values are from -1 to 1, the
// target is 0.5 + sum/4, and the first mark is near the beginning.
class AddingProblem final : public DataSource {
 public:
  explicit AddingProblem(Settings& settings)
      : split_(Split::read_with_test(settings, {.train = 10000, .valid = 1000})),
        steps_(static_cast<std::size_t>(
            settings.integer("steps", 50, between(2, 1e6), "length of a sequence"))) {}

  std::size_t features() const override { return 2 * steps_; }
  std::size_t outputs() const override { return 1; }
  bool has_labels() const override { return false; }
  Shape shape() const override { return {.steps = steps_, .channels = 2}; }
  SplitSizes sizes() const override { return split_.sizes; }

  Dataset load(const DataFolders& /*folders*/) const override {
    constexpr std::uint32_t kSequences = 1;  // part of the data stream; 0 deals
    Random random(split_.seed, RandomStream::data, kSequences);
    const std::size_t n = split_.sizes.all();
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{n, 2 * steps_}, 0.0F);
    examples.values = Matrix<float>(Matrix<float>::shape_type{n, 1});
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t t = 0; t < steps_; ++t) {
        examples.inputs(i, 2 * t) = static_cast<float>(random.uniform());
      }
      const std::size_t first = random.below(steps_);
      const std::size_t second = (first + 1 + random.below(steps_ - 1)) % steps_;
      double sum = 0;
      for (const std::size_t t : {first, second}) {
        examples.inputs(i, 2 * t + 1) = 1;
        sum += static_cast<double>(examples.inputs(i, 2 * t));
      }
      examples.values(i, 0) = static_cast<float>(sum);
    }
    Dataset dataset = without_examples();
    split_.deal(examples, "adding_problem", dataset);
    return dataset;
  }

 private:
  Split split_;
  std::size_t steps_;
};

}  // namespace

DatasetEntry adding_problem() {
  return dataset_entry<AddingProblem>({
      .summary = "Sequences of numbers of which two are marked, with the sum of these two.",
      .formula = "x_t = (u_t, m_t), u_t uniform in [0, 1), m_t = 1 at two random steps, else 0; "
                 "t = sum of m_t u_t",
      .paper = "Hochreiter & Schmidhuber, Long short-term memory, Neural Computation 9, 1997, "
               "doi:10.1162/neco.1997.9.8.1735; as in Le, Jaitly & Hinton, A simple way to "
               "initialize recurrent networks of rectified linear units, 2015, arXiv:1504.00941",
  });
}

}  // namespace plumbline::datasets
