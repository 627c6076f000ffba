//! Base64 (RFC 4648) with padding.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Append bytes as Base64.
pub fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    let groups = bytes.chunks_exact(3);
    let rest = groups.remainder();
    groups.for_each(|group| out.extend_from_slice(&digits([group[0], group[1], group[2]])));
    let last = match rest {
        [one] => digits([*one, 0, 0]),
        [one, two] => digits([*one, *two, 0]),
        _ => return,
    };
    out.extend_from_slice(&last[..=rest.len()]);
    out.resize(out.len() + 3 - rest.len(), b'=');
}

fn digits([one, two, three]: [u8; 3]) -> [u8; 4] {
    let group = u32::from(one) << 16 | u32::from(two) << 8 | u32::from(three);
    [18, 12, 6, 0].map(|shift| ALPHABET[(group >> shift & 63) as usize])
}

#[cfg(test)]
mod tests {
    use super::push_base64;

    #[test]
    fn the_examples_of_the_standard() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            let mut out = Vec::new();
            push_base64(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
