//! Searching a data folder for what must not be there in the clear, wherever it may hide.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use infra_testkit::folder;
use rusqlite::types::ValueRef;

/// What begins anything that zstd wrote.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Files that are meant to hold something for the owner alone, and what each may hold.
const MEANT: [(&str, &[&str]); 5] = [
    // Shown to the person who started the server, who signs in with it and may delete it.
    ("admin-password", &["the first admin's address", "the first admin's password"]),
    // For agents on this machine.
    ("enroll-secret", &["the enroll secret"]),
    // The vault: what is sealed or hashed under a key can be read, or guessed, with this file alone.
    ("vault.json", &["a key of the vault"]),
    // The server shows the one to every client that connects, and signs the other with this.
    ("tls/ca.key", &["the CA's private key"]),
    ("tls/server.key", &["the server's private key"]),
];

/// What must not be found, each with a word for what it is.
#[derive(Default)]
pub struct Needles(Vec<(&'static str, Vec<String>)>);

impl Needles {
    pub fn add(&mut self, what: &'static str, plain: impl Into<String>) {
        use base64::Engine as _;
        let plain = plain.into();
        assert!(plain.len() >= 8, "{what} is too short to be told from noise: {plain:?}");
        let base64 = base64::engine::general_purpose::STANDARD.encode(&plain);
        let hex: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
        let padding = base64.trim_end_matches('=').len();
        self.0.push((what, vec![plain.to_lowercase(), base64[..padding - 1].to_lowercase(), hex]));
    }

    pub fn count(&self, what: &str) -> usize {
        self.0.iter().filter(|(other, _)| *other == what).count()
    }

    /// Without regard to case; also in base64 and in hex.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let found = self.0.iter().filter(|(_, forms)| forms.iter().any(|form| text.contains(form.as_str())));
        found.map(|(what, _)| *what).collect()
    }
}

/// What a search saw.
pub struct Searched {
    /// One sentence for each file that holds what it must not, or is open to others.
    pub findings: Vec<String>,
    /// Texts that were looked through.
    pub readings: usize,
}

/// Looks through every file of a data folder. Opens its databases, so it must be no running server's.
pub fn search(data: &Path, needles: &Needles) -> Searched {
    let mut searched = Searched { findings: Vec::new(), readings: 0 };
    // Opening a database takes the journal beside it away.
    let files: Vec<_> = folder::files(data).into_iter().map(|file| (std::fs::read(&file).unwrap(), file)).collect();
    for (bytes, file) in files {
        let name = file.strip_prefix(data).unwrap().to_str().unwrap().to_owned();
        let meant = MEANT.iter().find(|(meant, _)| *meant == name).map(|(_, what)| *what);
        let mut found = BTreeSet::new();
        for reading in readings(&file, bytes) {
            searched.readings += 1;
            found.extend(needles.found_in(&reading));
        }
        let Some(meant) = meant else {
            searched.findings.extend((!found.is_empty()).then(|| format!("{name} holds in the clear: {found:?}")));
            continue;
        };
        // The search sees what is there, and nothing else is.
        if found != meant.iter().copied().collect() {
            searched.findings.push(format!("{name} holds {found:?}, not {meant:?}"));
        }
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        searched.findings.extend((mode != 0o600).then(|| format!("{name} is open to others: {mode:o}")));
    }
    let here = |name: &str| data.join(name).exists();
    searched
        .findings
        .extend(MEANT.iter().filter(|(name, _)| !here(name)).map(|(name, _)| format!("{name} is not there")));
    searched
}

/// Everything that can be read in a file: its bytes, what is compressed in them, and what SQLite keeps in pieces.
pub fn readings(file: &Path, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut readings = unpacked(&bytes);
    if bytes.starts_with(b"SQLite format 3\0") {
        let cells = cells(file);
        readings.extend(cells.iter().flat_map(|cell| unpacked(cell)));
        readings.push(cells.join(&b'\n'));
    }
    readings.push(bytes);
    readings
}

/// What is compressed somewhere in these bytes.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts = bytes.windows(4).enumerate().filter(|(_, four)| *four == ZSTD).map(|(at, _)| at);
    let decode = |at: usize| {
        let mut decoder = zstd::stream::read::Decoder::new(&bytes[at..]).ok()?.single_frame();
        let mut out = Vec::new();
        // What breaks off is read as far as it goes.
        let _ = std::io::Read::read_to_end(&mut decoder, &mut out);
        (!out.is_empty()).then_some(out)
    };
    starts.filter_map(decode).collect()
}

/// Every cell of every table: large ones are spread over pages.
fn cells(file: &Path) -> Vec<Vec<u8>> {
    let store = rusqlite::Connection::open(file).unwrap();
    let mut tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let mut cells = Vec::new();
    for table in tables {
        let mut all = store.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column).unwrap() {
                    cells.push(bytes.to_vec());
                }
            }
        }
    }
    cells
}
