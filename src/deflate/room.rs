//! Room in a vector, which the allocator may have none for.

use alloc::vec::Vec;

use super::codec::OutOfMemory;

/// Appends as many of this byte; a buffer that is full grows to twice its length, but not beyond `limit`.
pub(super) fn extend(
    out: &mut Vec<u8>,
    count: usize,
    byte: u8,
    limit: usize,
) -> Result<(), OutOfMemory> {
    let free = |out: &Vec<u8>| out.capacity().wrapping_sub(out.len());
    if free(out) < count {
        let most = limit.saturating_sub(out.len());
        out.try_reserve_exact(out.len().min(most).max(count)).map_err(|_| OutOfMemory)?;
    }
    // There is room now, but the compiler cannot know and would add a growth that panics.
    if free(out) < count {
        return Err(OutOfMemory);
    }
    out.resize(out.len().saturating_add(count), byte);
    Ok(())
}
