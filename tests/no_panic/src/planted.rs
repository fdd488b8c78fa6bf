//! Functions that do panic, each in a way of its own, for the script to find.

use alloc::vec::Vec;

use crate::Bytes;

#[unsafe(no_mangle)]
pub fn planted_index(bytes: Bytes, at: usize) -> u8 {
    bytes[at]
}

#[unsafe(no_mangle)]
pub fn planted_slice(bytes: Bytes, from: usize) -> Bytes {
    &bytes[from..]
}

#[unsafe(no_mangle)]
pub fn planted_copy(to: &mut [u8], from: Bytes) {
    to.copy_from_slice(from);
}

#[unsafe(no_mangle)]
pub fn planted_unwrap(value: Option<u8>) -> u8 {
    value.unwrap()
}

#[unsafe(no_mangle)]
pub fn planted_expect(value: Result<u8, ()>) -> u8 {
    value.expect("a value")
}

#[unsafe(no_mangle)]
pub fn planted_division(number: usize, by: usize) -> usize {
    number / by
}

#[unsafe(no_mangle)]
pub fn planted_split(bytes: Bytes, at: usize) -> (Bytes, Bytes) {
    bytes.split_at(at)
}

#[unsafe(no_mangle)]
pub fn planted_growth(data: &mut Vec<u8>, bytes: Bytes) {
    data.extend_from_slice(bytes);
}

#[unsafe(no_mangle)]
pub fn planted_copying(data: &Vec<u8>) -> Vec<u8> {
    data.clone()
}
