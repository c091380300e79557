// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/layers/convolution_products.hpp"

namespace plumbline {

/// The products of a convolution by OpenBLAS: for each image, the patches as rows of a matrix.
template <typename T>
std::unique_ptr<ConvolutionProducts<T>> patch_products(const Window& window, const Shape& input);

}  // namespace plumbline
