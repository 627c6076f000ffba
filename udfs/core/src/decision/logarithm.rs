//! The natural logarithm, rounded correctly: computed with twice a float's digits, so that the result is the nearest float
//! on every machine (but for one in many millions that lies next to the middle between two).

use std::sync::LazyLock;

/// A number as the sum of two floats, the second less than half a unit in the last place of the first.
#[derive(Clone, Copy, Debug)]
struct Double {
    high: f64,
    low: f64,
}

/// 2^(k / STEPS) is looked up.
const STEPS: usize = 128;
const STEPS_BY_LN_2: f64 = 184.664_965_233_787_3;
/// ln 2 / STEPS in three parts; the first has so few digits that its product with any step is exact.
const STEP_FIRST: f64 = 0.005_415_212_348_452_769;
const STEP_SECOND: f64 = -3.281_964_900_532_097_3e-13;
const STEP_THIRD: f64 = -1.025_367_063_894_731e-29;
/// Of numbers whose logarithm is farther from 0 the steps below have too few digits.
const FARTHEST: f64 = 708.0;
/// So near to 1 the logarithm is a short series.
const NEAR_ONE: f64 = 1.0 / 128.0;

/// The natural logarithm of x, a normal number above 0. What is not one has the logarithm that any library gives.
pub fn ln(x: f64) -> f64 {
    if !x.is_normal() || x < 0.0 {
        return libm::log(x);
    }
    if (x - 1.0).abs() < NEAR_ONE {
        return ln_near_one(x - 1.0);
    }
    // One step of Newton's: with y near ln x, ln x = y + ln(x e^-y).
    let y = libm::log(x);
    if y.abs() >= FARTHEST {
        return y;
    }
    let (power, exponent) = exp_in_parts(-y);
    let x = x * power_of_two(exponent);
    let whole = product(x, power.high);
    let rest = (whole.high - 1.0) + whole.low + x * power.low;
    y + (rest - rest * rest / 2.0)
}

/// ln(1 + x) = x - x^2 / 2 + x^3 / 3 - …
fn ln_near_one(x: f64) -> f64 {
    let square = product(x, x);
    let mut rest = 0.0;
    for power in (3..=12).rev() {
        let sign = if power % 2 == 0 { -1.0 } else { 1.0 };
        rest = sign / f64::from(power) + x * rest;
    }
    let first = sum(x, -square.high / 2.0);
    first.high + (first.low - square.low / 2.0 + rest * (x * square.high))
}

/// e^x = (high + low) 2^exponent, for x between -FARTHEST and FARTHEST.
fn exp_in_parts(x: f64) -> (Double, i32) {
    let steps = (x * STEPS_BY_LN_2).round();
    let second = product(steps, STEP_SECOND);
    let near = sum(steps.mul_add(-STEP_FIRST, x), -second.high);
    let (high, low) = (near.high, near.low - second.low - steps * STEP_THIRD);
    // e^(high + low) - 1
    let square = product(high, high);
    let first = sum(high, square.high / 2.0);
    let series = 1.0 / 6.0 + high * (1.0 / 24.0 + high * (1.0 / 120.0 + high * (1.0 / 720.0 + high / 5040.0)));
    let rest = first.low + square.low / 2.0 + low + high * low + square.high * high * series;
    let steps = steps as i32;
    let known = POWERS[steps.rem_euclid(STEPS as i32) as usize];
    let more = product(known.high, first.high);
    let whole = sum(known.high, more.high);
    let below = whole.low + (more.low + (known.high * rest + known.low + known.low * first.high));
    (sum(whole.high, below), steps.div_euclid(STEPS as i32))
}

/// 2^(k / STEPS) for every k.
static POWERS: LazyLock<[Double; STEPS]> = LazyLock::new(|| {
    let mut step = Double { high: 2.0, low: 0.0 };
    for _ in 0..STEPS.ilog2() {
        step = square_root(step);
    }
    let mut powers = [Double { high: 1.0, low: 0.0 }; STEPS];
    for number in 1..STEPS {
        powers[number] = times(powers[number - 1], step);
    }
    powers
});

fn power_of_two(exponent: i32) -> f64 {
    // Of a normal number: `ln` stays away from others.
    f64::from_bits(((1023 + exponent.clamp(-1022, 1023)) as u64) << 52)
}

/// The exact sum of two floats.
fn sum(one: f64, other: f64) -> Double {
    let high = one + other;
    let part = high - one;
    Double { high, low: (one - (high - part)) + (other - part) }
}

/// The exact product of two floats.
fn product(one: f64, other: f64) -> Double {
    let high = one * other;
    Double { high, low: one.mul_add(other, -high) }
}

fn times(one: Double, other: Double) -> Double {
    let whole = product(one.high, other.high);
    sum(whole.high, whole.low + (one.high * other.low + one.low * other.high))
}

fn square_root(number: Double) -> Double {
    let high = number.high.sqrt();
    let square = product(high, high);
    sum(high, ((number.high - square.high) - square.low + number.low) / (2.0 * high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_the_nearest_floats() {
        // By Python's decimal with 60 digits.
        assert_eq!(ln(1.0), 0.0);
        for (x, logarithm) in [(2.0, std::f64::consts::LN_2), (0.1, -2.3025850929940455), (1e-12, -27.631021115928547)]
        {
            assert_eq!(ln(x), logarithm);
        }
    }

    #[test]
    fn what_is_far_away_is_what_the_library_says() {
        assert!(ln(f64::NAN).is_nan() && ln(-1.0).is_nan());
        assert_eq!((ln(0.0), ln(f64::INFINITY)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!((ln(1e-307) + 706.893623549172).abs() < 1e-10);
        assert!((ln(1e308) - 709.1962086421661).abs() < 1e-10);
    }
}
