//! ln(1 + x), by the method of FreeBSD's msun (Sun Microsystems, 1993: free to use where this notice is kept), with the sums of
//! the polynomial in the order that glibc has where there is a fused multiply-add: 1 + x = 2^k (1 + f), ln(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f).

const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const P1: f64 = f64::from_bits(0x3fe5_5555_5555_5593);
const P2: f64 = f64::from_bits(0x3fd9_9999_9997_fa04);
const P3: f64 = f64::from_bits(0x3fd2_4924_9422_9359);
const P4: f64 = f64::from_bits(0x3fcc_71c5_1d8e_78af);
const P5: f64 = f64::from_bits(0x3fc7_4664_96cb_03de);
const P6: f64 = f64::from_bits(0x3fc3_9a09_d078_c69f);
const P7: f64 = f64::from_bits(0x3fc2_f112_df3e_5244);

const HIGH_OF_1: i32 = 0x3ff0_0000;
/// High halves of the bits of sqrt(2) - 1, 2^-29 and 2^53, and of the fraction of sqrt(2).
const HIGH_OF_SMALL: i32 = 0x3fda_827a;
const HIGH_OF_TINY: i32 = 0x3e20_0000;
const HIGH_OF_EXACT: i32 = 0x4340_0000;
const FRACTION_OF_ROOT_2: i32 = 0x0006_a09e;
const FRACTION: i32 = 0x000f_ffff;

/// ln(1 + x).
pub fn log1p(x: f64) -> f64 {
    if x.is_nan() || x < -1.0 {
        return f64::NAN;
    }
    if x == -1.0 || x.is_infinite() {
        return if x > 0.0 { x } else { f64::NEG_INFINITY };
    }
    let high = high_half(x);
    if high & i32::MAX < HIGH_OF_TINY {
        return x - x * x * 0.5;
    }
    let is_near_0 = (high > 0 && high < HIGH_OF_SMALL) || (x < 0.0 && high <= 0xbfd2_bec3_u32 as i32);
    let (k, f, c, fraction) = if is_near_0 { (0.0, x, 0.0, 1) } else { scaled(x, high) };
    let half_square = 0.5 * f * f;
    if fraction == 0 {
        return near_power_of_2(k, f, c, half_square);
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let (z2, r2, r3, r4) = (z * z, z.mul_add(P3, P2), z.mul_add(P5, P4), z.mul_add(P7, P6));
    let z4 = z2 * z2;
    let r = (z2 * z4).mul_add(r4, z4.mul_add(r3, z.mul_add(P1, z2 * r2)));
    let rest = s * (half_square + r);
    if k == 0.0 {
        f - (half_square - rest)
    } else {
        k.mul_add(LN2_HIGH, -((half_square - (rest + k.mul_add(LN2_LOW, c))) - f))
    }
}

/// 1 + x as 2^k (1 + f), with what the rounding of 1 + x took away, and the fraction that f is made of.
fn scaled(x: f64, high: i32) -> (f64, f64, f64, i32) {
    let (sum, is_exact) = if high < HIGH_OF_EXACT { (1.0 + x, false) } else { (x, true) };
    let high = high_half(sum);
    let mut k = (high >> 20) - 1023;
    let lost = if is_exact {
        0.0
    } else if k > 0 {
        (1.0 - (sum - x)) / sum
    } else {
        (x - (sum - 1.0)) / sum
    };
    let fraction = high & FRACTION;
    if fraction < FRACTION_OF_ROOT_2 {
        return (f64::from(k), with_high_half(sum, fraction | HIGH_OF_1) - 1.0, lost, fraction);
    }
    k += 1;
    let half = with_high_half(sum, fraction | (HIGH_OF_1 - 0x10_0000));
    (f64::from(k), half - 1.0, lost, (0x10_0000 - fraction) >> 2)
}

/// Where |f| is below 2^-20.
fn near_power_of_2(k: f64, f: f64, c: f64, half_square: f64) -> f64 {
    if f == 0.0 {
        return k.mul_add(LN2_HIGH, k.mul_add(LN2_LOW, c));
    }
    let r = half_square * f.mul_add(-2.0 / 3.0, 1.0);
    if k == 0.0 { f - r } else { k.mul_add(LN2_HIGH, -((r - k.mul_add(LN2_LOW, c)) - f)) }
}

fn high_half(x: f64) -> i32 {
    (x.to_bits() >> 32) as i32
}

fn with_high_half(x: f64, high: i32) -> f64 {
    f64::from_bits((x.to_bits() & 0xffff_ffff) | ((high as u32 as u64) << 32))
}
