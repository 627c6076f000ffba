//! What the users' cache counts as memory.

/// What an allocation costs beside its bytes: the allocator's header and rounding.
pub const ALLOCATION_BYTES: usize = 16;

/// Bytes behind a vector.
pub fn vec_bytes<T>(values: &Vec<T>) -> usize {
    if values.capacity() == 0 { 0 } else { values.capacity() * size_of::<T>() + ALLOCATION_BYTES }
}
