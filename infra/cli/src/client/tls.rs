//! Whom to trust: the CA of the given file alone, else the CAs that this computer trusts.
//!
//! There is no way to trust nobody in particular.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;

/// The TLS side of a connection.
///
/// Errors: when the file cannot be read, or holds no PEM certificate.
pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig> {
    let config = match ca {
        Some(file) => ClientConfig::builder().with_root_certificates(roots(file)?),
        None => ClientConfig::builder()
            .with_platform_verifier()
            .context("cannot read the CAs that this computer trusts; name the server's with --ca FILE")?,
    };
    Ok(config.with_no_client_auth())
}

fn roots(file: &Path) -> Result<RootCertStore> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read the CA file {}", file.display()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.with_context(|| format!("the CA file {} is damaged", file.display()))?;
        roots.add(certificate).with_context(|| format!("the CA file {} holds no usable CA", file.display()))?;
    }
    ensure!(!roots.is_empty(), "the CA file {} holds no PEM certificate", file.display());
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let said = roots(&file).unwrap_err().to_string();
        assert!(said.contains("cannot read the CA file") && said.contains("ca.pem"), "{said}");
        std::fs::write(&file, "no certificate").unwrap();
        let said = roots(&file).unwrap_err().to_string();
        assert!(said.contains("holds no PEM certificate"), "{said}");
    }
}
