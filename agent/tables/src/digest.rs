//! Digests as lower-case hex, of bytes and of whole files.

use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// All three digests of one content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub md5: String,
    pub sha1: String,
    pub sha256: String,
}

/// Reads to the end once, a piece at a time.
pub(crate) fn digests(mut source: impl Read) -> io::Result<Digests> {
    let (mut md5, mut sha1, mut sha256) = (Md5::new(), Sha1::new(), Sha256::new());
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        md5.update(&piece[..read]);
        sha1.update(&piece[..read]);
        sha256.update(&piece[..read]);
    }
    Ok(Digests { md5: hex(&md5.finalize()), sha1: hex(&sha1.finalize()), sha256: hex(&sha256.finalize()) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_digests_of_its_bytes() {
        let long = vec![b'x'; 200_000];
        let of_stream = digests(long.as_slice()).unwrap();
        let of_bytes = Digests { md5: md5_hex(&long), sha1: sha1_hex(&long), sha256: sha256_hex(&long) };
        assert_eq!(of_stream, of_bytes);
    }
}
