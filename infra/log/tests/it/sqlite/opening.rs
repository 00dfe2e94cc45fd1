//! What is refused, in words that help, before anything is changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use infra_log::sqlite::OpenError;
use infra_log::suite::{draft, everything};
use infra_log::{Log, Partition, Topic};

use super::Place;

/// A log of two days with something in it.
async fn filled() -> Place {
    let place = Place::new();
    let log = place.open();
    for _ in 0..2 {
        for partition in [
            Topic::Ledger.only(),
            Partition { topic: Topic::Hosts, index: 1 },
            Partition { topic: Topic::Results, index: 1 },
        ] {
            let drafts = (0..100).map(|number| draft(format!("{number} {}", "x".repeat(3000)))).collect();
            log.append(partition, drafts).await.unwrap();
        }
        place.hand.move_on(1);
    }
    drop(log);
    place
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Opens, expects a refusal whose text has all these words, and that no file was changed.
#[track_caller]
fn refused(place: &Place, words: &[&str]) -> OpenError {
    let before = contents(place.path());
    let Err(error) = place.try_open() else { panic!("it was opened") };
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains('\n') && text.len() < 400, "{text}");
    assert!(before == contents(place.path()), "a file was changed");
    error
}

#[test]
fn a_second_open_names_the_folder_and_the_process() {
    let place = Place::new();
    let log = place.open();
    let pid = std::process::id();
    let error = refused(&place, &[place.path().to_str().unwrap(), &format!("process {pid};")]);
    assert!(matches!(error, OpenError::InUse { pid: Some(holder), .. } if holder == pid));
    drop(log);
    place.open();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let folder = file.join("data");
    let error = infra_log::sqlite::Sqlite::open(&folder, place.hand.clock()).err().unwrap();
    assert!(matches!(&error, OpenError::Unwritable { .. }));
    assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
}

/// Ten pages of rows in the middle, which nobody reads to open a log.
fn overwrite(bytes: &mut [u8]) {
    let middle = bytes.len() / 4096 / 2;
    bytes[middle * 4096..(middle + 10) * 4096].fill(0xAB);
}

#[tokio::test]
async fn damage_is_found_and_named_before_anything_is_changed() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage, &str); 6] = [
        ("emptied", |bytes| bytes.clear(), "empty"),
        ("cut in its header", |bytes| bytes.truncate(50), "cut short"),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2), "cut short"),
        ("overwritten at its start", |bytes| bytes[..16].fill(7), "no SQLite file"),
        ("another program's", |bytes| bytes[68..72].fill(0), "no file of this log"),
        ("overwritten inside", |bytes| overwrite(bytes), "damaged"),
    ];
    let place = filled().await;
    for file in ["ledger.db", "results-2026-11-22.db", "results-2026-11-23.db"] {
        for (name, damage, word) in &damages {
            if *name == "overwritten inside" && file == "results-2026-11-22.db" {
                continue; // older days are looked at when they are read
            }
            let path = place.path().join(file);
            let whole = std::fs::read(&path).unwrap();
            let mut bytes = whole.clone();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
            let error = refused(&place, &[path.to_str().unwrap(), word]);
            assert!(matches!(error, OpenError::Damaged { .. }), "{file} {name}: {error}");
            std::fs::write(&path, whole).unwrap();
        }
    }
    assert_eq!(place.open().end(Topic::Ledger.only()).await.unwrap(), 200);
}

#[tokio::test]
async fn damage_in_an_older_file_is_named_when_it_is_read() {
    let place = filled().await;
    let path = place.path().join("results-2026-11-22.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    bytes[(pages - 60) * 4096..].fill(0xAB);
    std::fs::write(&path, bytes).unwrap();
    let log = place.open();
    let partition = Partition { topic: Topic::Results, index: 1 };
    let error = log.read(partition, 0, 1000, 1 << 30).await.unwrap_err();
    assert!(error.to_string().contains("results-2026-11-22.db"), "{error}");
    assert_eq!(log.read(partition, 100, 1000, 1 << 30).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_newer_release_is_not_guessed_at() {
    let place = filled().await;
    let path = place.path().join("ledger.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&2u32.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(refused(&place, &["ledger.db", "newer release"]), OpenError::Newer { found: 2, known: 1, .. }));
}

#[tokio::test]
async fn a_missing_ledger_is_not_begun_anew_beside_the_rest() {
    let place = filled().await;
    std::fs::remove_file(place.path().join("ledger.db")).unwrap();
    assert!(matches!(refused(&place, &["ledger.db is missing"]), OpenError::LedgerMissing { .. }));
    for file in place.files() {
        std::fs::remove_file(place.path().join(file)).unwrap();
    }
    std::fs::write(place.path().join("ledger.db-wal"), "left over").unwrap();
    refused(&place, &["ledger.db is missing", "ledger.db-wal"]);
    std::fs::remove_file(place.path().join("ledger.db-wal")).unwrap();
    assert_eq!(place.open().end(Topic::Ledger.only()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_half_made_by_a_crash_is_made_again() {
    let place = filled().await;
    std::fs::write(place.path().join("results-2026-11-24.db.new"), "half").unwrap();
    std::fs::write(place.path().join("notes.db.new"), "not ours").unwrap();
    let log = place.open();
    assert!(!place.path().join("results-2026-11-24.db.new").exists() && place.path().join("notes.db.new").exists());
    let partition = Partition { topic: Topic::Results, index: 1 };
    log.append(partition, vec![draft("on")]).await.unwrap();
    assert_eq!(everything(&log, partition).await.len(), 201);
}
