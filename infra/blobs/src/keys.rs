//! The keys of the vault as a file that only its owner can read.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::folder::write_synced;

/// A key of 256 bits, wiped when it is dropped.
pub type SecretKey = Zeroizing<[u8; 32]>;

/// Every key, by the name that sealed values carry.
#[derive(Clone)]
pub struct Keys {
    /// For keyed hashes; never changes, or nothing would be found again.
    pub digest: SecretKey,
    /// Of the server and of persons: `server/1`, `person/<uuid>`.
    pub sealing: BTreeMap<String, SecretKey>,
    /// The name of the server key that new values are sealed with.
    pub server: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    digest: String,
    server: String,
    keys: BTreeMap<String, String>,
}

impl Keys {
    /// Reads the file; `None` if there is none.
    pub fn read(path: &Path) -> Result<Option<Keys>, VaultError> {
        let bytes = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            _ => {
                refuse_wide_permissions(path)?;
                Zeroizing::new(fs::read(path).map_err(|error| VaultError::unreadable(path, error))?)
            }
        };
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| VaultError::damaged(path, error))?;
        stored
            .keys()
            .map(Some)
            .ok_or_else(|| VaultError::damaged(path, "a key is not 32 bytes of base64, or is missing"))
    }

    /// Replaces the file as a whole; durable when it returns.
    pub fn write(&self, path: &Path) -> Result<(), VaultError> {
        let failed = |error: std::io::Error| VaultError::unwritable(path, error);
        let bytes = Zeroizing::new(serde_json::to_vec_pretty(&self.stored()).expect("keys are plain text"));
        let draft = path.with_extension("writing");
        write_synced(&draft, &bytes).map_err(failed)?;
        fs::rename(&draft, path).map_err(failed)?;
        let folder = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    fn stored(&self) -> Stored {
        Stored {
            version: 1,
            digest: STANDARD.encode(*self.digest),
            server: self.server.clone(),
            keys: self.sealing.iter().map(|(name, key)| (name.clone(), STANDARD.encode(**key))).collect(),
        }
    }
}

impl Stored {
    fn keys(&self) -> Option<Keys> {
        let decode = |text: &String| Some(Zeroizing::new(<[u8; 32]>::try_from(STANDARD.decode(text).ok()?).ok()?));
        let sealing: Option<BTreeMap<_, _>> =
            self.keys.iter().map(|(name, text)| Some((name.clone(), decode(text)?))).collect();
        let keys = Keys { digest: decode(&self.digest)?, sealing: sealing?, server: self.server.clone() };
        (self.version == 1 && keys.sealing.contains_key(&keys.server)).then_some(keys)
    }
}

#[cfg(unix)]
fn refuse_wide_permissions(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_err(|error| VaultError::unreadable(path, error))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(VaultError::TooWide { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_wide_permissions(_: &Path) -> Result<(), VaultError> {
    Ok(())
}
