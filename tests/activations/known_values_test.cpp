// SPDX-License-Identifier: Apache-2.0
// Values of single activations, computed with 30 digits (mpmath), and their limits.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "tests/activations/cases.hpp"

namespace plumbline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Some ten roundings of 1.1e-16 each, and xsimd's own few ulps.
constexpr double kRounding = 3e-15;
// Scalar: the rounding of the argument x = -z / sqrt 2 of erfc, 1.1e-16 relative, grows by the
// logarithmic slope 2 x^2 = z^2 of erfc: 900 * 1.1e-16 at z = -30, and the power series' own error.
constexpr double kTailTolerance = 4e-13;
// SIMD: xsimd 8's erfc, measured at 6e-9 in the far tail. By 1 + erf all would be lost.
constexpr double kSimdTailTolerance = 2e-8;
// exp(700) inherits 700 times the rounding of its argument's reduction at worst.
constexpr double kExponentialTolerance = 1e-13;
// Of the table: where a tail is e^-v, v up to 700, v's rounding counts v times.
constexpr double kPointTolerance = 1e-13;
constexpr double kFloatPointTolerance = 1e-5;

std::shared_ptr<const ElementwiseActivation> elementwise(
    const char* name, const std::vector<Setting>& settings = {}) {
  return std::dynamic_pointer_cast<const ElementwiseActivation>(
      make_plugin(activation_catalogue(), name, settings));
}

template <typename T = double>
T simd(const Activation& activation, T z) {
  return applied<T>(activation, {z})[0];
}

template <typename T = double>
T simd_slope(const Activation& activation, T z) {
  return slopes<T>(activation, {z})[0];
}

/// Relative tolerances of the scalar and of the SIMD form.
struct Tolerance {
  Tolerance(double both) : scalar(both), simd(both) {}  // NOLINT(google-explicit-constructor)
  Tolerance(double of_scalar, double of_simd) : scalar(of_scalar), simd(of_simd) {}

  double scalar;
  double simd;
};

void expect_value(const char* name, double z, double expected, const Tolerance& tolerance) {
  const auto activation = elementwise(name);
  const double magnitude = std::abs(expected);
  EXPECT_NEAR(activation->value(z), expected, tolerance.scalar * magnitude) << name << " at " << z;
  EXPECT_NEAR(simd(*activation, z), expected, tolerance.simd * magnitude) << name << " at " << z;
}

void expect_slope(const char* name, double z, double expected, const Tolerance& tolerance) {
  const auto activation = elementwise(name);
  const double magnitude = std::abs(expected);
  EXPECT_NEAR(activation->slope(z), expected, tolerance.scalar * magnitude) << name << " at " << z;
  EXPECT_NEAR(simd_slope(*activation, z), expected, tolerance.simd * magnitude)
      << name << " at " << z;
}

/// The value where z is infinite, in the scalar form and in both SIMD types.
void expect_limit(const char* name, double z, double expected) {
  const auto activation = elementwise(name);
  EXPECT_EQ(activation->value(z), expected) << name;
  EXPECT_EQ(simd(*activation, z), expected) << name;
  EXPECT_EQ(simd(*activation, static_cast<float>(z)), static_cast<float>(expected)) << name;
}

TEST(Linear, IsTheIdentity) {
  for (const double z : {-1e300, -2.5, 0.0, 1e-300, 7.0}) {
    expect_value("linear", z, z, 0);
    expect_slope("linear", z, 1, 0);
  }
  expect_limit("linear", kInfinity, kInfinity);
  expect_limit("linear", -kInfinity, -kInfinity);
}

TEST(Relu, IsZeroBelowTheOriginAndTheIdentityAbove) {
  expect_value("relu", 2.5, 2.5, 0);
  expect_value("relu", -2.5, 0, 0);
  expect_value("relu", 0, 0, 0);
  expect_slope("relu", 1e-300, 1, 0);
  expect_slope("relu", -1e-300, 0, 0);
  expect_slope("relu", 0, 0, 0);
  expect_limit("relu", kInfinity, kInfinity);
  expect_limit("relu", -kInfinity, 0);
}

