//! Whom musterd believes: the certificate authorities of one file, and nobody else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

/// Where systems keep the authorities that they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why there is nobody to believe.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate file {} cannot be read: {cause}", file.display())]
    Unreadable { file: PathBuf, cause: pem::Error },
    #[error("the certificate file {} holds no usable certificate", file.display())]
    NoCertificate { file: PathBuf },
    #[error("this system has no known file of certificate authorities; name one with --ca")]
    NoBundle,
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// TLS 1.2 and 1.3 to servers whose certificate `ca` (PEM, else the system's bundle) vouches for.
pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let file = match ca {
        Some(file) => file,
        None => SYSTEM_BUNDLES.iter().map(Path::new).find(|file| file.exists()).ok_or(TlsError::NoBundle)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots(file)?).with_no_client_auth())
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |cause| TlsError::Unreadable { file: file.to_owned(), cause };
    let certificates = CertificateDer::pem_file_iter(file).map_err(unreadable)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(TlsError::NoCertificate { file: file.to_owned() }),
        _ => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let said = || client_config(Some(&file)).unwrap_err().to_string();
        assert!(said().contains("cannot be read") && said().contains("ca.pem"));
        std::fs::write(&file, "no certificate\n").unwrap();
        assert!(said().contains("holds no usable certificate"));
    }
}
