//! Asks the processor for memory before it is needed.
//!
//! A user's state is some dozens of cache lines, and after a few thousand other users none of them is in a cache. Asked for
//! while the records before are worked on, they arrive in the meantime.

const LINE_BYTES: usize = 64;
/// Of one list. More would push out of the nearest cache what is about to be used.
const MOST_LINES: usize = 8;

/// Ask for a value's own memory.
#[inline]
pub fn value<T>(value: &T) {
    lines(std::ptr::from_ref(value).cast(), size_of::<T>());
}

/// Ask for the end of a list, where what is newest stands.
#[inline]
pub fn end_of<T>(list: &[T]) {
    let bytes = size_of_val(list).min(MOST_LINES * LINE_BYTES);
    let end = list.as_ptr_range().end.cast::<u8>();
    lines(end.wrapping_sub(bytes), bytes);
}

/// Ask for one element of a list, if it is there.
#[inline]
pub fn element<T>(list: &[T], place: usize) {
    if let Some(found) = list.get(place) {
        value(found);
    }
}

#[inline]
fn lines(start: *const u8, bytes: usize) {
    let mut at = 0;
    while at < bytes {
        line(start.wrapping_add(at));
        at += LINE_BYTES;
    }
    if bytes > 0 {
        line(start.wrapping_add(bytes - 1)); // a value may begin in the midst of a line
    }
}

#[inline]
fn line(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is a hint. It neither reads nor writes, and any address is allowed.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_short_lists_can_be_asked_for() {
        end_of::<u64>(&[]);
        end_of(&[1u8]);
        end_of(&vec![0u64; 10_000]);
        element(&[1, 2, 3], 7);
        value(&());
    }
}
