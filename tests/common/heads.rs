//! Feeds a head to a handshake in many partitions and checks that all of them come to the same.

use core::fmt::Debug;

/// Runs `handshake` over `bytes` cut in many ways, whole first, and returns what each of them came to.
///
/// Up to 4 KiB: every split in two, and byte by byte. Above: pieces of 1,460 and 7 bytes, 100 seeded random partitions,
/// and byte by byte.
#[track_caller]
pub(crate) fn in_every_partition<T: Debug + PartialEq>(
    bytes: &[u8],
    handshake: impl Fn(&[&[u8]]) -> T,
) -> T {
    let whole = handshake(&[bytes]);
    let check = |pieces: &[&[u8]], what: &str| {
        assert_eq!(handshake(pieces), whole, "cut {what}");
    };
    check(&bytes.chunks(1).collect::<Vec<_>>(), "byte by byte");
    if bytes.len() <= 4096 {
        for at in 0..=bytes.len() {
            let (one, two) = bytes.split_at(at);
            check(&[one, two], &format!("at {at}"));
        }
    } else {
        for size in [1460, 7] {
            check(&bytes.chunks(size).collect::<Vec<_>>(), &format!("into pieces of {size}"));
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..100 {
            let mut rest = bytes;
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let size = 1 + usize::try_from(random % 2000).unwrap();
                let (piece, tail) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            check(&pieces, &format!("at random, round {round}"));
        }
    }
    whole
}
