// SPDX-License-Identifier: Apache-2.0
// Profiles made by hand, and what is said of them.
#include "engine/theory/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastFloat = std::numeric_limits<float>::min();

// Powers of a factor from the last layer, which has `last`, towards the input.
std::vector<double> profile(std::size_t layers, double factor, double last = 0.3) {
  std::vector<double> values(layers, last);
  for (std::size_t l = layers - 1; l-- > 0;) values[l] = values[l + 1] * factor;
  return values;
}

// A net of `layers` weight layers of 100 units, whose error signal changes by one factor a layer, beside a
// prediction of another one.
struct Case {
  Case(std::size_t layers, double factor, double predicted)
      : rms(profile(layers, predicted)), low(layers, kNaN), high(layers, kNaN) {
    const std::vector<double> unknown(layers, kNaN);
    state = {profile(layers, factor),
             std::vector<double>(layers, 0.0),
             unknown,
             unknown,
             unknown,
             unknown,
             std::vector<double>(layers, 1.0)};
  }
  // The band from the prediction times `from` to it times `to`.
  Case& with_band(double from, double to) {
    for (std::size_t l = 0; l < rms.size(); ++l) {
      low[l] = rms[l] * (l + 1 < rms.size() ? from : 1);
      high[l] = rms[l] * (l + 1 < rms.size() ? to : 1);
    }
    return *this;
  }
  Case& with_slopes(std::size_t layer, double silent, double active) {
    state.units[layer] = 100;
    state.silent[layer] = silent;
    state.active[layer] = active;
    return *this;
  }
  Diagnosis diagnosed(const std::string& reason = "") const {
    return diagnose(state, {rms, low, high}, reason, "float32", kLeastFloat);
  }

  InitialState state;
  std::vector<double> rms;
  std::vector<double> low;
  std::vector<double> high;
};

TEST(DiagnosisTest, IsAsPredictedWhereBothVanishByNearlyOneFactor) {
  const Diagnosis sigmoid = Case(11, 0.24, 0.236).diagnosed();
  EXPECT_THAT(sigmoid.findings, ElementsAre(Finding::vanishing_as_predicted));
  EXPECT_EQ(sigmoid.text,
            "vanishing as predicted: layer 1 has 6.3e-07 of the last layer's error signal, 0.24 a "
            "layer; predicted 5.4e-07, 0.24 a layer");
  EXPECT_THAT(Case(11, 3.9, 4).diagnosed().findings, ElementsAre(Finding::exploding_as_predicted));
}

TEST(DiagnosisTest, IsAgainstTheoryWhereTheoryIsHealthy) {
  EXPECT_THAT(Case(11, 0.4, 1).diagnosed().findings,
              ElementsAre(Finding::vanishing_against_theory));
  EXPECT_THAT(Case(11, 2.5, 1).with_band(1.0 / 3, 3).diagnosed().findings,
              ElementsAre(Finding::exploding_against_theory));
}

TEST(DiagnosisTest, IsAsPredictedInsideTheBandWhateverItsMean) {
  // A narrow, deep relu net: the mean square over nets is 1, and nearly all of them vanish.
  const Diagnosis relu = Case(11, 0.6, 1).with_band(1e-5, 0.5).diagnosed();
  EXPECT_THAT(relu.findings, ElementsAre(Finding::vanishing_as_predicted));
  EXPECT_EQ(relu.text,
            "vanishing as predicted: layer 1 has 0.006 of the last layer's error signal, 0.6 a "
            "layer; predicted 1, 1 a layer, inside the 95 % band of nets, 1e-05 to 0.5");
}

