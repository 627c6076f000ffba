//! BLAKE2b (RFC 7693) without a key: the hash that decisions' ids are made with.

const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];
const ORDERS: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const MIXED: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];
const ROUNDS: usize = 12;
const BLOCK_BYTES: usize = 128;

/// The hash of LENGTH bytes (1 to 64).
pub fn blake2b<const LENGTH: usize>(message: &[u8]) -> [u8; LENGTH] {
    let mut state = INITIAL;
    state[0] ^= 0x0101_0000 ^ LENGTH as u64;
    let blocks = message.len().div_ceil(BLOCK_BYTES).max(1);
    for number in 0..blocks {
        let start = number * BLOCK_BYTES;
        let end = message.len().min(start + BLOCK_BYTES);
        let mut block = [0; BLOCK_BYTES];
        block[..end - start].copy_from_slice(&message[start..end]);
        compress(&mut state, &block, end as u64, number + 1 == blocks);
    }
    let mut hash = [0; LENGTH];
    for (byte, known) in hash.iter_mut().zip(state.iter().flat_map(|word| word.to_le_bytes())) {
        *byte = known;
    }
    hash
}

fn compress(state: &mut [u64; 8], block: &[u8; BLOCK_BYTES], bytes_so_far: u64, is_last: bool) {
    let mut words = [0_u64; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(8)) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    let mut mixed = [0; 16];
    mixed[..8].copy_from_slice(state);
    mixed[8..].copy_from_slice(&INITIAL);
    mixed[12] ^= bytes_so_far;
    if is_last {
        mixed[14] = !mixed[14];
    }
    for round in 0..ROUNDS {
        let order = &ORDERS[round % ORDERS.len()];
        for (number, places) in MIXED.iter().enumerate() {
            mix(&mut mixed, *places, words[order[2 * number]], words[order[2 * number + 1]]);
        }
    }
    for (place, word) in state.iter_mut().enumerate() {
        *word ^= mixed[place] ^ mixed[place + 8];
    }
}

fn mix(mixed: &mut [u64; 16], [a, b, c, d]: [usize; 4], one: u64, other: u64) {
    mixed[a] = mixed[a].wrapping_add(mixed[b]).wrapping_add(one);
    mixed[d] = (mixed[d] ^ mixed[a]).rotate_right(32);
    mixed[c] = mixed[c].wrapping_add(mixed[d]);
    mixed[b] = (mixed[b] ^ mixed[c]).rotate_right(24);
    mixed[a] = mixed[a].wrapping_add(mixed[b]).wrapping_add(other);
    mixed[d] = (mixed[d] ^ mixed[a]).rotate_right(16);
    mixed[c] = mixed[c].wrapping_add(mixed[d]);
    mixed[b] = (mixed[b] ^ mixed[c]).rotate_right(63);
}

#[cfg(test)]
mod tests {
    use super::blake2b;

    #[test]
    fn the_hash_of_the_standard() {
        let hash: [u8; 64] = blake2b(b"abc");
        assert_eq!(hash[..8], [0xba, 0x80, 0xa5, 0x3f, 0x98, 0x1c, 0x4d, 0x0d]);
        assert_eq!(hash[60..], [0xd4, 0x00, 0x99, 0x23]);
    }
}
