//! Functions of float32 values.

use crate::maths;

/// Below this asinh is a polynomial, above `LARGE` the logarithm of twice the value.
const SMALL: f32 = 0.5;
const LARGE: f32 = 1500.0;
/// ln(2) in two parts.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
const FRACTION: u32 = 0x007f_ffff;
const EXPONENT_BITS: u32 = 23;
/// Moves the fraction's range to sqrt(1/2) until sqrt(2).
const BITS_OF_ROOT_OF_HALF: u32 = 0x3f35_04f3;

/// The inverse hyperbolic sine, by the polynomials of Cephes' asinhf and logf (Stephen Moshier); the error is at most about
/// two units in the last place. Without branches, so that a loop of it is compiled to vector instructions.
#[inline(always)]
pub fn asinh(x: f32) -> f32 {
    let size = x.abs();
    let square = size * size;
    let near_0 = ((2.012_200_3e-2 * square - 4.269_934e-2) * square + 7.484_759e-2) * square - 1.666_628_8e-1;
    let near_0 = near_0 * square * size + size;
    let root = size + (square + 1.0).sqrt();
    let is_large = size > LARGE;
    let log = log_of_normal(if is_large { size } else { root });
    let log = if is_large { log + std::f32::consts::LN_2 } else { log };
    let value = if size < SMALL { near_0 } else { log };
    // Infinite and unknown values stay what they are.
    if size < f32::INFINITY { value.copysign(x) } else { x }
}

/// The natural logarithm of a normal positive number.
#[inline(always)]
fn log_of_normal(x: f32) -> f32 {
    let bits = x.to_bits().wrapping_sub(BITS_OF_ROOT_OF_HALF);
    let exponent = (bits as i32 >> EXPONENT_BITS) as f32;
    let m = f32::from_bits((bits & FRACTION).wrapping_add(BITS_OF_ROOT_OF_HALF)) - 1.0;
    let square = m * m;
    let mut y = 7.037_684e-2 * m - 1.151_461e-1;
    y = y * m + 1.167_699_9e-1;
    y = y * m - 1.242_014_1e-1;
    y = y * m + 1.424_932_3e-1;
    y = y * m - 1.666_805_8e-1;
    y = y * m + 2.000_071_5e-1;
    y = y * m - 2.499_999_4e-1;
    y = y * m + 3.333_333e-1;
    let y = y * m * square + exponent * LN_2_LOW - 0.5 * square;
    m + y + exponent * LN_2_HIGH
}

pub fn log(x: f32) -> f32 {
    libm::log(f64::from(x)) as f32
}

pub fn exp(x: f32) -> f32 {
    maths::exp(f64::from(x)) as f32
}

/// 1 / (1 + exp(-x)).
pub fn sigmoid(x: f32) -> f32 {
    (1.0 / (1.0 + maths::exp(-f64::from(x)))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// In units of the last place of the true value.
    fn error_of(x: f32) -> f64 {
        let truth = f64::from(x).asinh();
        let rounded = truth as f32;
        let unit = f64::from(f32::from_bits(rounded.abs().to_bits() + 1)) - f64::from(rounded.abs());
        (f64::from(asinh(x)) - truth).abs() / unit
    }

    #[test]
    fn asinh_of_special_values() {
        assert_eq!(asinh(0.0).to_bits(), 0.0f32.to_bits());
        assert_eq!(asinh(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!(asinh(f32::INFINITY), f32::INFINITY);
        assert_eq!(asinh(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert!(asinh(f32::NAN).is_nan());
        assert!((asinh(f32::MAX) - 89.415_985).abs() < 1e-5);
    }

    #[test]
    fn asinh_over_the_whole_range() {
        let mut worst = 0.0f64;
        for bits in (1..f32::INFINITY.to_bits()).step_by(1009) {
            worst = worst.max(error_of(f32::from_bits(bits)));
        }
        assert!(worst < 3.0, "{worst} units in the last place");
    }

    proptest! {
        #[test]
        fn asinh_is_odd(x: f32) {
            prop_assert_eq!(asinh(-x).to_bits(), (-asinh(x)).to_bits());
        }

        #[test]
        fn sigmoid_is_a_probability(x in -1e4f32..1e4) {
            prop_assert!((0.0..=1.0).contains(&sigmoid(x)));
            prop_assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-f64::from(x)).exp())).abs() < 1e-7);
        }
    }
}
