//! Sums by the hour in a few bytes each: most users pay in a small part of all hours, and each of these is kept for months.
//!
//! Of each hour, ascending: hours since the one before, payments, and their sum, each in groups of 7 bits.

use crate::prefetch;
use crate::state::memory::vec_bytes;

/// Greater sums stay here.
const GREATEST_STORED: u64 = i64::MAX as u64;
/// The most bytes of an hour: a distance and a count of 32 bits, a sum of 64.
const LONGEST: usize = 5 + 5 + 10;

/// The payments of one hour; `minor` is the sum of their amounts in minor units of the base currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Hours since the epoch.
    pub hour: i32,
    pub count: u32,
    pub minor: u64,
}

impl Hour {
    /// With one payment more.
    pub fn with(self, minor: u64) -> Self {
        let minor = self.minor.saturating_add(minor).min(GREATEST_STORED);
        Self { count: self.count.saturating_add(1), minor, ..self }
    }
}

/// Hours with payments, ascending.
#[derive(Clone, Debug)]
pub struct PackedHours {
    bytes: Vec<u8>,
    /// The hour that the first one's distance is from.
    before: i32,
    /// The last hour, or `before`.
    last: i32,
}

/// One hour, and where its bytes begin and end.
struct Place {
    start: usize,
    end: usize,
    hour: Hour,
}

/// Reads hours one after the other.
struct Places<'a> {
    bytes: &'a [u8],
    at: usize,
    before: i32,
}

impl Default for PackedHours {
    fn default() -> Self {
        Self { bytes: Vec::new(), before: i32::MIN, last: i32::MIN }
    }
}

impl PackedHours {
    /// Ask for the memory that the next hour goes to.
    pub fn prefetch(&self) {
        prefetch::element(&self.bytes, self.bytes.len().wrapping_sub(1));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Hour> {
        self.places().map(|place| place.hour)
    }

    /// Add one behind the last.
    pub fn push(&mut self, hour: Hour) {
        if self.bytes.capacity() - self.bytes.len() < LONGEST {
            // Less room to spare than doubling leaves: most users are quiet.
            self.bytes.reserve_exact(self.bytes.len() / 4 + LONGEST);
        }
        write(self.last, hour, &mut self.bytes);
        self.last = hour.hour;
    }

    /// Count a payment in its hour. One of an hour before those that were dropped is none.
    pub fn count(&mut self, hour: i32, minor: u64) {
        let counted = Hour { hour, count: 0, minor: 0 }.with(minor);
        if hour > self.last {
            return self.push(counted);
        }
        let mut before = self.before;
        for Place { start, end, hour: known } in self.places() {
            if known.hour < hour {
                before = known.hour;
                continue;
            }
            if before < hour {
                let mut bytes = Vec::with_capacity(2 * LONGEST);
                if known.hour == hour {
                    write(before, known.with(minor), &mut bytes);
                } else {
                    write(before, counted, &mut bytes);
                    write(hour, known, &mut bytes);
                }
                self.bytes.splice(start..end, bytes);
            }
            return;
        }
    }

    /// Drop all before an hour.
    pub fn drop_before(&mut self, hour: i32) {
        let Some(last) = self.places().take_while(|place| place.hour.hour < hour).last() else { return };
        self.bytes.drain(..last.end);
        self.before = last.hour.hour;
    }

    /// Bytes of memory behind this struct, about.
    pub fn heap_bytes(&self) -> usize {
        vec_bytes(&self.bytes)
    }

    fn places(&self) -> Places<'_> {
        Places { bytes: &self.bytes, at: 0, before: self.before }
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    #[inline]
    fn next(&mut self) -> Option<Place> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let distance = read(self.bytes, &mut self.at);
        let (count, minor) = (read(self.bytes, &mut self.at), read(self.bytes, &mut self.at));
        self.before = (i64::from(self.before) + distance as i64) as i32;
        Some(Place { start, end: self.at, hour: Hour { hour: self.before, count: count as u32, minor } })
    }
}

fn write(before: i32, hour: Hour, out: &mut Vec<u8>) {
    let distance = i64::from(hour.hour) - i64::from(before);
    for mut rest in [distance as u64, hour.count.into(), hour.minor] {
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
}

#[inline]
fn read(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0u64, 0);
    while let Some(&byte) = bytes.get(*at) {
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 || shift > 63 {
            break;
        }
    }
    value
}
