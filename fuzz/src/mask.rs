//! Masking at any phase, alignment and split, against the definition (RFC 6455 §5.3).

use websocket_proto::Mask;

/// Input: the key; where the payload lies in memory; the size of the payload, of which what is left is repeated; then
/// the sizes of the pieces, and the payload.
pub fn oracle(data: &[u8]) {
    let Some((&[a, b, c, d, offset, repeat, pieces], rest)) = data.split_first_chunk() else {
        return;
    };
    let key = [a, b, c, d];
    let (sizes, payload) = rest.split_at(usize::from(pieces % 16).min(rest.len()));
    let payload = payload.repeat(1 + usize::from(repeat % 16));

    // `offset` bytes in front and behind, which nobody may touch.
    let offset = usize::from(offset % 64);
    let mut memory = vec![0xa5; offset];
    memory.extend_from_slice(&payload);
    memory.extend_from_slice(&[0xa5; 3]);

    let mut mask = Mask::new(key);
    let mut rest = &mut memory[offset..offset + payload.len()];
    for size in sizes {
        let (piece, tail) = rest.split_at_mut(usize::from(*size).min(rest.len()));
        mask.apply(piece);
        rest = tail;
    }
    mask.apply(rest);

    for (i, byte) in payload.iter().enumerate() {
        assert_eq!(memory[offset + i], byte ^ key[i % 4], "byte {i}, pieces of {sizes:?}");
    }
    assert!(
        memory[..offset].iter().chain(&memory[offset + payload.len()..]).all(|byte| *byte == 0xa5)
    );

    let mut phase = Mask::new(key);
    phase.apply(&mut payload.clone());
    assert_eq!(mask, phase, "the phase is that of the length, not of the pieces");
}
