//! The certificate in use, exchanged while the server runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use domain::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

const WARN_BEFORE_DAYS: i64 = 30;

/// A certificate and key that follow their files.
#[derive(Debug)]
pub struct Served {
    cert: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    read_at: Mutex<Option<SystemTime>>,
}

impl Served {
    /// Reads and checks both files. The error says which file, and what to do.
    pub fn load(cert: &Path, key: &Path, now: Timestamp) -> anyhow::Result<Arc<Served>> {
        Ok(Arc::new(Served {
            cert: cert.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(check(cert, key, now)?),
            read_at: Mutex::new(modified(cert)),
        }))
    }

    /// Reads the files again if they changed; keeps the old ones while the new ones do not fit. Says when the end is near.
    pub fn refresh(&self, now: Timestamp) {
        let changed = {
            let mut read_at = self.read_at.lock().expect("nothing panics while it holds this");
            let newest = modified(&self.cert).max(modified(&self.key));
            std::mem::replace(&mut *read_at, newest) != newest
        };
        if changed {
            match check(&self.cert, &self.key, now) {
                Ok(fresh) => {
                    self.current.store(Arc::new(fresh));
                    tracing::info!(file = %self.cert.display(), "the TLS certificate was read again");
                }
                Err(error) => {
                    tracing::error!("the TLS certificate changed but cannot be used, the old one stays: {error:#}")
                }
            }
        }
        if let Ok(end) = not_after(&self.cert) {
            let days = (end.secs() - now.secs()) / 86_400;
            if days < WARN_BEFORE_DAYS {
                tracing::warn!(file = %self.cert.display(), "the TLS certificate ends in {days} days, on {}: renew it", end.to_rfc3339_secs());
            }
        }
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Reads a chain and its key and proves that they belong together and have not ended.
pub fn check(cert: &Path, key: &Path, now: Timestamp) -> anyhow::Result<CertifiedKey> {
    let chain = read_chain(cert)?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no private key in PEM form", key.display()))?;
    let signing_key = rustls::crypto::ring::sign::any_supported_type(&key_der).with_context(|| {
        format!("the private key in {} is of a kind that TLS does not use: take ECDSA P-256", key.display())
    })?;
    let certified = CertifiedKey::new(chain, signing_key);
    certified.keys_match().with_context(|| {
        format!("the key in {} does not belong to the certificate in {}", key.display(), cert.display())
    })?;
    let end = not_after(cert)?;
    if end < now {
        bail!("the certificate in {} ended on {}: renew it", cert.display(), end.to_rfc3339_secs());
    }
    Ok(certified)
}

/// The end of the first certificate of a file.
pub fn not_after(cert: &Path) -> anyhow::Result<Timestamp> {
    let chain = read_chain(cert)?;
    let (_, parsed) = X509Certificate::from_der(&chain[0])
        .map_err(|error| anyhow::anyhow!("the certificate in {} is damaged: {error}", cert.display()))?;
    Ok(Timestamp::from_secs(parsed.validity().not_after.timestamp()))
}

fn read_chain(cert: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .with_context(|| format!("{} cannot be read as a certificate in PEM form", cert.display()))?;
    if chain.is_empty() {
        bail!("{} holds no certificate in PEM form", cert.display());
    }
    Ok(chain)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
