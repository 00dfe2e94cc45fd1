//! `make schemas`: writes what is frozen and not there yet. A file that exists is never written again.
//!
//! That is the schema of each published shape, and a snapshot of the golden ledger by this version of the fold.

use std::path::Path;
use std::{fs, io};

use domain::ledger::{Commit, Fold, Verdict};
use domain::published;
use domain::state::FOLD_VERSION;

fn main() -> io::Result<()> {
    let domain = Path::new(env!("CARGO_MANIFEST_DIR"));
    for shape in published::all() {
        let Some(mut schema) = shape.schema.clone() else { continue };
        schema.insert("title".to_owned(), format!("{} version {}", shape.name, shape.version).into());
        freeze(&domain.join("schemas").join(shape.file_name()), || Ok(format!("{:#}", schema.as_value())))?;
    }
    let golden = domain.join("tests/golden");
    freeze(&golden.join(format!("fold.v{FOLD_VERSION}.json")), || snapshot(&golden.join("ledger")))
}

fn freeze(path: &Path, text: impl FnOnce() -> io::Result<String>) -> io::Result<()> {
    if !path.exists() {
        fs::write(path, text()? + "\n")?;
        println!("froze {}", path.display());
    }
    Ok(())
}

/// The golden ledger, folded up to where its state says the most.
fn snapshot(ledger: &Path) -> io::Result<String> {
    let mut commits = vec![];
    for entry in fs::read_dir(ledger)? {
        let mut record = fs::read(entry?.path())?;
        // The line break at the end belongs to the file.
        record.pop_if(|last| *last == b'\n');
        let stamp = Commit::peek(&record).map_err(io::Error::other)?;
        commits.push((stamp.sequence, record));
    }
    commits.sort();
    let mut fold = Fold::default();
    let (mut most, mut fullest) = (0, vec![]);
    for (sequence, record) in commits {
        let verdict = fold.apply(&record);
        if verdict != Verdict::Applies {
            return Err(io::Error::other(format!("golden commit {sequence}: {verdict:?}")));
        }
        let said = serde_json::to_vec(&fold.state)?.len();
        if said > most {
            (most, fullest) = (said, fold.snapshot().unwrap_or_default());
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&fullest)?;
    Ok(format!("{json:#}"))
}
