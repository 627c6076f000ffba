//! JSON as msgspec writes it, byte for byte.

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Most features are small whole numbers: they are written without a search for the shortest digits.
const WHOLE_BELOW: f64 = 1e9;

/// A text of JSON that grows. Objects and lists are opened and closed by hand; commas come by themselves.
#[derive(Debug, Default)]
pub struct JsonWriter {
    pub bytes: Vec<u8>,
    /// Does a comma come before the next element?
    is_behind_element: bool,
}

impl JsonWriter {
    /// With room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), is_behind_element: false }
    }

    /// `{` or `[`.
    pub fn open(&mut self, bracket: u8) {
        self.element();
        self.bytes.push(bracket);
        self.is_behind_element = false;
    }

    /// `}` or `]`.
    pub fn close(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.is_behind_element = true;
    }

    /// A member's name, of letters that need no escapes; its value follows.
    pub fn name(&mut self, name: &str) {
        self.element();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        self.is_behind_element = false;
    }

    /// A member's name, of any letters.
    pub fn any_name(&mut self, name: &str) {
        self.text(name);
        self.bytes.push(b':');
        self.is_behind_element = false;
    }

    /// A quoted text.
    pub fn text(&mut self, text: &str) {
        self.element();
        push_text(&mut self.bytes, text);
    }

    /// An integer.
    pub fn integer(&mut self, number: i64) {
        self.element();
        self.bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A float in its shortest form; null for one that is not finite.
    pub fn float(&mut self, number: f64) {
        self.element();
        push_float(&mut self.bytes, number);
    }

    /// True or false.
    pub fn flag(&mut self, value: bool) {
        self.raw(if value { b"true" } else { b"false" });
    }

    /// Null.
    pub fn null(&mut self) {
        self.raw(b"null");
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &[u8]) {
        self.element();
        self.bytes.extend_from_slice(json);
    }

    /// What an object or a list begins with, up to a member's name.
    pub fn begun(&mut self, json: &[u8]) {
        self.raw(json);
        self.is_behind_element = false;
    }

    /// A text, or null.
    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A list of texts.
    pub fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        self.open(b'[');
        texts.into_iter().for_each(|text| self.text(text));
        self.close(b']');
    }

    fn element(&mut self) {
        if self.is_behind_element {
            self.bytes.push(b',');
        }
        self.is_behind_element = true;
    }
}

/// Append a quoted text.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut written = 0;
    for (place, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[written..place]);
        written = place + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
    out.push(b'"');
}

/// Append a float in its shortest form; null for one that is not finite.
pub fn push_float(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    if number.fract() == 0.0 && number.abs() < WHOLE_BELOW && !is_negative_zero {
        match number as i64 {
            digit @ 0..=9 => out.push(b'0' + digit as u8),
            whole => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
        }
        out.extend_from_slice(b".0");
        return;
    }
    out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_msgspec_does() {
        let mut out = Vec::new();
        push_text(&mut out, "a\"\\\n\u{1}\u{1f}\u{8}/é\u{7f}\u{2028}");
        assert_eq!(String::from_utf8_lossy(&out), "\"a\\\"\\\\\\n\\u0001\\u001f\\b/é\u{7f}\u{2028}\"");
    }

    #[test]
    fn floats_are_written_as_msgspec_does() {
        let pairs = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (0.00001, "0.00001"),
            (1e-7, "1e-7"),
            (-123_456_789.0, "-123456789.0"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ];
        for (number, text) in pairs {
            let mut out = Vec::new();
            push_float(&mut out, number);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn commas_come_between_elements() {
        let mut json = JsonWriter::default();
        json.open(b'{');
        json.name("a");
        json.texts(["x", "y"]);
        json.name("b");
        json.open(b'{');
        json.close(b'}');
        json.name("c");
        json.integer(-5);
        json.close(b'}');
        assert_eq!(String::from_utf8_lossy(&json.bytes), r#"{"a":["x","y"],"b":{},"c":-5}"#);
    }
}
