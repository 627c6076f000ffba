//! Products of 128-bit integers: a variance is the difference of two of them, exact before it becomes a float.

/// An unsigned 256-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    pub const ZERO: Self = Self { high: 0, low: 0 };

    /// The exact product.
    pub fn product(left: u128, right: u128) -> Self {
        const HALF: u128 = u64::MAX as u128;
        let (a, b) = (left >> 64, left & HALF);
        let (c, d) = (right >> 64, right & HALF);
        let low = b * d;
        // No overflow: each is at most (2^64 - 1)^2, which leaves room for two more halves.
        let middle = a * d + (low >> 64);
        let (middle, carry) = middle.overflowing_add(b * c);
        Self { high: a * c + (middle >> 64) + (u128::from(carry) << 64), low: (middle << 64) | (low & HALF) }
    }

    /// The difference, 0 where it would be negative.
    pub fn less(self, other: Self) -> Self {
        if self <= other {
            return Self::ZERO;
        }
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    /// The nearest float, ties to even, as Python makes one of an integer.
    pub fn to_f64(self) -> f64 {
        if self.high == 0 {
            return self.low as f64;
        }
        let shift = 128 - self.high.leading_zeros();
        // The 128 highest bits; any bit below them only says on which side of a tie the number lies.
        let (top, lost) = if shift == 128 {
            (self.high, self.low != 0)
        } else {
            ((self.high << (128 - shift)) | (self.low >> shift), self.low << (128 - shift) != 0)
        };
        (top | u128::from(lost)) as f64 * 2f64.powi(shift as i32)
    }

    /// Quotient and remainder. `divisor` must not be 0.
    pub fn divided(self, divisor: u64) -> (Self, u64) {
        let divisor = u128::from(divisor.max(1));
        let mut rest = 0u128;
        let mut digits = [0u128; 4];
        let parts =
            [self.high >> 64, self.high & u128::from(u64::MAX), self.low >> 64, self.low & u128::from(u64::MAX)];
        for (digit, part) in digits.iter_mut().zip(parts) {
            let value = (rest << 64) | part;
            *digit = value / divisor;
            rest = value % divisor;
        }
        (Self { high: (digits[0] << 64) | digits[1], low: (digits[2] << 64) | digits[3] }, rest as u64)
    }

    /// The number, where 128 bits hold it.
    pub fn to_u128(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    /// One more.
    pub fn plus_one(self) -> Self {
        let (low, carry) = self.low.overflowing_add(1);
        Self { high: self.high.wrapping_add(u128::from(carry)), low }
    }
}

/// The float nearest to a quotient of integers, as Python divides them; NaN for a divisor of 0.
pub fn ratio(numerator: u128, divisor: u128) -> f64 {
    const EXACT: u128 = 1 << 53;
    if divisor == 0 {
        return f64::NAN;
    }
    if numerator <= EXACT && divisor <= EXACT {
        return numerator as f64 / divisor as f64; // both are exact: one rounding
    }
    if numerator == 0 {
        return 0.0;
    }
    // More bits than a float has; what is left after them only says on which side of a tie the quotient lies.
    let (mut quotient, mut rest, mut shift) = (numerator / divisor, numerator % divisor, 0);
    while quotient < 1 << 60 {
        let carries = rest >> 127 == 1;
        rest <<= 1;
        quotient <<= 1;
        if carries || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
        shift += 1;
    }
    (quotient | u128::from(rest != 0)) as f64 * 2f64.powi(-shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn product_of_small_numbers_is_that_of_128_bits(left: u64, right: u64) {
            let product = u128::from(left) * u128::from(right);
            prop_assert_eq!(Wide::product(left.into(), right.into()).to_u128(), Some(product));
        }

        #[test]
        fn dividing_a_product_gives_the_other_factor(left: u128, right in 1u64..) {
            let (quotient, rest) = Wide::product(left, right.into()).divided(right);
            prop_assert_eq!((quotient.to_u128(), rest), (Some(left), 0));
        }

        #[test]
        fn product_is_commutative_and_near_the_float_one(left: u128, right: u128) {
            let product = Wide::product(left, right);
            prop_assert_eq!(product, Wide::product(right, left));
            let float = left as f64 * right as f64;
            prop_assert!((product.to_f64() - float).abs() <= float * 1e-15);
        }
    }

    proptest! {
        #[test]
        fn a_ratio_of_exact_numbers_is_the_float_one(numerator in 0u128..1 << 53, divisor in 1u128..1 << 53, shift in 0u32..70) {
            prop_assert_eq!(ratio(numerator << shift, divisor << shift), numerator as f64 / divisor as f64);
        }
    }

    #[test]
    fn rounds_to_the_nearest_float_with_ties_to_even() {
        let exact = Wide { high: 1, low: 0 };
        assert_eq!(exact.to_f64(), 2f64.powi(128));
        let tie = Wide { high: (1 << 53) + 1, low: 0 };
        assert_eq!(tie.to_f64(), ((1u64 << 53) as f64) * 2f64.powi(128));
        let above = Wide { high: (1 << 53) + 1, low: 1 };
        assert_eq!(above.to_f64(), (((1u64 << 53) + 2) as f64) * 2f64.powi(128));
    }

    #[test]
    fn less_is_never_negative() {
        let (small, great) = (Wide { high: 1, low: 5 }, Wide { high: 2, low: 3 });
        assert_eq!(small.less(great), Wide::ZERO);
        assert_eq!(great.less(small), Wide { high: 0, low: u128::MAX - 1 });
    }
}
