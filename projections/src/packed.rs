//! Rows at rest: zstd, since they are text that repeats itself.

/// Fast, and small enough: rows compress well at any level.
const LEVEL: i32 = 1;

pub(crate) fn pack(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, LEVEL).expect("compressing memory into memory cannot fail")
}

/// `None` when the bytes are not what [`pack`] made.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    zstd::decode_all(bytes).ok()
}
