//! Digests and base64: `md5`, `sha1`, `sha256`, `to_base64`, `conditional_to_base64`, `from_base64`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, Result};

use super::{bytes, pure};
use crate::digest::{md5_hex, sha1_hex, sha256_hex};

pub(super) fn register(connection: &Connection) -> Result<()> {
    type Digest = fn(&[u8]) -> String;
    for (name, digest) in [("md5", md5_hex as Digest), ("sha1", sha1_hex), ("sha256", sha256_hex)] {
        connection.create_scalar_function(name, 1, pure(), move |c| Ok(bytes(c, 0).map(|b| digest(&b))))?;
    }
    connection.create_scalar_function("to_base64", 1, pure(), |c| Ok(bytes(c, 0).map(|b| STANDARD.encode(b))))?;
    connection
        .create_scalar_function("conditional_to_base64", 1, pure(), |c| Ok(bytes(c, 0).map(|b| conditional(&b))))?;
    connection.create_scalar_function("from_base64", 1, pure(), |c| Ok(bytes(c, 0).map(|b| decode(&b))))
}

/// Encodes only what cannot be printed.
fn conditional(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|b| matches!(b, 0x20..=0x7e | b'\t'..=b'\r')) => text.to_string(),
        _ => STANDARD.encode(bytes),
    }
}

/// What is not base64 decodes to nothing, as in osquery.
fn decode(bytes: &[u8]) -> String {
    STANDARD.decode(bytes).map(|plain| String::from_utf8_lossy(&plain).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;

    #[test]
    fn digests_are_those_of_the_standards() {
        assert_eq!(value("md5('abc')").unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(value("sha1('abc')").unwrap(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(value("sha256('abc')").unwrap(), sha256);
        assert_eq!(value("md5(NULL)").unwrap(), "NULL");
        assert_eq!(value("md5(12)").unwrap(), value("md5('12')").unwrap());
    }

    #[test]
    fn base64_goes_both_ways() {
        assert_eq!(value("to_base64('osquery')").unwrap(), "b3NxdWVyeQ==");
        assert_eq!(value("from_base64('b3NxdWVyeQ==')").unwrap(), "osquery");
        assert_eq!(value("from_base64('***')").unwrap(), "");
        assert_eq!(value("conditional_to_base64('plain')").unwrap(), "plain");
        assert_eq!(value("conditional_to_base64('a' || char(1))").unwrap(), "YQE=");
        assert_eq!(value("to_base64(NULL)").unwrap(), "NULL");
    }
}
