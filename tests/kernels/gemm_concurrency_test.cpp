// SPDX-License-Identifier: Apache-2.0
// Debian's serial OpenBLAS gave 37,049 wrong results in 6 million small products that several
// threads called at once. Here all products of all threads are compared with the oracle, bit by bit.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include "engine/kernels/gemm.hpp"
#include "tests/kernels/product.hpp"

namespace plumbline {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kProductsPerThread = 5000;
#else
constexpr std::size_t kProductsPerThread = 400000;
#endif
constexpr std::size_t kThreads = 4;

template <typename T>
struct Known {
  Product<T> product;
  std::vector<T> expected;
};

/// Products of one thread alone: of other values than the other threads', 32 x 32 and odd sizes.
template <typename T>
std::vector<Known<T>> known_products(std::size_t thread) {
  const std::vector<ProductShape> shapes = {
      {32, 32, 32, Layout::neither}, {32, 32, 32, Layout::right}, {32, 32, 32, Layout::left},
      {32, 32, 32, Layout::both},    {7, 13, 5, Layout::right},   {31, 33, 17, Layout::neither},
      {1, 10, 100, Layout::right},   {13, 1, 29, Layout::left}};
  std::vector<Known<T>> all;
  for (const ProductShape& shape : shapes) {
    Product<T> product(shape, static_cast<std::int64_t>(100 * thread + all.size()));
    std::vector<T> expected = product.expected(true, T(0.125));
    all.push_back({std::move(product), std::move(expected)});
  }
  return all;
}

/// How many of the products of all threads were wrong.
template <typename T>
std::size_t wrong_products() {
  std::atomic<std::size_t> wrong = 0;
  std::barrier together(static_cast<std::ptrdiff_t>(kThreads));
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([thread, &wrong, &together] {
      std::vector<Known<T>> all = known_products<T>(thread);
      together.arrive_and_wait();
      for (std::size_t i = 0; i < kProductsPerThread; ++i) {
        auto& [product, expected] = all[i % all.size()];
        // A result that is left from the last time is not taken for a new one.
        product.result()(0, 0) = Product<T>::kUntouched;
        multiply(product.left(), product.right(), product.result(), product.start().data(),
                 T(0.125));
        const std::size_t bytes = expected.size() * sizeof(T);
        if (std::memcmp(product.around().data(), expected.data(), bytes) != 0) ++wrong;
      }
    });
  }
  threads.clear();
  return wrong;
}

TEST(GemmUnderConcurrency, NoSmallProductInFloatIsWrong) { EXPECT_EQ(wrong_products<float>(), 0U); }

TEST(GemmUnderConcurrency, NoSmallProductInDoubleIsWrong) {
  EXPECT_EQ(wrong_products<double>(), 0U);
}

}  // namespace
}  // namespace plumbline
