//! Reading strict JSON (RFC 8259) without building a tree. What is not strict JSON is nobody's: `None`.

use std::borrow::Cow;

/// Deeper values are left to Python, which has a limit of its own.
const DEEPEST: usize = 64;

/// A position in a text of JSON. Every method gives `None` where something else stands there.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Json<'a> {
    /// At the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space; it stays.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// One byte of punctuation, after white space.
    pub fn expect(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Nothing but white space is left.
    pub fn end(&mut self) -> Option<()> {
        if self.peek().is_none() { Some(()) } else { None }
    }

    /// The members of an object: `read` is called at each value, with its name, and has to read it. Names with escapes
    /// are none.
    pub fn object(&mut self, mut read: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            return self.expect(b'}');
        }
        loop {
            let Cow::Borrowed(name) = self.string()? else { return None };
            self.expect(b':')?;
            read(name, self)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.expect(b'}'),
            }
        }
    }

    /// A string, unescaped.
    pub fn string(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(self.at)? {
                b'"' => {
                    let plain = self.text.get(start..self.at)?;
                    self.at += 1;
                    return Some(Cow::Borrowed(plain));
                }
                b'\\' => return self.escaped(start).map(Cow::Owned),
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    /// The text of a number, and whether it is an integer.
    pub fn number(&mut self) -> Option<(&'a str, bool)> {
        self.peek()?;
        let start = self.at;
        self.pass(b"-");
        match self.digits()? {
            1 => {}
            _ if self.text.as_bytes()[start..self.at].starts_with(b"0") => return None,
            _ if self.text.as_bytes()[start..self.at].starts_with(b"-0") => return None,
            _ => {}
        }
        let mut is_integer = true;
        if self.pass(b".") {
            is_integer = false;
            self.digits()?;
        }
        if self.pass(b"eE") {
            is_integer = false;
            self.pass(b"+-");
            self.digits()?;
        }
        Some((self.text.get(start..self.at)?, is_integer))
    }

    /// True or false.
    pub fn flag(&mut self) -> Option<bool> {
        match self.peek()? {
            b't' => self.word("true").map(|()| true),
            _ => self.word("false").map(|()| false),
        }
    }

    /// What `read` reads, or null.
    pub fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.peek()? == b'n' { self.word("null").map(|()| None) } else { read(self).map(Some) }
    }

    /// Pass over any value.
    pub fn skip(&mut self) -> Option<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|_, json| json.skip_at(depth + 1)),
            b'[' => {
                self.at += 1;
                if self.peek()? == b']' {
                    return self.expect(b']');
                }
                loop {
                    self.skip_at(depth + 1)?;
                    match self.peek()? {
                        b',' => self.at += 1,
                        _ => return self.expect(b']'),
                    }
                }
            }
            b'n' => self.word("null"),
            b't' | b'f' => self.flag().map(drop),
            _ => self.number().map(drop),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        if !self.text.get(self.at..)?.starts_with(word) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    fn pass(&mut self, any_of: &[u8]) -> bool {
        let passes = self.text.as_bytes().get(self.at).is_some_and(|byte| any_of.contains(byte));
        self.at += usize::from(passes);
        passes
    }

    fn digits(&mut self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(count)
    }

    /// The rest of a string that began at `start`, from its first escape on.
    fn escaped(&mut self, start: usize) -> Option<String> {
        let mut text = String::from(self.text.get(start..self.at)?);
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
            text.push_str(rest.get(..plain)?);
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Some(text),
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.code_unit()?;
                if !(0xd800..0xe000).contains(&unit) {
                    return char::from_u32(unit);
                }
                self.word("\\u")?;
                let low = self.code_unit()?;
                // A half of a pair alone is no character: what becomes of it Python says.
                if unit >= 0xdc00 || !(0xdc00..0xe000).contains(&low) {
                    return None;
                }
                char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?
            }
            _ => return None,
        })
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_value(text: &str) -> bool {
        let mut json = Json::new(text);
        json.skip().and_then(|()| json.end()).is_some()
    }

    #[test]
    fn strict_values_are_passed_over_and_others_are_none() {
        for good in
            ["1", "-0", "1.5e-3", "\"\\u00e9\\n\"", "[]", "{}", " [1, {\"a\": null}] ", "true", "\"\\ud83d\\ude00\""]
        {
            assert!(is_value(good), "{good}");
        }
        for bad in [
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nan",
            "\"\t\"",
            "\"\\x\"",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "1 2",
            "\"\\ud83d\"",
            "tru",
        ] {
            assert!(!is_value(bad), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(!is_value(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            is_value(&text);
        }

        #[test]
        fn json_of_few_letters_makes_it_not_panic(text in r#"[\[\]{}",:\\u0-9eE+.a-f \-ntrul]{0,40}"#) {
            is_value(&text);
        }
    }
}
