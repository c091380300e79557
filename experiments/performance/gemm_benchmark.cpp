// SPDX-License-Identifier: Apache-2.0
// The three products of a W x W layer at batch 128, ours beside OpenBLAS, on one thread; and the
// processor's peak, which they are judged against.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/core/random.hpp"
#include "engine/core/tensor.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/multiply_add.hpp"
#include "engine/layers/buffer.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kBatch = 128;

/// A factor of a product, as it stands or transposed.
template <typename T>
struct Operand {
  MatrixView<const T> matrix;
  bool is_transposed = false;

  std::size_t rows() const { return is_transposed ? matrix.cols : matrix.rows; }
  std::size_t cols() const { return is_transposed ? matrix.rows : matrix.cols; }
};

/// c = a b by each library.
struct Ours {
  template <typename T>
  static Factor<T> factor(const Operand<T>& operand) {
    return operand.is_transposed ? transposed<T>(operand.matrix) : as_is<T>(operand.matrix);
  }
  template <typename T>
  static void multiply(const Operand<T>& a, const Operand<T>& b, const MatrixView<T>& c) {
    plumbline::multiply(factor(a), factor(b), c);
  }
};

struct OpenBlas {
  template <typename T>
  static void multiply(const Operand<T>& a, const Operand<T>& b, const MatrixView<T>& c) {
    const auto order = [](const Operand<T>& operand) {
      return operand.is_transposed ? CblasTrans : CblasNoTrans;
    };
    const auto gemm = [&](auto function) {
      function(CblasRowMajor, order(a), order(b), size(c.rows), size(c.cols), size(a.cols()), T(1),
               a.matrix.data, size(a.matrix.stride), b.matrix.data, size(b.matrix.stride), T(0),
               c.data, size(c.stride));
    };
    if constexpr (std::is_same_v<T, float>) {
      gemm(cblas_sgemm);
    } else {
      gemm(cblas_dgemm);
    }
  }
  static blasint size(std::size_t n) { return static_cast<blasint>(n); }
};

/// rows x cols normal numbers, in rows as a layer's buffers have them, or packed as its weights.
template <typename T>
class RandomMatrix {
 public:
  RandomMatrix(std::size_t rows, std::size_t cols, bool padded, std::uint32_t part)
      : cols_(cols),
        values_(typename Matrix<T>::shape_type{rows, padded ? padded_stride<T>(cols) : cols}) {
    Random random(1, RandomStream::data, part);
    for (T& value : values_) value = static_cast<T>(random.normal());
  }
  MatrixView<T> view() { return {values_.data(), values_.shape()[0], cols_, values_.shape()[1]}; }

 private:
  std::size_t cols_;
  Matrix<T> values_;
};

enum class Product { forward, weight_gradient, input_gradient };

/// With the activations and error signals of a layer (batch x width) and its weights:
///   forward            z = a W^T
///   weight_gradient    dW = delta^T a
///   input_gradient     delta W
template <typename T, class Library>
void measure_product(benchmark::State& state, Product product, std::size_t width) {
  RandomMatrix<T> activated(kBatch, width, true, 0);
  RandomMatrix<T> error_signal(kBatch, width, true, 1);
  RandomMatrix<T> weight(width, width, false, 2);
  const bool is_forward = product == Product::forward;
  const bool is_weight_gradient = product == Product::weight_gradient;
  RandomMatrix<T> result(is_weight_gradient ? width : kBatch, width, !is_weight_gradient, 3);
  const Operand<T> a{is_forward ? activated.view() : error_signal.view(), is_weight_gradient};
  const Operand<T> b{is_weight_gradient ? activated.view() : weight.view(), is_forward};
  for (auto _ : state) {
    Library::multiply(a, b, result.view());
    benchmark::ClobberMemory();
  }
  const double operations = 2.0 * static_cast<double>(a.rows() * a.cols() * b.cols());
  state.counters["GFLOP/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * operations * 1e-9, benchmark::Counter::kIsRate);
}

template <typename T>
void measure_fma_peak(benchmark::State& state) {
  constexpr std::size_t kLinks = 1000;
  double operations = 0;
  for (auto _ : state) operations += multiply_adds<T>(kLinks);
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * operations, benchmark::Counter::kIsRate);
}

template <typename T>
void add_benchmarks(const std::string& precision) {
  benchmark::RegisterBenchmark(("fma_peak/" + precision).c_str(), measure_fma_peak<T>);
  constexpr std::array<std::pair<Product, const char*>, 3> kProducts = {
      {{Product::forward, "forward"},
       {Product::weight_gradient, "weight_gradient"},
       {Product::input_gradient, "input_gradient"}}};
  for (const auto& [product, product_name] : kProducts) {
    for (const std::size_t width : {32, 100, 256, 1024}) {
      const std::string name = std::string("product/") + product_name + '/' + precision +
                               "/width:" + std::to_string(width) +
                               "/batch:" + std::to_string(kBatch);
      benchmark::RegisterBenchmark((name + "/ours").c_str(), measure_product<T, Ours>, product,
                                   width)
          ->Unit(benchmark::kMicrosecond);
      benchmark::RegisterBenchmark((name + "/openblas").c_str(), measure_product<T, OpenBlas>,
                                   product, width)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace

}  // namespace plumbline

int main(int argc, char** argv) {
  openblas_set_num_threads(1);
  plumbline::add_benchmarks<float>("float32");
  plumbline::add_benchmarks<double>("float64");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
