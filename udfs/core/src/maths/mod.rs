//! Functions whose last digit differs from one C library to another, pinned: features are the same on every machine, and
//! those that earlier versions made in Python with glibc 2.36 (but for a last digit of a sine, cosine or arc sine in many).

mod angles;
mod exponential;
mod logarithm;
mod powers_of_2;
mod trigonometry;

pub use exponential::exp;
pub use logarithm::log1p;
pub use trigonometry::{asin, cos, sin};

/// Sines of 2 pi hour / 24.
#[rustfmt::skip]
#[allow(clippy::approx_constant)] // the last digit is that of the function, not of the constant
pub const SINE_OF_HOUR: [f64; 24] = [
    0.0, 0.25881904510252074, 0.49999999999999994, 0.7071067811865475, 0.8660254037844386, 0.9659258262890683, 1.0,
    0.9659258262890683, 0.8660254037844387, 0.7071067811865476, 0.49999999999999994, 0.258819045102521,
    1.2246467991473532e-16, -0.2588190451025208, -0.4999999999999997, -0.7071067811865471, -0.8660254037844384,
    -0.9659258262890683, -1.0, -0.9659258262890684, -0.8660254037844386, -0.7071067811865477, -0.5000000000000004,
    -0.25881904510252157,
];

/// Cosines of 2 pi hour / 24.
#[rustfmt::skip]
#[allow(clippy::approx_constant)] // the last digit is that of the function, not of the constant
pub const COSINE_OF_HOUR: [f64; 24] = [
    1.0, 0.9659258262890683, 0.8660254037844387, 0.7071067811865476, 0.5000000000000001, 0.25881904510252074,
    6.123233995736766e-17, -0.25881904510252063, -0.4999999999999998, -0.7071067811865475, -0.8660254037844387,
    -0.9659258262890682, -1.0, -0.9659258262890683, -0.8660254037844388, -0.7071067811865479, -0.5000000000000004,
    -0.25881904510252063, -1.8369701987210297e-16, 0.2588190451025203, 0.5000000000000001, 0.7071067811865474,
    0.8660254037844384, 0.9659258262890681,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn log1p_is_that_of_the_c_library_within_a_last_digit(x in 0f64..1e13, small in 0f64..2.0) {
            for x in [x, small, small / x] {
                let (ours, theirs) = (log1p(x), x.ln_1p());
                prop_assert!(ours.to_bits().abs_diff(theirs.to_bits()) <= 1, "{} {} {}", x, ours, theirs);
            }
        }

        #[test]
        fn sines_are_those_of_the_c_library_within_a_last_digit(x in -4f64..4.0, share in -1f64..1.0) {
            for (ours, theirs) in [(sin(x), x.sin()), (cos(x), x.cos()), (asin(share), share.asin())] {
                prop_assert!((ours - theirs).abs() <= 1.2e-16 * theirs.abs().max(1e-3) * 2.0, "{} {} {} {}", x, share, ours, theirs);
            }
        }

        #[test]
        fn exp_is_that_of_the_c_library_within_a_last_digit(x in -40f64..700.0) {
            let (ours, theirs) = (exp(x), x.exp());
            prop_assert!(ours.to_bits().abs_diff(theirs.to_bits()) <= 1, "{} {} {}", x, ours, theirs);
        }
    }

    #[test]
    fn ends_of_the_ranges_are_what_they_are() {
        assert_eq!((exp(0.0), exp(800.0), exp(-800.0)), (1.0, f64::INFINITY, 0.0));
        assert_eq!((log1p(0.0), log1p(f64::INFINITY), log1p(-1.0)), (0.0, f64::INFINITY, f64::NEG_INFINITY));
        assert!(sin(f64::NAN).is_nan() && cos(f64::INFINITY).is_nan() && asin(2.0).is_nan());
        assert_eq!((sin(0.0), cos(0.0), asin(1.0)), (0.0, 1.0, std::f64::consts::FRAC_PI_2));
        assert!(exp(f64::NAN).is_nan() && log1p(f64::NAN).is_nan() && log1p(-2.0).is_nan());
    }
}
