use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

struct Bench {
    folder: tempfile::TempDir,
    vault: Vault,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::create(folder.path().join("keys.json"), World::system()).unwrap();
    Bench { folder, vault }
}

impl Bench {
    fn path(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    fn reopened(&self) -> Result<Vault, VaultError> {
        Vault::load(self.path(), World::system())
    }
}

#[tokio::test]
async fn what_is_sealed_reads_back_also_after_a_restart() {
    let bench = bench();
    let person = bench.vault.new_person_key().await.unwrap();
    let name = bench.vault.seal(&person, "Zoë Müller");
    let secret = bench.vault.seal_server("s3cret");
    assert_eq!(name.key, person);
    assert_eq!(secret.key, "server/1");
    let again = bench.reopened().unwrap();
    assert_eq!(again.open(&name).as_deref(), Some("Zoë Müller"));
    assert_eq!(again.open(&secret).as_deref(), Some("s3cret"));
}

#[tokio::test]
async fn equal_texts_seal_to_different_values_without_the_text_in_them() {
    let bench = bench();
    let (one, two) = (bench.vault.seal_server("equal text"), bench.vault.seal_server("equal text"));
    assert_ne!(one, two);
    assert!(!STANDARD.decode(one.text).unwrap().windows(10).any(|window| window == b"equal text"));
}

#[tokio::test]
async fn an_erased_person_is_gone_for_good() {
    let bench = bench();
    let (one, other) = (bench.vault.new_person_key().await.unwrap(), bench.vault.new_person_key().await.unwrap());
    let (erased, kept) = (bench.vault.seal(&one, "gone"), bench.vault.seal(&other, "here"));
    bench.vault.erase(&one).await.unwrap();
    for vault in [bench.vault.clone(), bench.reopened().unwrap()] {
        assert_eq!(vault.open(&erased), None);
        assert_eq!(vault.open(&kept).as_deref(), Some("here"));
    }
    assert!(!fs::read_to_string(bench.path()).unwrap().contains(&one));
    assert_eq!(bench.vault.open(&bench.vault.seal(&one, "late")), None);
}

#[tokio::test]
async fn the_server_key_cannot_be_erased() {
    let bench = bench();
    let sealed = bench.vault.seal_server("s3cret");
    bench.vault.erase("server/1").await.unwrap();
    assert_eq!(bench.vault.open(&sealed).as_deref(), Some("s3cret"));
}

#[tokio::test]
async fn a_value_that_was_tampered_with_does_not_open() {
    let bench = bench();
    let person = bench.vault.new_person_key().await.unwrap();
    let sealed = bench.vault.seal(&person, "Ada");
    let mut bytes = STANDARD.decode(&sealed.text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    for text in [STANDARD.encode(bytes), String::new(), "no base64!".to_owned(), STANDARD.encode([0; 11])] {
        assert_eq!(bench.vault.open(&Sealed { text, ..sealed.clone() }), None);
    }
    // Nor as another's: the name of the key is authenticated.
    let keys = { bench.vault.keys().sealing[&person].clone() };
    bench.vault.0.keys.write().unwrap().sealing.insert("person/other".to_owned(), keys);
    assert_eq!(bench.vault.open(&Sealed { key: "person/other".to_owned(), ..sealed }), None);
}

#[tokio::test]
async fn digests_find_again_and_tell_purposes_apart() {
    let bench = bench();
    let email = |text| bench.vault.digest(Purpose::Email, text);
    assert_eq!(email("ADA@example.com "), email("ada@example.com"));
    assert_ne!(email("ada@example.com"), email("bob@example.com"));
    assert_ne!(email("same"), bench.vault.digest(Purpose::EnrollSecret, "same"));
    assert_eq!(bench.reopened().unwrap().digest(Purpose::Email, "x"), email("x"));
    assert_ne!(self::bench().vault.digest(Purpose::Email, "x"), email("x"), "keyed: another vault hashes otherwise");
    let (upper, lower) = ("Secret", "secret");
    let secret = |text| bench.vault.digest(Purpose::EnrollSecret, text);
    assert_ne!(secret(upper), secret(lower), "the case of a secret counts");
}

#[tokio::test]
async fn keys_made_at_once_are_all_kept() {
    let bench = bench();
    let made = (0..20).map(|_| {
        let vault = bench.vault.clone();
        tokio::spawn(async move { vault.new_person_key().await.unwrap() })
    });
    let mut sealed = vec![];
    for name in made.collect::<Vec<_>>() {
        sealed.push(bench.vault.seal(&name.await.unwrap(), "kept"));
    }
    let again = bench.reopened().unwrap();
    assert!(sealed.iter().all(|one| again.open(one).as_deref() == Some("kept")));
}

#[test]
fn the_file_is_for_its_owner_alone() {
    let bench = bench();
    let mode = || fs::metadata(bench.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(bench.path(), Permissions::from_mode(0o640)).unwrap();
    let refused = bench.reopened().err().unwrap().to_string();
    let path = bench.path().display().to_string();
    assert_eq!(refused, format!("others can read the key file {path} (mode 0640): run chmod 600 {path}"));
}

#[test]
fn missing_existing_and_damaged_files_are_told_apart() {
    let bench = bench();
    assert!(matches!(Vault::load(bench.folder.path().join("none"), World::system()), Err(VaultError::Missing { .. })));
    assert!(matches!(Vault::create(bench.path(), World::system()), Err(VaultError::Exists { .. })));
    let good = fs::read_to_string(bench.path()).unwrap();
    for bad in [
        good[..good.len() / 2].to_owned(),
        "{}".to_owned(),
        good.replace("\"server\": \"server/1\"", "\"server\": \"server/2\""),
    ] {
        fs::write(bench.path(), bad).unwrap();
        assert!(matches!(bench.reopened(), Err(VaultError::Damaged { .. })));
    }
    let nowhere = bench.folder.path().join("none/keys.json");
    assert!(matches!(Vault::create(nowhere, World::system()), Err(VaultError::Unwritable { .. })));
}
