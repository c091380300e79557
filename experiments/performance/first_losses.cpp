// SPDX-License-Identifier: Apache-2.0
// What a training step is compared by: the start of a shape for other programs to go on from, and the
// losses that ours and the loop over OpenBLAS take from there.
//
// usage: first_losses [KIND:]WIDTHxDEPTHxBATCH STEPS FILE
//
// Writes to FILE, without gaps and in this machine's byte order: the inputs (float32, batch x 784; for
// images batch x height x width x channels, for sequences steps x batch x 2), the labels (int32, batch)
// and all parameters (float32) as the engine has them, input side first: of a dense layer its weights
// (outputs x inputs) and biases. Prints {"plumbline": [...], "cblas": [...]}, the mean loss of the batch
// before each of STEPS steps; the loop over OpenBLAS knows nets of dense layers alone.
#include <cblas.h>

#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>

#include "experiments/performance/cblas_step.hpp"
#include "experiments/performance/training_step.hpp"

namespace plumbline {

namespace {

template <typename T>
void write(std::ostream& file, const T* values, std::size_t n) {
  file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(n * sizeof(T)));
}

bool write_start(const TrainingStep<float>& start, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (std::size_t row = 0; row < start.inputs().rows; ++row) {
    write(file, start.inputs().row(row), start.inputs().cols);
  }
  write(file, start.labels().data(), start.labels().size());
  write(file, start.parameters().data(), start.parameters().size());
  file.close();
  return file.good();
}

template <class Step>
void print_losses(const char* name, Step& step, int steps) {
  std::cout << '"' << name << "\": [";
  for (int i = 0; i < steps; ++i) std::cout << (i == 0 ? "" : ", ") << step.step();
  std::cout << ']';
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  using namespace plumbline;
  openblas_set_num_threads(1);
  try {
    if (argc != 4) throw std::invalid_argument("wants [KIND:]WIDTHxDEPTHxBATCH STEPS FILE");
    const StepShape shape = parse_shape(argv[1]);
    const int steps = std::stoi(argv[2]);
    TrainingStep<float> ours(shape);
    if (!write_start(ours, argv[3])) {
      std::cerr << "first_losses: " << argv[3] << ": cannot write it\n";
      return 3;
    }
    std::cout.precision(std::numeric_limits<double>::max_digits10);
    std::cout << '{';
    print_losses("plumbline", ours, steps);
    if (shape.is_mlp()) {
      CblasStep cblas(shape);
      std::cout << ", ";
      print_losses("cblas", cblas, steps);
    }
    std::cout << "}\n";
  } catch (const std::exception& error) {
    std::cerr << "first_losses: " << error.what() << '\n';
    return 2;
  }
}
