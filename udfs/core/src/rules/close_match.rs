//! The known word that a misspelt one is nearest to, as Python's difflib finds it.

/// Words less alike than this are no suggestion.
const LEAST_ALIKE: f64 = 0.6;

/// The most similar of `words`, the last in alphabetical order of several.
pub fn close_match<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words
        .map(|known| (likeness(known.as_bytes(), word.as_bytes()), known))
        .filter(|(alike, _)| *alike >= LEAST_ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)))
        .map(|(_, known)| known)
}

/// Twice the letters in common over all letters, 0 to 1.
fn likeness(one: &[u8], other: &[u8]) -> f64 {
    let letters = one.len() + other.len();
    if letters == 0 { 1.0 } else { 2.0 * in_common(one, other) as f64 / letters as f64 }
}

/// The letters in the longest common piece, and in what stands before and behind it on both sides.
fn in_common(one: &[u8], other: &[u8]) -> usize {
    let mut common = 0;
    let mut pending = vec![(one, other)];
    while let Some((one, other)) = pending.pop() {
        let (start, other_start, length) = longest_piece(one, other);
        if length > 0 {
            common += length;
            pending.push((&one[..start], &other[..other_start]));
            pending.push((&one[start + length..], &other[other_start + length..]));
        }
    }
    common
}

/// Where the longest common piece starts in both, and its length; of several the first in `one`, then in `other`.
fn longest_piece(one: &[u8], other: &[u8]) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    let mut lengths = vec![0; other.len() + 1];
    for (end, letter) in one.iter().enumerate() {
        // From behind, so that the lengths of the row before are still there.
        for other_end in (0..other.len()).rev() {
            lengths[other_end + 1] = if other[other_end] == *letter { lengths[other_end] + 1 } else { 0 };
        }
        for (other_end, length) in lengths[1..].iter().enumerate() {
            if *length > best.2 {
                best = (end + 1 - length, other_end + 1 - length, *length);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::close_match;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["amount", "amount_log", "city", "country"];
        assert_eq!(close_match("amonut", names.into_iter()), Some("amount"));
        assert_eq!(close_match("cty", names.into_iter()), Some("city"));
        assert_eq!(close_match("xyzzy", names.into_iter()), None);
        assert_eq!(close_match("", names.into_iter()), None);
    }
}