TEST(Sigmoid, HasItsKnownValues) {
  expect_value("sigmoid", 0, 0.5, 0);
  expect_slope("sigmoid", 0, 0.25, 0);
  expect_value("sigmoid", 1, 0.73105857863000487925, kRounding);
  expect_slope("sigmoid", 1, 0.19661193324148185254, kRounding);
  expect_limit("sigmoid", kInfinity, 1);
  expect_limit("sigmoid", -kInfinity, 0);
}

TEST(Sigmoid, KeepsRelativeAccuracyInItsLeftTail) {
  expect_value("sigmoid", -40, 4.2483542552915889773e-18, kExponentialTolerance);
  expect_slope("sigmoid", -40, 4.2483542552915889592e-18, kExponentialTolerance);
  expect_value("sigmoid", -700, 9.8596765437597708567e-305, kExponentialTolerance);
  expect_slope("sigmoid", -700, 9.8596765437597708567e-305, kExponentialTolerance);
}

TEST(Tanh, HasItsKnownValues) {
  expect_value("tanh", 0, 0, 0);
  expect_slope("tanh", 0, 1, 0);
  expect_value("tanh", 0.5, 0.4621171572600097585, kRounding);
  expect_value("tanh", -0.5, -0.4621171572600097585, kRounding);
  expect_slope("tanh", 0.5, 0.78644773296592741015, kRounding);
  expect_value("tanh", 1e-30, 1e-30, kRounding);
  expect_limit("tanh", kInfinity, 1);
  expect_limit("tanh", -kInfinity, -1);
}

TEST(Gelu, HasItsKnownValues) {
  expect_value("gelu", 0, 0, 0);
  expect_slope("gelu", 0, 0.5, kRounding);
  expect_value("gelu", 1, 0.84134474606854294859, kRounding);
  expect_value("gelu", -1, -0.15865525393145705141, kRounding);
  expect_value("gelu", 0.5, 0.34573123063700655182, kRounding);
  expect_slope("gelu", 1, 1.0833154705876862984, kRounding);
  expect_slope("gelu", -1, -0.083315470587686298383, kRounding);
  expect_slope("gelu", 0.5, 0.86749512465616284253, kRounding);
  expect_limit("gelu", kInfinity, kInfinity);
  expect_limit("gelu", -kInfinity, 0);
}

TEST(Gelu, IsTheExactFormAndNotTheTanhApproximation) {
  // At z = 2 the approximation gives 1.9545977, 1.0e-4 more.
  expect_value("gelu", 2, 1.9544997361036415856, kRounding);
}

TEST(Gelu, KeepsRelativeAccuracyInItsLeftTail) {
  const Tolerance tail(kTailTolerance, kSimdTailTolerance);
  expect_value("gelu", -5, -1.4332578593959695584e-6, tail);
  expect_value("gelu", -10, -7.619853024160526066e-23, tail);
  expect_value("gelu", -30, -1.4720141781444561179e-196, tail);
  expect_slope("gelu", -5, -7.1469460017922946279e-6, tail);
  expect_slope("gelu", -10, -7.6184000964648140857e-22, tail);
  expect_slope("gelu", -30, -4.4160316907084943701e-195, tail);
  expect_value("gelu", -1e30, 0, 0);
}

/// phi, phi' and phi'' at a point, with 20 digits.
struct KnownPoint {
  const char* name;
  double z;
  double value;
  double slope;
  double curvature;
};

