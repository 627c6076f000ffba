//! Great-circle distance.

use crate::maths::{asin, cos, sin};

const RADIANS: f64 = std::f64::consts::PI / 180.0;
/// Twice the mean radius of 6371.0088 km (IUGG).
const EARTH_DIAMETER_KM: f64 = 12742.0176;

/// Distance in km between two points (latitude, longitude) in degrees, by the haversine formula on a sphere.
pub fn distance_km(from: (f64, f64), to: (f64, f64)) -> f64 {
    if from == to {
        return 0.0;
    }
    let (here, there) = (from.0 * RADIANS, to.0 * RADIANS);
    let north = sin((there - here) / 2.0);
    let east = sin((to.1 - from.1) * RADIANS / 2.0);
    let half_chord_squared = north * north + cos(here) * cos(there) * (east * east);
    EARTH_DIAMETER_KM * asin(half_chord_squared.min(1.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::distance_km;

    #[test]
    fn distances_between_cities_are_known() {
        let (berlin, sydney) = ((52.52, 13.405), (-33.8688, 151.2093));
        assert!((distance_km(berlin, sydney) - 16_089.0).abs() < 20.0);
        assert_eq!(distance_km(berlin, berlin), 0.0);
        assert!((distance_km((0.0, 0.0), (0.0, 180.0)) - 20_015.1).abs() < 0.1);
    }
}