TEST(DiagnosisTest, CallsNothingPredictedByABandThatHasVanishingAndExplodingNets) {
  const Diagnosis down = Case(11, 0.2, 1).with_band(1e-9, 1e4).diagnosed();
  EXPECT_THAT(down.findings, ElementsAre(Finding::vanishing_without_theory));
  EXPECT_EQ(down.text,
            "vanishing: layer 1 has 1e-07 of the last layer's error signal, 0.2 a layer; predicted "
            "1, 1 a layer, inside the 95 % band of nets, 1e-09 to 1e+04, so wide that nets that "
            "vanish and nets that explode are in it");
  EXPECT_THAT(Case(11, 2, 1).with_band(1e-9, 1e4).diagnosed().findings,
              ElementsAre(Finding::exploding_without_theory));
  EXPECT_THAT(Case(11, 1, 1).with_band(1e-9, 1e4).diagnosed().text,
              HasSubstr("so wide that nets that vanish and nets that explode are in it"));
  // What explodes is above 100.
  EXPECT_THAT(Case(11, 0.2, 1).with_band(1e-9, 99).diagnosed().findings,
              ElementsAre(Finding::vanishing_as_predicted));
  EXPECT_THAT(Case(11, 0.2, 1).with_band(1e-9, 101).diagnosed().findings,
              ElementsAre(Finding::vanishing_without_theory));
  // Where the mean over nets vanishes by nearly the same factor, the prediction is good whatever the band is.
  EXPECT_THAT(Case(11, 0.2, 0.2).with_band(1e-3, 1e10).diagnosed().findings,
              ElementsAre(Finding::vanishing_as_predicted));
}

TEST(DiagnosisTest, SaysByHowLittleASignalIsOutsideTheBandWhereItIsAsPredicted) {
  const Diagnosis wide = Case(11, 0.24, 0.236).with_band(0.9, 1.1).diagnosed();
  EXPECT_THAT(wide.findings, ElementsAre(Finding::vanishing_as_predicted));
  EXPECT_EQ(wide.text,
            "vanishing as predicted: layer 1 has 6.3e-07 of the last layer's error signal, 0.24 a "
            "layer; predicted 5.4e-07, 0.24 a layer, outside the 95 % band of nets, 4.8e-07 to "
            "5.9e-07, by less than 10 % of the logarithm");
}

TEST(DiagnosisTest, TellsApartWhatVanishesByAnotherFactorThanPredicted) {
  EXPECT_THAT(Case(11, 0.1, 0.4).diagnosed().findings, ElementsAre(Finding::vanishing_otherwise));
  EXPECT_THAT(Case(11, 9, 3).diagnosed().findings, ElementsAre(Finding::exploding_otherwise));
}

TEST(DiagnosisTest, IsLostWhereActivationsLeaveThePrecisionOnTheWayUp) {
  // As a deep relu net under Glorot's variance: then every slope is zero, and every unit looks dead.
  Case small(11, 0, 0.7);
  small.state.input[5] = 1e-37;
  for (std::size_t l = 6; l < 11; ++l) small.state.input[l] = l < 8 ? 1e-39 : 0;
  small.with_slopes(7, 100, 0);
  const Diagnosis diagnosis = small.diagnosed();
  EXPECT_THAT(diagnosis.findings, ElementsAre(Finding::lost_to_underflow));
  EXPECT_EQ(diagnosis.text,
            "numerically lost (underflow): from layer 7 up activations are below what float32 "
            "holds, so that nothing is known of what comes back; a float64 run tells more");
  Case large(11, 1, 1);
  large.state.input[9] = HUGE_VAL;
  EXPECT_THAT(large.with_slopes(9, 100, 0).diagnosed().findings,
              ElementsAre(Finding::lost_to_overflow));
  // Zero weights make zeros at once.
  Case zeros(11, 0, 0.7);
  for (std::size_t l = 6; l < 11; ++l) zeros.state.input[l] = 0;
  EXPECT_THAT(zeros.diagnosed().findings, ElementsAre(Finding::cut_off));
  // Inputs that are zero from the beginning are the data's.
  Case dark(11, 0.64, 1);
  dark.state.input.assign(11, 0);
  EXPECT_THAT(dark.diagnosed().findings, ElementsAre(Finding::healthy));
}