constexpr auto kKnownPoints = std::to_array<KnownPoint>({
    {"lecun_tanh", 0.5, 0.5516837063305313721, 1.0256844408840484175, -0.43969414990964557594},
    {"lecun_tanh", -0.5, -0.5516837063305313721, 1.0256844408840484175, 0.43969414990964557594},
    {"lecun_tanh", 2.25, 1.5531438884292263214, 0.20671634781939234243, -0.24947858830475703096},
    {"arctan", 0.5, 0.46364760900080611621, 0.8, -0.64},
    {"arctan", -0.5, -0.46364760900080611621, 0.8, 0.64},
    {"arctan", 2.25, 1.152571997215667518, 0.16494845360824742268, -0.12243596556488468488},
    {"erf", 0.5, 0.52049987781304653768, 0.87878257893544479409, -0.87878257893544479409},
    {"erf", -0.5, -0.52049987781304653768, 0.87878257893544479409, 0.87878257893544479409},
    {"erf", 2.25, 0.9985372834133188483, 0.0071423190220179830393, -0.032140435599080923677},
    {"softsign", 0.5, 0.33333333333333333333, 0.44444444444444444444, -0.59259259259259259259},
    {"softsign", -0.5, -0.33333333333333333333, 0.44444444444444444444, 0.59259259259259259259},
    {"softsign", 2.25, 0.69230769230769230769, 0.094674556213017751479, -0.058261265361857077833},
    {"softplus", 0.5, 0.97407698418010668087, 0.62245933120185456464, 0.23500371220159448907},
    {"softplus", -0.5, 0.47407698418010668087, 0.37754066879814543536, 0.23500371220159448907},
    {"softplus", 2.25, 2.3502065589167472117, 0.90465053510089050603, 0.086257944442562980507},
    {"softplus", -20, 2.0611536203143807032e-9, 2.0611536181902035814e-9, 2.0611536139418493437e-9},
    {"softplus", -80, 1.8048513878454151723e-35, 1.8048513878454151723e-35,
     1.8048513878454151723e-35},
    {"softplus", -700, 9.8596765437597708567e-305, 9.8596765437597708567e-305,
     9.8596765437597708567e-305},
    {"softplus", 40, 40.000000000000000004, 0.99999999999999999575, 4.2483542552915889592e-18},
    {"elu", 0.5, 0.5, 1.0, 0.0},
    {"elu", -0.5, -0.3934693402873665764, 0.6065306597126334236, 0.6065306597126334236},
    {"elu", 2.25, 2.25, 1.0, 0.0},
    {"selu", 0.5, 0.52535049367774024671, 1.0507009873554804934, 0.0},
    {"selu", -0.5, -0.69175818780287140236, 1.0663411530445054576, 1.0663411530445054576},
    {"selu", 2.25, 2.3640772215498311102, 1.0507009873554804934, 0.0},
    {"selu", -20, -1.7580993372236640349, 3.6237128249944115923e-9, 3.6237128249944115923e-9},
    {"selu", -80, -1.7580993408473768599, 3.1731080352984977382e-35, 3.1731080352984977382e-35},
    {"gelu_tanh", 0.5, 0.34571400982514392204, 0.86736990353464231156, 0.61550689511598489227},
    {"gelu_tanh", -0.5, -0.15428599017485607796, 0.13263009646535768844, 0.61550689511598489227},
    {"gelu_tanh", 2.25, 2.2227986701027113893, 1.059914534517762189, -0.098378154629937350313},
    {"gelu_tanh", -5, -2.2917961966295060456e-7, -1.5463619875325945956e-6,
     -9.9341322249962020723e-6},
    {"gelu_tanh", -10, -1.2040923482098059937e-37, -2.7576380638540316073e-36,
     -6.2639306260228785465e-35},
    {"silu", 0.5, 0.31122966560092728232, 0.73996118730265180917, 0.44122902697702860786},
    {"silu", -0.5, -0.18877033439907271768, 0.26003881269734819083, 0.44122902697702860786},
    {"silu", 2.25, 2.0354637039770036386, 1.0987309100966572122, 0.015446433695888985776},
    {"silu", -20, -4.1223072363804071629e-8, -3.9161918660646783292e-8, -3.7100764881019119025e-8},
    {"silu", -80, -1.4438811102763321378e-33, -1.4258325963978779861e-33,
     -1.4077840825194238344e-33},
    {"silu", -700, -6.9017735806318395997e-302, -6.8919139040880798288e-302,
     -6.882054227544320058e-302},
    {"mish", 0.5, 0.37524521130489510482, 0.88642437535772725845, 0.46805337784488658333},
    {"mish", -0.5, -0.22074377465172999682, 0.2895106779135121924, 0.56397092311326654343},
    {"mish", 2.25, 2.209456757662625651, 1.0546748136506061855, -0.057607151098785532492},
    {"mish", -20, -4.1223072406287614006e-8, -3.9161918743489690753e-8, -3.7100765042456579202e-8},
    {"mish", -80, -1.4438811102763321378e-33, -1.4258325963978779861e-33,
     -1.4077840825194238344e-33},
    {"mish", -700, -6.9017735806318395997e-302, -6.8919139040880798288e-302,
     -6.882054227544320058e-302},
    {"sine", 0.5, 0.47942553860420300027, 0.87758256189037271612, -0.47942553860420300027},
    {"sine", -0.5, -0.47942553860420300027, 0.87758256189037271612, 0.47942553860420300027},
    {"sine", 2.25, 0.77807319688792124141, -0.62817362272273908891, -0.77807319688792124141},
    {"sine", 1000, 0.82687954053200256026, 0.56237907629070299108, -0.82687954053200256026},
    {"gaussian", 0.5, 0.77880078307140486825, -0.77880078307140486825, -0.77880078307140486825},
    {"gaussian", -0.5, 0.77880078307140486825, 0.77880078307140486825, -0.77880078307140486825},
    {"gaussian", 2.25, 0.0063297154274857465769, -0.028483719423685859596, 0.11551730655161487503},
    {"gaussian", -8, 1.603810890548637853e-28, 2.5660974248778205648e-27,
     4.0736796619935401466e-26},
    {"erf", -4, -0.99999998458274209972, 1.2698234671866558268e-7, 1.0158587737493246615e-6},
    {"squareplus", 0.5, 1.2807764064044151375, 0.62126781251816648676, 0.22826882356360750449},
    {"squareplus", -0.5, 0.78077640640441513746, 0.37873218748183351324, 0.22826882356360750449},
    {"squareplus", 2.25, 2.630199322349036935, 0.87370465934182985973, 0.073309113250198041449},
    {"squareplus", -20, 0.049875621120890270219, 0.0024814048950054321674,
     0.00024629633421039335041},
    {"squareplus", -80, 0.01249804748511324818, 0.00015617679593862275852,
     3.9025907495632524769e-6},
    {"squareplus", -10000, 0.00009999999900000002, 9.99999970000001e-9, 1.999999880000006e-12},
});

