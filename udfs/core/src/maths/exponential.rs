//! e to the power of x, by the method of ARM's optimized routines (MIT licence), as glibc has it where there is a fused
//! multiply-add: exp(x) = 2^(k/128) exp(r), with exp(r) by a polynomial of degree 5.

use super::powers_of_2::POWERS_OF_2;

const STEPS: f64 = 128.0;
const STEPS_PER_UNIT: f64 = std::f64::consts::LOG2_E * STEPS;
const UNIT_HIGH: f64 = -f64::from_bits(0x3f76_2e42_fefa_0000);
const UNIT_LOW: f64 = -f64::from_bits(0x3d0c_f79a_bc9e_3b39);
const TO_INTEGER: f64 = f64::from_bits(0x4338_0000_0000_0000);
const C2: f64 = f64::from_bits(0x3fdf_ffff_ffff_fdbd);
const C3: f64 = f64::from_bits(0x3fc5_5555_5555_543c);
const C4: f64 = f64::from_bits(0x3fa5_5555_cf17_2b91);
const C5: f64 = f64::from_bits(0x3f81_1111_67a4_d017);
/// Within these the result is neither infinite nor too small for its exponent.
const LEAST: f64 = -700.0;
const GREATEST: f64 = 709.0;

/// e to the power of x. Outside -700 to 709 the result is 0, or infinite.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > GREATEST {
        return f64::INFINITY;
    }
    if x < LEAST {
        return 0.0;
    }
    let shifted = STEPS_PER_UNIT.mul_add(x, TO_INTEGER);
    let bits = shifted.to_bits();
    let steps = shifted - TO_INTEGER;
    let r = steps.mul_add(UNIT_LOW, steps.mul_add(UNIT_HIGH, x));
    let (rest, power) = POWERS_OF_2[(bits % 128) as usize];
    let scale = f64::from_bits(power.wrapping_add(bits << 45));
    let r2 = r * r;
    let low = r.mul_add(C3, C2);
    let high = r.mul_add(C5, C4);
    let tail = (r2 * r2).mul_add(high, r2.mul_add(low, f64::from_bits(rest) + r));
    scale.mul_add(tail, scale)
}