TEST(DiagnosisTest, SaysWhyThereIsNoPrediction) {
  const Diagnosis normalized = Case(11, 0.1, kNaN).diagnosed("batch normalization");
  EXPECT_THAT(normalized.findings, ElementsAre(Finding::vanishing_without_theory));
  EXPECT_THAT(normalized.text, HasSubstr("; no prediction: batch normalization"));
  EXPECT_THAT(Case(11, 9, kNaN).diagnosed("the kind").findings,
              ElementsAre(Finding::exploding_without_theory));
}

TEST(DiagnosisTest, IsHealthyBetweenTheThresholds) {
  // 0.64^10 = 0.012 and 0.62^10 = 0.0084, on the two sides of 1 %.
  EXPECT_THAT(Case(11, 0.64, 1).diagnosed().findings, ElementsAre(Finding::healthy));
  EXPECT_THAT(Case(11, 0.62, 1).diagnosed().findings,
              ElementsAre(Finding::vanishing_against_theory));
  EXPECT_THAT(Case(11, 1 / 0.64, 1).diagnosed().findings, ElementsAre(Finding::healthy));
  // Over three layers half a layer is a tenth, and yet too much.
  EXPECT_THAT(Case(4, 0.51, 1).diagnosed().findings, ElementsAre(Finding::healthy));
  EXPECT_THAT(Case(4, 0.49, 1).diagnosed().findings,
              ElementsAre(Finding::vanishing_against_theory));
  EXPECT_THAT(Case(2, 0.3, 1).diagnosed().findings, ElementsAre(Finding::healthy));
  EXPECT_THAT(Case(1, 1, 1).diagnosed().findings, ElementsAre(Finding::healthy));
}

TEST(DiagnosisTest, DoesNotDependOnTheScaleOfTheLoss) {
  Case scaled(11, 0.24, 0.236);
  for (double& value : scaled.state.error_signal) value *= 1e-12;
  for (double& value : scaled.rms) value *= 1e-12;
  EXPECT_EQ(scaled.diagnosed().text, Case(11, 0.24, 0.236).diagnosed().text);
}

TEST(DiagnosisTest, NamesTheHighestLayerThatUnderflowLeavesNothingOf) {
  Case deep(41, 0.1, 0.1);
  for (std::size_t l = 0; l < 9; ++l) deep.state.lost[l] = 1;
  deep.state.lost[8] = 0.51;
  deep.state.lost[9] = 0.49;
  const Diagnosis diagnosis = deep.diagnosed();
  EXPECT_THAT(diagnosis.findings,
              ElementsAre(Finding::lost_to_underflow, Finding::vanishing_as_predicted));
  EXPECT_THAT(diagnosis.text, StartsWith("numerically lost (underflow): from layer 9 down"));
  EXPECT_THAT(diagnosis.text, HasSubstr("Also vanishing as predicted: layer 10 has 1e-31 of"));
}

TEST(DiagnosisTest, TellsZerosByUnderflowFromASignalThatIsCutOff) {
  Case faint(31, 0.1, 0.1);
  faint.state.error_signal[3] = 0;
  EXPECT_EQ(faint.diagnosed().findings.front(), Finding::lost_to_underflow);
  Case strong(5, 1, 1);
  strong.state.error_signal[1] = 0;
  EXPECT_THAT(strong.diagnosed().findings, ElementsAre(Finding::cut_off));
  EXPECT_THAT(strong.diagnosed().text, HasSubstr("from layer 2 down"));
  strong.state.error_signal[4] = 0;
  EXPECT_THAT(strong.diagnosed().text, HasSubstr("the loss has no gradient"));
}

TEST(DiagnosisTest, CallsWhatIsNotFiniteLostToOverflow) {
  for (const double value : {kNaN, std::numeric_limits<double>::infinity()}) {
    Case grown(6, 1, 1);
    grown.state.error_signal[2] = value;
    EXPECT_THAT(grown.diagnosed().findings, ElementsAre(Finding::lost_to_overflow));
    EXPECT_THAT(grown.diagnosed().text, HasSubstr("from layer 3 down"));
  }
}

