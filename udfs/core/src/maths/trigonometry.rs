//! Sine, cosine and arc sine of the angles between points of a sphere, nearly always the double nearest to the true value:
//! sin(a + b) with the sine and cosine of a = i/64 from a table, and a short series for what is left.

use super::angles::ANGLES;

const STEPS: f64 = 64.0;
/// Beyond the table (a bit more than pi) the functions are those of libm.
const GREATEST: f64 = 3.2;
/// So near to 1 the arc sine's slope is too steep to improve on it.
const STEEP: f64 = 1.0 - 1e-6;

/// A number as the double nearest to it, and what that leaves.
struct Exact {
    near: f64,
    rest: f64,
}

impl Exact {
    fn rounded(&self) -> f64 {
        self.near + self.rest
    }
}

/// Sine of an angle in radians.
pub fn sin(x: f64) -> f64 {
    if x.abs() > GREATEST || x.is_nan() {
        return libm::sin(x);
    }
    let sine = exact_sin(x.abs()).rounded();
    if x.is_sign_negative() { -sine } else { sine }
}

/// Cosine of an angle in radians.
pub fn cos(x: f64) -> f64 {
    if x.abs() > GREATEST || x.is_nan() {
        return libm::cos(x);
    }
    let ([sine, sine_rest, cosine, cosine_rest], [b, sine_less_b, cosine_less_1]) = parts(x.abs());
    let product = -sine * b;
    let lost = (-sine).mul_add(b, -product);
    let small = lost - sine_rest * b - sine * sine_less_b + cosine * cosine_less_1 + cosine_rest;
    sum(cosine, product, small).rounded()
}

/// The angle in radians whose sine is x.
pub fn asin(x: f64) -> f64 {
    let near = libm::asin(x);
    if near == 0.0 || near.is_nan() || x.abs() > STEEP {
        return near;
    }
    let sine = exact_sin(near.abs());
    let missing = (x.abs() - sine.near) - sine.rest;
    (near.abs() + missing / libm::cos(near)).copysign(x)
}

/// Of an angle from 0 to GREATEST.
fn exact_sin(x: f64) -> Exact {
    let ([sine, sine_rest, cosine, cosine_rest], [b, sine_less_b, cosine_less_1]) = parts(x);
    let product = cosine * b;
    let lost = cosine.mul_add(b, -product);
    let small = lost + cosine_rest * b + cosine * sine_less_b + sine * cosine_less_1 + sine_rest;
    sum(sine, product, small)
}

/// The table's numbers of the nearest step; what is left of the angle (b), sin(b) - b and cos(b) - 1.
fn parts(x: f64) -> ([f64; 4], [f64; 3]) {
    let step = (x * STEPS).round_ties_even();
    let b = x - step / STEPS;
    let square = b * b;
    let sine_less_b = b * square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square * (1.0 / 5040.0)));
    let cosine_less_1 = square * (-0.5 + square * (1.0 / 24.0 - square * (1.0 / 720.0)));
    let angle = ANGLES.get(step as usize).copied().unwrap_or(ANGLES[0]);
    (angle.map(f64::from_bits), [b, sine_less_b, cosine_less_1])
}

/// great + less + small, of which `great` is the greatest, or 0.
fn sum(great: f64, less: f64, small: f64) -> Exact {
    let near = great + less;
    let back = near - great;
    let rest = (great - (near - back)) + (less - back) + small;
    Exact { near, rest }
}