TEST(KnownPoints, AreThoseOfTheScalarForm) {
  for (const KnownPoint& point : kKnownPoints) {
    const auto phi = elementwise(point.name);
    const auto expect = [&](double measured, double expected, const char* of) {
      EXPECT_NEAR(measured, expected, kPointTolerance * std::abs(expected))
          << of << " of " << point.name << " at " << point.z;
    };
    expect(phi->value(point.z), point.value, "value");
    expect(phi->slope(point.z), point.slope, "slope");
    expect(phi->curvature(point.z), point.curvature, "curvature");
  }
}

TEST(KnownPoints, AreThoseOfTheSimdFormInDouble) {
  for (const KnownPoint& point : kKnownPoints) {
    const auto phi = elementwise(point.name);
    EXPECT_NEAR(simd(*phi, point.z), point.value, kPointTolerance * std::abs(point.value))
        << point.name << " at " << point.z;
    EXPECT_NEAR(simd_slope(*phi, point.z), point.slope, kPointTolerance * std::abs(point.slope))
        << point.name << " at " << point.z;
  }
}

TEST(KnownPoints, AreThoseOfTheSimdFormInFloatAlsoInTheTails) {
  for (const KnownPoint& point : kKnownPoints) {
    if (std::abs(point.slope) < 1e-37) continue;  // subnormal in float
    const auto phi = elementwise(point.name);
    const auto z = static_cast<float>(point.z);
    EXPECT_NEAR(double{simd(*phi, z)}, point.value, kFloatPointTolerance * std::abs(point.value))
        << point.name << " at " << point.z;
    EXPECT_NEAR(double{simd_slope(*phi, z)}, point.slope,
                kFloatPointTolerance * std::abs(point.slope))
        << point.name << " at " << point.z;
  }
}

TEST(HardSigmoid, IsALineOfItsSlopeBetweenZeroAndOne) {
  expect_value("hard_sigmoid", 0.5, 0.75, 0);
  expect_value("hard_sigmoid", -0.5, 0.25, 0);
  expect_value("hard_sigmoid", 1.5, 1, 0);
  expect_value("hard_sigmoid", -1.5, 0, 0);
  expect_slope("hard_sigmoid", 0.5, 0.5, 0);
  expect_slope("hard_sigmoid", 1.5, 0, 0);
  const auto flatter = elementwise("hard_sigmoid", {{"slope", node(0.25)}});
  EXPECT_EQ(flatter->value(1), 0.75);
  EXPECT_EQ(flatter->slope(1), 0.25);
  EXPECT_EQ(flatter->kinks(), (std::vector<double>{-2, 2}));
}

