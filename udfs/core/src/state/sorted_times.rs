//! Searching sorted times from their end: what is asked for is mostly recent, and so is what the cache holds.

/// The position of the first of the sorted times that is later than `moment`.
pub fn first_after(times: &[i64], moment: i64) -> usize {
    let mut after = times.len();
    let mut step = 1;
    let mut low = 0;
    while after > 0 {
        let at = after.saturating_sub(step);
        if times[at] <= moment {
            low = at + 1;
            break;
        }
        after = at;
        step *= 2;
    }
    low + times[low..after].partition_point(|time| *time <= moment)
}

/// Insert a time behind those that are equal.
pub fn insert_time(times: &mut Vec<i64>, moment: i64) {
    let at = first_after(times, moment);
    times.insert(at, moment);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(mut times in prop::collection::vec(0i64..50, 0..60), moment in -1i64..51) {
            times.sort_unstable();
            prop_assert_eq!(first_after(&times, moment), times.partition_point(|time| *time <= moment));
        }
    }
}
