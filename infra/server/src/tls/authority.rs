//! The CA and the leaf that a first run makes, both ECDSA P-256.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use time::OffsetDateTime;

use crate::data::write_private;

const CA_DAYS: i64 = 3_650;
/// Short, since the server renews it by itself and hosts trust the CA.
const LEAF_DAYS: i64 = 397;
const RENEW_BEFORE_DAYS: i64 = 30;

/// The files of a folder of certificates.
#[derive(Clone, Debug)]
pub struct Files {
    pub ca: PathBuf,
    pub ca_key: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
    pub names: PathBuf,
}

impl Files {
    pub fn within(folder: &Path) -> Self {
        Files {
            ca: folder.join("ca.pem"),
            ca_key: folder.join("ca.key"),
            cert: folder.join("server.pem"),
            key: folder.join("server.key"),
            names: folder.join("server.names"),
        }
    }
}

/// Makes what is missing: a CA once, and a leaf for `names` when there is none, when the names changed, or when it ends soon.
pub fn ensure(folder: &Path, names: &[String], now: Timestamp) -> anyhow::Result<Files> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let files = Files::within(folder);
    if !files.ca.exists() {
        make_ca(&files, now)?;
    }
    let wanted = names.join("\n");
    let same_names = fs::read_to_string(&files.names).is_ok_and(|have| have == wanted);
    if !same_names || ends_soon(&files.cert, now) {
        make_leaf(&files, names, now)?;
        write_private(&files.names, &wanted)?;
    }
    Ok(files)
}

fn make_ca(files: &Files, now: Timestamp) -> anyhow::Result<()> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "Muster CA");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(now, CA_DAYS)?;
    let cert = params.self_signed(&key)?;
    write_private(&files.ca_key, &key.serialize_pem())?;
    write_private(&files.ca, &cert.pem())
}

fn make_leaf(files: &Files, names: &[String], now: Timestamp) -> anyhow::Result<()> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read: put it back from a backup", path.display()))
    };
    let ca_key = KeyPair::from_pem(&read(&files.ca_key)?)
        .with_context(|| format!("{} is damaged: put it back from a backup", files.ca_key.display()))?;
    let issuer = Issuer::from_ca_cert_pem(&read(&files.ca)?, ca_key)
        .with_context(|| format!("{} is damaged: put it back from a backup", files.ca.display()))?;

    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(names.to_vec())
        .with_context(|| format!("--names {} holds something that is no host name or address", names.join(",")))?;
    params.distinguished_name.push(DnType::CommonName, "Muster");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(SerialNumber::from(now.micros().unsigned_abs()));
    (params.not_before, params.not_after) = validity(now, LEAF_DAYS)?;
    let cert = params.signed_by(&key, &issuer)?;
    write_private(&files.key, &key.serialize_pem())?;
    write_private(&files.cert, &cert.pem())
}

fn ends_soon(cert: &Path, now: Timestamp) -> bool {
    match super::served::not_after(cert) {
        Ok(end) => end.secs() - now.secs() < RENEW_BEFORE_DAYS * 86_400,
        Err(_) => true,
    }
}

/// From a day ago, for hosts whose clock is behind.
fn validity(now: Timestamp, days: i64) -> anyhow::Result<(OffsetDateTime, OffsetDateTime)> {
    let start = OffsetDateTime::from_unix_timestamp(now.secs() - 86_400)?;
    Ok((start, OffsetDateTime::from_unix_timestamp(now.secs() + days * 86_400)?))
}
