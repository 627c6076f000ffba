//! Writing MessagePack in its shortest forms, so that equal values have equal bytes.

/// Bytes that grow.
#[derive(Debug, Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    /// The head of an array of so many elements, which follow.
    pub fn array(&mut self, length: usize) {
        match length {
            0..=15 => self.bytes.push(0x90 | length as u8),
            16..=0xffff => self.tagged(0xdc, &(length as u16).to_be_bytes()),
            _ => self.tagged(0xdd, &(length as u32).to_be_bytes()),
        }
    }

    /// An integer.
    pub fn int(&mut self, value: i64) {
        match value {
            0.. => self.unsigned(value as u64),
            -32..=-1 => self.bytes.push(value as i8 as u8),
            -128..=-33 => self.tagged(0xd0, &(value as i8).to_be_bytes()),
            -0x8000..=-129 => self.tagged(0xd1, &(value as i16).to_be_bytes()),
            -0x8000_0000..=-0x8001 => self.tagged(0xd2, &(value as i32).to_be_bytes()),
            _ => self.tagged(0xd3, &value.to_be_bytes()),
        }
    }

    /// An integer that is not negative.
    pub fn unsigned(&mut self, value: u64) {
        match value {
            0..=0x7f => self.bytes.push(value as u8),
            0x80..=0xff => self.tagged(0xcc, &(value as u8).to_be_bytes()),
            0x100..=0xffff => self.tagged(0xcd, &(value as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.tagged(0xce, &(value as u32).to_be_bytes()),
            _ => self.tagged(0xcf, &value.to_be_bytes()),
        }
    }

    /// True or false.
    pub fn flag(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    /// Nothing.
    pub fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    /// True, false or nothing.
    pub fn optional_flag(&mut self, value: Option<bool>) {
        match value {
            Some(value) => self.flag(value),
            None => self.nil(),
        }
    }

    /// A float of 64 bits, or nothing.
    pub fn optional_float(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.tagged(0xcb, &value.to_be_bytes()),
            None => self.nil(),
        }
    }

    /// A text.
    pub fn text(&mut self, value: &str) {
        match value.len() {
            length @ 0..=31 => self.bytes.push(0xa0 | length as u8),
            length @ 32..=0xff => self.tagged(0xd9, &(length as u8).to_be_bytes()),
            length @ 0x100..=0xffff => self.tagged(0xda, &(length as u16).to_be_bytes()),
            length => self.tagged(0xdb, &(length as u32).to_be_bytes()),
        }
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// A text, or nothing.
    pub fn optional_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.nil(),
        }
    }

    /// A large integer as its big-endian bytes without leading zeros: MessagePack's own integers end at 64 bits.
    pub fn large(&mut self, value: u128) {
        let bytes = value.to_be_bytes();
        let significant = &bytes[value.leading_zeros() as usize / 8..];
        self.tagged(0xc4, &[significant.len() as u8]);
        self.bytes.extend_from_slice(significant);
    }

    fn tagged(&mut self, tag: u8, rest: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(rest);
    }
}
