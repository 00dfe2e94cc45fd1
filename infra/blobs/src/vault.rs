//! Seals what only the server may read, and what must die with the key of one person.
//!
//! AES-256-GCM with a random nonce; the name of the key is authenticated, so a value cannot be passed off as another's.
//! Destroying a person's key erases that person from the log for good, while its chain and its counts stay valid.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Digest, KeyedDigest, Sealed};
use infra_world::World;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::keys::{Keys, SecretKey};

/// What a keyed hash is for: equal texts of different purposes have unrelated hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An e-mail address; hashed without blanks around it and without regard to case.
    Email,
    EnrollSecret,
    /// What a host says of a carve; the hash is the carve's session, the same when the host asks again.
    CarveSession,
}

/// Why the vault cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "the key file {path} does not exist: without it nothing that was sealed can be read; restore it from your backup"
    )]
    Missing { path: PathBuf },
    #[error("the key file {path} exists already")]
    Exists { path: PathBuf },
    #[error("others can read the key file {path} (mode {mode:04o}): run chmod 600 {path}", path = path.display())]
    TooWide { path: PathBuf, mode: u32 },
    #[error("the key file {path} is damaged: {reason}; restore it from your backup")]
    Damaged { path: PathBuf, reason: String },
    #[error("the key file {path} cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("the key file {path} cannot be written: {reason}")]
    Unwritable { path: PathBuf, reason: String },
}

/// The vault over one key file. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    path: PathBuf,
    world: World,
    /// Read by every request; replaced only after the file is.
    keys: RwLock<Keys>,
    /// Changes go one after another, so that none overwrites another's.
    change: Mutex<()>,
}

impl Vault {
    /// Opens the vault of a key file.
    pub fn load(path: impl Into<PathBuf>, world: World) -> Result<Vault, VaultError> {
        let path = path.into();
        match Keys::read(&path)? {
            Some(keys) => Ok(Vault::over(path, world, keys)),
            None => Err(VaultError::Missing { path }),
        }
    }

    /// Makes a key file with new keys, for a first run.
    pub fn create(path: impl Into<PathBuf>, world: World) -> Result<Vault, VaultError> {
        let path = path.into();
        if path.exists() {
            return Err(VaultError::Exists { path });
        }
        let server = "server/1".to_owned();
        let keys = Keys { digest: new_key(&world), sealing: [(server.clone(), new_key(&world))].into(), server };
        keys.write(&path)?;
        Ok(Vault::over(path, world, keys))
    }

    fn over(path: PathBuf, world: World, keys: Keys) -> Vault {
        Vault(Arc::new(Inner { path, world, keys: RwLock::new(keys), change: Mutex::new(()) }))
    }

    /// Makes the key of a new person, `person/<uuid>`; it is on disk when this returns.
    pub async fn new_person_key(&self) -> Result<String, VaultError> {
        let name = format!("person/{}", self.0.world.uuid());
        let (added, key) = (name.clone(), new_key(&self.0.world));
        self.change(move |keys| {
            keys.sealing.insert(added, key);
        })
        .await?;
        Ok(name)
    }

    /// Destroys a key of a person: whatever it sealed reads as nothing from now on, everywhere.
    pub async fn erase(&self, name: &str) -> Result<(), VaultError> {
        let name = name.to_owned();
        self.change(move |keys| {
            if name != keys.server {
                keys.sealing.remove(&name);
            }
        })
        .await
    }

    /// Whether there is a key of that name.
    pub fn holds(&self, name: &str) -> bool {
        self.keys().sealing.contains_key(name)
    }

    /// Seals a text with the key of that name.
    ///
    /// A key that is not there any more seals to what nobody can read: the person is being erased.
    pub fn seal(&self, name: &str, text: &str) -> Sealed {
        let key = self.key(name).unwrap_or_else(|| new_key(&self.0.world));
        let nonce: [u8; NONCE_LEN] = self.0.world.bytes();
        let mut bytes = text.as_bytes().to_vec();
        let tag = cipher(&key)
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut bytes)
            .expect("texts are far below the limit of AES-GCM");
        let sealed = [&nonce[..], &bytes, tag.as_ref()].concat();
        Sealed { key: name.to_owned(), text: STANDARD.encode(sealed) }
    }

    /// Seals a text for the server alone.
    pub fn seal_server(&self, text: &str) -> Sealed {
        let name = self.keys().server.clone();
        self.seal(&name, text)
    }

    /// The text of a sealed value; `None` when its key was destroyed, or when it was tampered with.
    pub fn open(&self, sealed: &Sealed) -> Option<String> {
        let key = self.key(&sealed.key)?;
        let mut bytes = STANDARD.decode(&sealed.text).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = cipher(&key).open_in_place(nonce, Aad::from(&sealed.key), text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// The keyed hash under which a value is found again.
    pub fn digest(&self, purpose: Purpose, text: &str) -> KeyedDigest {
        let mut context = {
            let keys = self.keys();
            hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*keys.digest))
        };
        match purpose {
            Purpose::Email => {
                context.update(b"email\0");
                context.update(text.trim().to_lowercase().as_bytes());
            }
            Purpose::EnrollSecret => {
                context.update(b"enroll-secret\0");
                context.update(text.as_bytes());
            }
            Purpose::CarveSession => {
                context.update(b"carve-session\0");
                context.update(text.as_bytes());
            }
        }
        let tag = context.sign();
        Digest(tag.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
    }

    fn keys(&self) -> std::sync::RwLockReadGuard<'_, Keys> {
        self.0.keys.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn key(&self, name: &str) -> Option<SecretKey> {
        self.keys().sealing.get(name).cloned()
    }

    /// Changes the file first, then what is in memory.
    async fn change(&self, change: impl FnOnce(&mut Keys) + Send + 'static) -> Result<(), VaultError> {
        let inner = self.0.clone();
        let changed = tokio::task::spawn_blocking(move || {
            let _turn = inner.change.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mut keys = inner.keys.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            change(&mut keys);
            keys.write(&inner.path)?;
            *inner.keys.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = keys;
            Ok(())
        });
        changed.await.unwrap_or_else(|stopped| Err(VaultError::unwritable(&self.0.path, stopped)))
    }
}

fn new_key(world: &World) -> SecretKey {
    Zeroizing::new(world.bytes())
}

fn cipher(key: &SecretKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &**key).expect("the key has the length that AES-256 wants"))
}

impl VaultError {
    pub(crate) fn unreadable(path: &Path, reason: impl Display) -> Self {
        VaultError::Unreadable { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Display) -> Self {
        VaultError::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn unwritable(path: &Path, reason: impl Display) -> Self {
        VaultError::Unwritable { path: path.to_owned(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests;
