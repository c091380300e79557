// SPDX-License-Identifier: Apache-2.0
// Equality is in all bits: the oracle is the chain of multiply-adds of each element, by
// Product::link().
#include "engine/kernels/window_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "tests/kernels/bits.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/kernels/product.hpp"

namespace plumbline {
namespace {

struct WindowCase {
  std::size_t images;
  std::size_t places;
  std::size_t cols;
  Walk walk;
};

template <typename T>
class WindowProduct : public testing::Test {
 protected:
  static constexpr T kUntouched = T(-7.25);

  static std::vector<T> draw(std::size_t n, std::uint32_t part) {
    Random random(3, RandomStream::data, part);
    std::vector<T> values(n);
    for (T& value : values) value = Product<T>::draw(random);
    return values;
  }
  /// `n` places in an image, in no order.
  static std::vector<std::size_t> places(std::size_t n, std::size_t step) {
    std::vector<std::size_t> all(n);
    for (std::size_t i = 0; i < n; ++i) all[i] = i * 7 % n * step;
    return all;
  }
  static std::size_t at(const Walk& walk, std::size_t k) {
    return k / walk.length * walk.line_step + k % walk.length * walk.step;
  }
  static std::size_t values_of_image(const Walk& walk, std::span<const std::size_t> offsets) {
    return std::ranges::max(offsets) + walk.lines * walk.line_step + walk.length * walk.step;
  }
};

using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(WindowProduct, Precisions);

// Columns below, at and beyond each width of a tile; walks of one line, of one term a line, of none,
// and of more than stay in L1 together.
std::vector<WindowCase> cases() {
  std::vector<WindowCase> all;
  for (std::size_t cols = 1; cols <= 67; ++cols) all.push_back({2, 13, cols, {3, 3, 1, 11}});
  for (std::size_t places = 1; places <= 40; ++places) all.push_back({3, places, 5, {2, 4, 1, 9}});
  all.push_back({1, 100, 33, {1, 20, 1, 20}});
  all.push_back({1, 20, 8, {5, 1, 1, 7}});
  all.push_back({2, 20, 21, {3, 200, 1, 250}});
  all.push_back({2, 9, 20, {2, 5, 3, 40}});
  return all;
}

TYPED_TEST(WindowProduct, EqualsTheChainOfFusedOperations) {
  using T = TypeParam;
  for (const WindowCase& one : cases()) {
    const std::vector<std::size_t> from = this->places(one.places, 3);
    const std::vector<std::size_t> to = this->places(one.places, one.cols + 2);
    const std::size_t image = this->values_of_image(one.walk, from);
    const std::size_t result = one.places * (one.cols + 2) + 3;
    const std::vector<T> a = this->draw(one.images * image, 1);
    const std::vector<T> b = this->draw(one.walk.terms() * one.cols, 2);
    const std::vector<T> start = this->draw(one.cols, 3);
    Panels<T> by_row(one.walk.terms(), one.cols);
    for (std::size_t k = 0; k < one.walk.terms(); ++k) by_row.set_row(k, &b[k * one.cols]);
    Panels<T> by_column(one.walk.terms(), one.cols);
    for (std::size_t j = 0; j < one.cols; ++j) {
      std::vector<T> column(one.walk.terms());
      for (std::size_t k = 0; k < column.size(); ++k) column[k] = b[k * one.cols + j];
      by_column.set_column(j, column.data());
    }
    for (const bool with_start : {false, true}) {
      std::vector<T> expected(one.images * result, this->kUntouched);
      for (std::size_t e = 0; e < one.images; ++e) {
        for (std::size_t i = 0; i < one.places; ++i) {
          for (std::size_t j = 0; j < one.cols; ++j) {
            T sum = with_start ? start[j] : T(0);
            for (std::size_t k = 0; k < one.walk.terms(); ++k) {
              sum = Product<T>::link(a[e * image + from[i] + this->at(one.walk, k)],
                                     b[k * one.cols + j], sum);
            }
            expected[e * result + to[i] + j] = sum;
          }
        }
      }
      for (const Panels<T>* panels : {&by_row, &by_column}) {
        std::vector<T> found(expected.size(), this->kUntouched);
        multiply_windows(Places<const T>{a.data(), one.images, image, from}, one.walk, *panels,
                         with_start ? start.data() : nullptr,
                         Places<T>{found.data(), one.images, result, to});
        EXPECT_EQ(differences<T>(found, expected), 0U)
            << one.images << " images of " << one.places << " places, " << one.cols << " columns, "
            << one.walk.lines << " lines of " << one.walk.length;
      }
    }
  }
}

TYPED_TEST(WindowProduct, InPairsIsTheSumOfTheChainsOfEvenAndOfOddTerms) {
  using T = TypeParam;
  std::vector<WindowCase> all;
  for (std::size_t cols = 1; cols <= 33; ++cols) {
    all.push_back({2, 13, cols, {3, 4, 1, 11}});
  }
  for (std::size_t places = 1; places <= 20; ++places) all.push_back({3, places, 5, {2, 6, 1, 9}});
  all.push_back({1, 20, 7, {5, 400, 1, 401}});
  std::size_t in_pairs = 0;
  for (const WindowCase& one : all) {
    const std::vector<std::size_t> from = this->places(one.places, 3);
    const std::vector<std::size_t> to = this->places(one.places, one.cols + 2);
    const std::size_t image = this->values_of_image(one.walk, from);
    const std::size_t result = one.places * (one.cols + 2) + 3;
    const std::vector<T> a = this->draw(one.images * image, 1);
    const std::vector<T> b = this->draw(one.walk.terms() * one.cols, 2);
    const std::vector<T> start = this->draw(one.cols, 3);
    Panels<T> by_row(one.walk.terms(), one.cols, true);
    Panels<T> by_column(one.walk.terms(), one.cols, true);
    if (!by_row.in_pairs()) continue;
    ++in_pairs;
    for (std::size_t k = 0; k < one.walk.terms(); ++k) by_row.set_row(k, &b[k * one.cols]);
    for (std::size_t j = 0; j < one.cols; ++j) {
      std::vector<T> column(one.walk.terms());
      for (std::size_t k = 0; k < column.size(); ++k) column[k] = b[k * one.cols + j];
      by_column.set_column(j, column.data());
    }
    for (const bool with_start : {false, true}) {
      std::vector<T> expected(one.images * result, this->kUntouched);
      for (std::size_t e = 0; e < one.images; ++e) {
        for (std::size_t i = 0; i < one.places; ++i) {
          for (std::size_t j = 0; j < one.cols; ++j) {
            std::array<T, 2> sums = {0, 0};
            for (std::size_t k = 0; k < one.walk.terms(); ++k) {
              sums[k % 2] = Product<T>::link(a[e * image + from[i] + this->at(one.walk, k)],
                                             b[k * one.cols + j], sums[k % 2]);
            }
            expected[e * result + to[i] + j] = (with_start ? start[j] : T(0)) + (sums[0] + sums[1]);
          }
        }
      }
      for (const Panels<T>* panels : {&by_row, &by_column}) {
        std::vector<T> found(expected.size(), this->kUntouched);
        multiply_windows(Places<const T>{a.data(), one.images, image, from}, one.walk, *panels,
                         with_start ? start.data() : nullptr,
                         Places<T>{found.data(), one.images, result, to});
        EXPECT_EQ(differences<T>(found, expected), 0U)
            << one.images << " images of " << one.places << " places, " << one.cols << " columns, "
            << one.walk.lines << " lines of " << one.walk.length;
      }
    }
  }
  // The narrowest registers hold four floats.
  const std::size_t fewest = sizeof(T) == sizeof(float) ? 4 : 0;
  EXPECT_GE(in_pairs, fewest);
  EXPECT_LT(in_pairs, all.size());
}

TYPED_TEST(WindowProduct, OfNoTermsIsItsStart) {
  using T = TypeParam;
  const std::vector<std::size_t> places = {0, 4};
  const Panels<T> none(0, 3);
  const std::array<T, 3> start = {1, 2, 3};
  for (const Walk& walk : {Walk{0, 5, 1, 7}, Walk{3, 0, 1, 7}}) {
    std::vector<T> found(8, this->kUntouched);
    multiply_windows(Places<const T>{found.data(), 1, 8, places}, walk, none, start.data(),
                     Places<T>{found.data(), 1, 8, places});
    EXPECT_EQ(found, (std::vector<T>{1, 2, 3, this->kUntouched, 1, 2, 3, this->kUntouched}));
  }
}

TYPED_TEST(WindowProduct, OverImagesIsTheSumOfTheChainsOfItsParts) {
  using T = TypeParam;
  std::vector<WindowCase> all = cases();
  all.push_back({5, 9, 8, {20, 30, 2, 70}});  // more terms than stay in L1 together
  for (const WindowCase& one : all) {
    const std::vector<std::size_t> from = this->places(one.places, 2);
    const std::size_t image = this->values_of_image(one.walk, from);
    const std::size_t terms = one.walk.terms();
    const std::vector<T> a = this->draw(one.images * image, 1);
    // Exactly as large as the matrix, so that the sanitizers see what reads beyond it.
    const std::vector<T> b = this->draw(one.images * terms * one.cols, 2);
    for (const std::size_t parts : {1U, 2U, 4U}) {
      const std::size_t used = std::min<std::size_t>(parts, one.images);
      std::vector<T> expected(one.places * one.cols);
      for (std::size_t part = 0; part < used; ++part) {
        for (std::size_t i = 0; i < one.places; ++i) {
          for (std::size_t j = 0; j < one.cols; ++j) {
            T sum = 0;
            for (std::size_t e = one.images * part / used; e < one.images * (part + 1) / used;
                 ++e) {
              for (std::size_t k = 0; k < terms; ++k) {
                sum = Product<T>::link(a[e * image + from[i] + this->at(one.walk, k)],
                                       b[(e * terms + k) * one.cols + j], sum);
              }
            }
            T& total = expected[i * one.cols + j];
            total = part == 0 ? sum : total + sum;
          }
        }
      }
      std::vector<T> found(parts * one.places * one.cols, std::numeric_limits<T>::quiet_NaN());
      multiply_over_images(Places<const T>{a.data(), one.images, image, from}, one.walk,
                           {b.data(), one.images, terms * one.cols, terms * one.cols},
                           {found.data(), parts * one.places, one.cols, one.cols}, parts);
      EXPECT_EQ(differences<T>(std::span(found).first(expected.size()), expected), 0U)
          << one.images << " images, " << one.places << " x " << one.cols << ", " << terms
          << " terms, " << parts << " parts";
    }
  }
}

TYPED_TEST(WindowProduct, HasTheSameBitsAtAnyNumberOfThreads) {
  using T = TypeParam;
  const Walk walk{3, 48, 1, 700};
  const std::vector<std::size_t> from = this->places(400, 16);
  const std::vector<std::size_t> to = this->places(400, 40);
  const std::size_t image = this->values_of_image(walk, from);
  const std::vector<T> a = this->draw(3 * image, 1);
  const std::vector<T> b = this->draw(walk.terms() * 40, 2);
  Panels<T> panels(walk.terms(), 40);
  for (std::size_t k = 0; k < walk.terms(); ++k) panels.set_row(k, &b[k * 40]);
  const Walk positions{20, 20, 16, 400};
  const std::vector<std::size_t> window = this->places(144, 1);
  const std::vector<T> delta = this->draw(3 * 400 * 40, 3);
  std::vector<T> alone;
  for (const int threads : {1, 2, 3, 5}) {
    std::vector<T> found(3 * 400 * 40 + 2 * 144 * 40);
    OnThreads many(threads);
    many.run([&] {
      multiply_windows(Places<const T>{a.data(), 3, image, from}, walk, panels,
                       static_cast<const T*>(nullptr), Places<T>{found.data(), 3, 400 * 40, to});
      multiply_over_images(Places<const T>{a.data(), 3, image, window}, positions,
                           {delta.data(), 3, 400 * 40, 400 * 40},
                           {found.data() + 3 * 400 * 40, 2 * 144, 40, 40}, 2);
    });
    if (threads == 1) alone = found;
    EXPECT_EQ(differences<T>(found, alone), 0U) << threads << " threads";
  }
}

}  // namespace
}  // namespace plumbline
