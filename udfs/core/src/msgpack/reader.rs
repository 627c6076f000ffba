//! Reading MessagePack: a value at a time, never beyond the bytes, whatever they are.

use std::fmt;

/// The bytes are not what was expected, at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub expected: &'static str,
    pub at: usize,
    /// The layout that the bytes say they have, where this program knows none of this number.
    pub layout: Option<i64>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {} at byte {}", self.expected, self.at)?;
        match self.layout {
            Some(layout) => {
                write!(formatter, ", not layout {layout}: it was written by a later version of the program")
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for Malformed {}

type Read<T> = Result<T, Malformed>;

/// Deeper values than this are refused, not followed.
const DEEPEST: usize = 32;

/// A position in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the first of the bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Are all bytes read?
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Raises `Malformed` if anything is left.
    pub fn end(&self) -> Read<()> {
        if self.is_at_end() { Ok(()) } else { Err(self.malformed("the end")) }
    }

    /// How many elements of an array follow. Never more than bytes are left.
    pub fn array(&mut self) -> Read<usize> {
        let before = *self;
        let length = match self.byte()? {
            tag @ 0x90..=0x9f => usize::from(tag & 0x0f),
            0xdc => self.number(2)? as usize,
            0xdd => self.number(4)? as usize,
            _ => return Err(before.malformed("an array")),
        };
        if length > self.bytes.len() - self.at { Err(before.malformed("an array's elements")) } else { Ok(length) }
    }

    /// How many pairs of a map follow. Never more than bytes are left.
    pub fn map(&mut self) -> Read<usize> {
        let before = *self;
        let length = match self.byte()? {
            tag @ 0x80..=0x8f => usize::from(tag & 0x0f),
            0xde => self.number(2)? as usize,
            0xdf => self.number(4)? as usize,
            _ => return Err(before.malformed("a map")),
        };
        if length > self.bytes.len() - self.at { Err(before.malformed("a map's pairs")) } else { Ok(length) }
    }

    /// An integer of 64 bits.
    pub fn int(&mut self) -> Read<i64> {
        let before = *self;
        let value = match self.byte()? {
            tag @ 0..=0x7f => i64::from(tag),
            tag @ 0xe0..=0xff => i64::from(tag as i8),
            0xcc => self.number(1)? as i64,
            0xcd => self.number(2)? as i64,
            0xce => self.number(4)? as i64,
            0xcf => i64::try_from(self.number(8)?).map_err(|_| before.malformed("an integer of 63 bits"))?,
            0xd0 => i64::from(self.number(1)? as u8 as i8),
            0xd1 => i64::from(self.number(2)? as u16 as i16),
            0xd2 => i64::from(self.number(4)? as u32 as i32),
            0xd3 => self.number(8)? as i64,
            _ => return Err(before.malformed("an integer")),
        };
        Ok(value)
    }

    /// An integer that is not negative.
    pub fn unsigned(&mut self) -> Read<u64> {
        let before = *self;
        u64::try_from(self.int()?).map_err(|_| before.malformed("an integer that is not negative"))
    }

    /// A float, or an integer in its place.
    pub fn float(&mut self) -> Read<f64> {
        let before = *self;
        match self.byte()? {
            0xca => Ok(f64::from(f32::from_bits(self.number(4)? as u32))),
            0xcb => Ok(f64::from_bits(self.number(8)?)),
            _ => {
                *self = before;
                Ok(self.int().map_err(|_| before.malformed("a number"))? as f64)
            }
        }
    }

    /// True or false.
    pub fn flag(&mut self) -> Read<bool> {
        let before = *self;
        match self.byte()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => Err(before.malformed("true or false")),
        }
    }

    /// A text of UTF-8.
    pub fn text(&mut self) -> Read<&'a str> {
        let before = *self;
        let length = match self.byte()? {
            tag @ 0xa0..=0xbf => usize::from(tag & 0x1f),
            0xd9 => self.number(1)? as usize,
            0xda => self.number(2)? as usize,
            0xdb => self.number(4)? as usize,
            _ => return Err(before.malformed("a text")),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| before.malformed("a text of UTF-8"))
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Read<&'a [u8]> {
        let before = *self;
        let length = match self.byte()? {
            0xc4 => self.number(1)? as usize,
            0xc5 => self.number(2)? as usize,
            0xc6 => self.number(4)? as usize,
            _ => return Err(before.malformed("bytes")),
        };
        self.take(length)
    }

    /// A large integer of big-endian bytes; one beyond 128 bits is the greatest.
    pub fn large(&mut self) -> Read<u128> {
        let bytes = self.bytes()?;
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let significant = &bytes[start..];
        if significant.len() > 16 {
            return Ok(u128::MAX);
        }
        Ok(significant.iter().fold(0, |value, byte| (value << 8) | u128::from(*byte)))
    }

    /// Is the next value nil? It is then read.
    pub fn nil(&mut self) -> bool {
        let is_nil = self.bytes.get(self.at) == Some(&0xc0);
        self.at += usize::from(is_nil);
        is_nil
    }

    /// What `read` reads, or nothing.
    pub fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.nil() { Ok(None) } else { read(self).map(Some) }
    }

    /// Pass over one value of any kind.
    pub fn skip(&mut self) -> Read<()> {
        self.skip_at(0)
    }

    /// Pass over so many values.
    pub fn skip_many(&mut self, count: usize) -> Read<()> {
        (0..count).try_for_each(|_| self.skip())
    }

    fn skip_at(&mut self, depth: usize) -> Read<()> {
        if depth > DEEPEST {
            return Err(self.malformed("a value that is less deep"));
        }
        let before = *self;
        let values = match self.byte()? {
            0..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => return Ok(()),
            0xcc | 0xd0 => return self.take(1).map(drop),
            0xcd | 0xd1 => return self.take(2).map(drop),
            0xca | 0xce | 0xd2 => return self.take(4).map(drop),
            0xcb | 0xcf | 0xd3 => return self.take(8).map(drop),
            0xc4..=0xc6 => {
                *self = before;
                return self.bytes().map(drop);
            }
            0xa0..=0xbf | 0xd9..=0xdb => {
                *self = before;
                return self.text().map(drop);
            }
            0x90..=0x9f | 0xdc | 0xdd => {
                *self = before;
                self.array()?
            }
            0x80..=0x8f | 0xde | 0xdf => {
                *self = before;
                self.map()? * 2
            }
            _ => return Err(before.malformed("a value that is no extension")),
        };
        (0..values).try_for_each(|_| self.skip_at(depth + 1))
    }

    /// The error that something else was expected here.
    pub fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { expected, at: self.at, layout: None }
    }

    /// The error that something of a known layout was expected here.
    pub fn unknown_layout(&self, expected: &'static str, layout: i64) -> Malformed {
        Malformed { expected, at: self.at, layout: Some(layout) }
    }

    fn byte(&mut self) -> Read<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.malformed("a value"))?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self, width: usize) -> Read<u64> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.malformed("more bytes"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}