TEST(HardTanh, IsTheIdentityBetweenMinusOneAndOne) {
  expect_value("hard_tanh", 0.75, 0.75, 0);
  expect_value("hard_tanh", 3, 1, 0);
  expect_value("hard_tanh", -3, -1, 0);
  expect_slope("hard_tanh", 0.75, 1, 0);
  expect_slope("hard_tanh", -3, 0, 0);
}

TEST(LeakyRelu, HasItsSlopeBelowTheOrigin) {
  expect_value("leaky_relu", 2, 2, 0);
  expect_value("leaky_relu", -2, -0.02, kRounding);
  expect_slope("leaky_relu", -2, 0.01, kRounding);
  expect_slope("leaky_relu", 0, 0.01, kRounding);
}

TEST(ReluSquared, IsTheSquareAboveTheOrigin) {
  expect_value("relu_squared", 3, 9, 0);
  expect_slope("relu_squared", 3, 6, 0);
  expect_value("relu_squared", -3, 0, 0);
  expect_slope("relu_squared", -3, 0, 0);
}

TEST(LecunTanh, HasOneAsAFixedPointToFiveDigits) { expect_value("lecun_tanh", 1, 1, 1e-5); }

// With alpha = 2 at z = -1: elu 2 (1/e - 1) with slope 2/e, celu 2 (e^-1/2 - 1) with slope e^-1/2.
TEST(EluAndCelu, DifferInWhereAlphaStands) {
  const auto elu = elementwise("elu", {{"alpha", node(2.0)}});
  EXPECT_NEAR(elu->value(-1), -1.2642411176571153568, kRounding);
  EXPECT_NEAR(elu->slope(-1), 0.73575888234288464319, kRounding);
  const auto celu = elementwise("celu", {{"alpha", node(2.0)}});
  EXPECT_NEAR(celu->value(-1), -0.78693868057473315279, kRounding);
  EXPECT_NEAR(celu->slope(-1), 0.6065306597126334236, kRounding);
  EXPECT_NEAR(celu->curvature(-1), 0.3032653298563167118, kRounding);
}

TEST(Settings, AreTheLettersOfTheFormulas) {
  EXPECT_NEAR(elementwise("softplus", {{"beta", node(2.0)}})->value(0.5), 0.6566308437591114,
              kRounding);
  EXPECT_NEAR(elementwise("silu", {{"beta", node(2.0)}})->value(0.5), 0.36552928931500243,
              kRounding);
  EXPECT_NEAR(elementwise("sine", {{"frequency", node(30.0)}})->value(0.1), 0.14112000805986722,
              kRounding);
  EXPECT_EQ(elementwise("squareplus", {{"b", node(0.25)}})->value(0), 0.25);
}

TEST(Squareplus, DoesNotOverflowWhereSquaresWould) {
  const auto phi = elementwise("squareplus");
  EXPECT_EQ(phi->value(1e200), 1e200);
  EXPECT_EQ(phi->slope(1e200), 1);
  EXPECT_NEAR(phi->value(-1e200), 1e-200, 1e-214);
  EXPECT_EQ(simd(*phi, 1e30F), 1e30F);
}

TEST(Selu, KeepsMeanZeroAndVarianceOne) {
  // The definition of its two constants, by the trapezoidal rule on each side of the kink.
  const auto phi = elementwise("selu");
  constexpr double kStep = 1e-3;
  double mean = 0;
  double square = 0;
  for (int i = -12000; i <= 12000; ++i) {
    const double z = kStep * i;
    const double density = kStep * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    mean += density * phi->value(z);
    square += density * std::pow(phi->value(z), 2);
  }
  // The jump of the slope by 0.71 leaves h^2 / 12 times it and the density.
  EXPECT_NEAR(mean, 0, 1e-7);
  EXPECT_NEAR(square, 1, 1e-7);
  EXPECT_NEAR(phi->moments(1).square, 1, 1e-13);
}

}  // namespace
}  // namespace plumbline
