//! Local wall-clock time of a moment, by IANA timezone. The offsets come from outside (Python's zoneinfo), once a zone and
//! day: the core has no timezone database that could disagree with it.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::time_units::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Since 2012 every zone's offset has changed at a quarter of an hour.
const SLOT_MS: i64 = 15 * MINUTE_MS;
const MAX_CACHED: usize = 100_000;
/// 1970-01-01 was a Thursday; Monday is 0.
const EPOCH_WEEKDAY: i64 = 3;

/// Where offsets come from.
pub trait Zones {
    /// Milliseconds that a zone's clocks are ahead of UTC at a moment; a name that is no zone counts as the default zone.
    ///
    /// Raises a text for what went wrong.
    fn offset_ms(&self, zone: &str, time_ms: i64) -> Result<i64, String>;
}

/// A whole day (UTC) has one offset, or it changes within it.
#[derive(Clone, Copy, Debug)]
enum OffsetOfDay {
    Constant(i64),
    Changes,
}

/// Hour and weekday by timezone.
#[derive(Debug)]
pub struct LocalTime {
    default_zone: Arc<str>,
    by_day: HashMap<(Arc<str>, i64), OffsetOfDay>,
    by_slot: HashMap<(Arc<str>, i64), i64>,
}

impl LocalTime {
    /// `default_zone` counts where a profile names none.
    pub fn new(default_zone: &str) -> Self {
        Self { default_zone: default_zone.into(), by_day: HashMap::new(), by_slot: HashMap::new() }
    }

    /// Local hour 0 to 23 and weekday 0 (Monday) to 6. Raises what `zones` raises.
    pub fn hour_and_weekday(
        &mut self,
        time_ms: i64,
        zone: Option<&Arc<str>>,
        zones: &dyn Zones,
    ) -> Result<(u32, u32), String> {
        let zone = zone.filter(|zone| !zone.is_empty()).unwrap_or(&self.default_zone).clone();
        let local_ms = if &*zone == "UTC" { time_ms } else { time_ms + self.offset_ms(zone, time_ms, zones)? };
        let hour = local_ms.div_euclid(HOUR_MS).rem_euclid(24);
        let weekday = (local_ms.div_euclid(DAY_MS) + EPOCH_WEEKDAY).rem_euclid(7);
        Ok((hour as u32, weekday as u32))
    }

    fn offset_ms(&mut self, zone: Arc<str>, time_ms: i64, zones: &dyn Zones) -> Result<i64, String> {
        let day = (zone, time_ms.div_euclid(DAY_MS));
        let of_day = match self.by_day.get(&day) {
            Some(known) => *known,
            None => {
                let found = offset_of_day(&day.0, day.1 * DAY_MS, zones)?;
                remember(&mut self.by_day, day.clone(), found)
            }
        };
        let OffsetOfDay::Changes = of_day else {
            return Ok(if let OffsetOfDay::Constant(offset_ms) = of_day { offset_ms } else { 0 });
        };
        let slot = (day.0, time_ms.div_euclid(SLOT_MS));
        if let Some(known) = self.by_slot.get(&slot) {
            return Ok(*known);
        }
        let offset_ms = zones.offset_ms(&slot.0, time_ms)?;
        Ok(remember(&mut self.by_slot, slot, offset_ms))
    }
}

/// If the offset is the same at midnight, noon and the next midnight, nothing changes between: since 2012 no zone has
/// changed and changed back within 12 hours.
fn offset_of_day(zone: &str, midnight_ms: i64, zones: &dyn Zones) -> Result<OffsetOfDay, String> {
    let first = zones.offset_ms(zone, midnight_ms)?;
    for moment_ms in [midnight_ms + DAY_MS / 2, midnight_ms + DAY_MS] {
        if zones.offset_ms(zone, moment_ms)? != first {
            return Ok(OffsetOfDay::Changes);
        }
    }
    Ok(OffsetOfDay::Constant(first))
}

fn remember<T: Copy>(offsets: &mut HashMap<(Arc<str>, i64), T>, key: (Arc<str>, i64), offset: T) -> T {
    if offsets.len() >= MAX_CACHED {
        offsets.clear();
    }
    offsets.insert(key, offset);
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One hour ahead, two hours from 01:00 of the epoch's first day on.
    struct Summer;

    impl Zones for Summer {
        fn offset_ms(&self, _: &str, time_ms: i64) -> Result<i64, String> {
            Ok(if time_ms >= HOUR_MS { 2 * HOUR_MS } else { HOUR_MS })
        }
    }

    #[test]
    fn an_offset_may_change_within_a_day() {
        let mut clock = LocalTime::new("Europe/Somewhere");
        let mut at = |time_ms| clock.hour_and_weekday(time_ms, None, &Summer).unwrap();
        assert_eq!(at(0), (1, 3));
        assert_eq!(at(HOUR_MS), (3, 3));
        assert_eq!(at(23 * HOUR_MS), (1, 4));
        assert_eq!(at(2 * DAY_MS), (2, 5));
    }

    #[test]
    fn utc_needs_no_zone() {
        let mut clock = LocalTime::new("UTC");
        assert_eq!(clock.hour_and_weekday(-1, None, &Summer), Ok((23, 2)));
    }
}
