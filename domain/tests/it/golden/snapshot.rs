//! What a snapshot of this fold keeps. A node that starts from one must stand where a node stands that read everything:
//! so whatever changes what is kept, or what an event folds to, is another version of the fold.

use std::fs;
use std::path::Path;

use domain::ledger::{Fold, Verdict};
use domain::state::FOLD_VERSION;

use super::ledger::chain;

const HINT: &str = "what the fold makes of the ledger, or what a snapshot keeps of it, has changed: raise FOLD_VERSION \
                    (domain/src/state.rs), so that no node starts from a snapshot of the old fold, delete the file of \
                    the old version, and run `make schemas`";

#[test]
fn a_snapshot_of_this_version_of_the_fold_says_what_it_always_said() {
    let file = format!("tests/golden/fold.v{FOLD_VERSION}.json");
    let kept = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file));
    let kept = kept.unwrap_or_else(|error| panic!("domain/{file}: {error}; `make schemas` writes it"));
    let restored = Fold::restore(&kept).unwrap_or_else(|error| panic!("domain/{file}: {error}; {HINT}"));
    let mut fold = Fold::default();
    // The chain grows; the file stays where it was taken.
    for sample in chain().iter().take(restored.chain.sequence as usize) {
        assert_eq!(fold.apply(sample.text.as_bytes()), Verdict::Applies);
    }
    assert!(restored == fold, "domain/{file} is not what the golden ledger folds to; {HINT}");
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(json(&kept), json(&fold.snapshot().unwrap()), "domain/{file}: {HINT}");
}

#[test]
fn there_is_one_snapshot_that_of_the_newest_fold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folds: Vec<String> = names.filter(|name| name.starts_with("fold.")).collect();
    assert_eq!(folds, [format!("fold.v{FOLD_VERSION}.json")]);
}