TEST(DiagnosisTest, FindsSaturationWhereMoreThanHalfOfTheSlopesAreFlat) {
  Case flat(6, 1, 1);
  flat.state.saturated[2] = 0.5;
  EXPECT_THAT(flat.diagnosed().findings, ElementsAre(Finding::healthy));
  flat.state.saturated[3] = 0.83;
  EXPECT_THAT(flat.diagnosed().findings, ElementsAre(Finding::saturated));
  EXPECT_THAT(flat.diagnosed().text, HasSubstr("in 1 layer, most in layer 4, where 83 % of"));
}

TEST(DiagnosisTest, FindsDeadUnitsBeyondThoseThatChanceSilences) {
  // Examples that a deep layer cannot tell apart: each unit is silent for all or active for all.
  EXPECT_THAT(Case(6, 1, 1).with_slopes(2, 55, 45).diagnosed().findings,
              ElementsAre(Finding::healthy));
  // An excess of 42 of 100: four standard deviations of 100 coins are 40.
  const Diagnosis dead = Case(6, 1, 1).with_slopes(2, 71, 29).diagnosed();
  EXPECT_THAT(dead.findings, ElementsAre(Finding::dead_units));
  EXPECT_EQ(dead.text,
            "dead units: in 1 layer, most in layer 3, where 71 of 100 units have slope zero for "
            "every example of the first batch and 29 for none; chance alone makes about as many of "
            "one kind as of the other");
  EXPECT_THAT(Case(6, 1, 1).with_slopes(2, 69, 31).diagnosed().findings,
              ElementsAre(Finding::healthy));
  // 60 of 1000 are beyond chance, 4 sqrt(60) = 31, and yet too few to matter.
  Case wide = Case(6, 1, 1).with_slopes(2, 60, 0);
  wide.state.units[2] = 1000;
  EXPECT_THAT(wide.diagnosed().findings, ElementsAre(Finding::healthy));
  wide.state.silent[2] = 110;
  EXPECT_THAT(wide.diagnosed().findings, ElementsAre(Finding::dead_units));
}

TEST(DiagnosisTest, TellsTheWorstFirstAndTheOthersBehind) {
  Case bad = Case(11, 0.24, 0.236).with_slopes(0, 90, 0);
  bad.state.saturated[5] = 0.9;
  const Diagnosis diagnosis = bad.diagnosed();
  EXPECT_THAT(diagnosis.findings, ElementsAre(Finding::saturated, Finding::dead_units,
                                              Finding::vanishing_as_predicted));
  EXPECT_EQ(chief_finding(diagnosis.text), "saturated");
  EXPECT_THAT(diagnosis.text, HasSubstr(". Also dead units: "));
  Case worse(11, 0.24, 1);
  worse.state.saturated[5] = 0.9;
  EXPECT_THAT(worse.diagnosed().findings,
              ElementsAre(Finding::vanishing_against_theory, Finding::saturated));
}

TEST(DeviationsTest, CountStandardDeviationsOfTheLogarithm) {
  // ln |delta|^2 is N(m, s^2) with m = -2 and s = 0.5: the band's edges are exp((m -+ 1.96 s) / 2).
  constexpr double kQuantile = 1.959963984540054;
  const double low = std::exp((-2 - kQuantile * 0.5) / 2);
  const double high = std::exp((-2 + kQuantile * 0.5) / 2);
  const std::vector<double> measured = {std::exp(-1.0), std::exp((-2 + 3 * 0.5) / 2), low, 7, 7};
  const std::vector<double> rms(5, 1.0);
  const std::vector<double> z =
      deviations(measured, {rms, std::vector<double>{low, low, low, 7, kNaN},
                            std::vector<double>{high, high, high, 7, kNaN}});
  constexpr double kRounding = 1e-13;  // some tens of operations on numbers of order 1
  EXPECT_NEAR(z[0], 0, kRounding);
  EXPECT_NEAR(z[1], 3, kRounding);
  EXPECT_NEAR(z[2], -kQuantile, kRounding);
  EXPECT_TRUE(std::isnan(z[3]));
  EXPECT_TRUE(std::isnan(z[4]));
}

}  // namespace
}  // namespace plumbline
