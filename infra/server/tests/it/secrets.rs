//! No secret, and no name or address of a person, lies in the data folder in the clear, nor in what the server says.

use std::collections::BTreeSet;
use std::path::Path;

use infra_testkit::{Door, ServerProcess, Stream, TestAdmin, TestHost, folder};
use rusqlite::types::ValueRef;
use serde_json::json;

use crate::house::{SOON, fresh};

/// What begins anything that zstd wrote.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The two files that are meant for the owner.
const MEANT: [&str; 2] = ["admin-password", "enroll-secret"];

/// What must not be found, with a word for what it is.
struct Needles(Vec<(&'static str, String)>);

impl Needles {
    fn found_in(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let text = String::from_utf8_lossy(bytes);
        self.0.iter().filter(|(_, needle)| text.contains(needle.as_str())).map(|(what, _)| *what).collect()
    }
}

/// Everything that can be read in a file: its bytes, what is compressed in them, and what SQLite keeps in pieces.
fn readings(file: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let mut readings = unpacked(&bytes);
    if bytes.starts_with(b"SQLite format 3\0") {
        readings.extend(cells(file).iter().flat_map(|cell| unpacked(cell)));
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

#[tokio::test]
async fn no_secret_and_no_person_is_in_the_clear() {
    let base = fresh("secrets");
    let (data, door) = (base.join("data"), Door::shut());
    let muster = Path::new(env!("CARGO_BIN_EXE_muster"));
    let settings = ["--log", "debug", "--snapshot-interval-s", "1"];
    let server = ServerProcess::start(muster, &data, &settings, &door).await.unwrap();
    let admin = infra_testkit::crash::first_admin(&door, &data).await.unwrap();
    let first = std::fs::read_to_string(data.join("admin-password")).unwrap();
    let password = first.lines().find_map(|line| line.strip_prefix("password:")).unwrap().trim().to_owned();
    let secret = std::fs::read_to_string(data.join("enroll-secret")).unwrap().trim().to_owned();
    let mut needles = vec![
        ("the first admin's password", password.clone()),
        ("the first admin's address", "admin@localhost".to_owned()),
        ("a session token", admin.token.clone()),
        ("the enroll secret", secret.clone()),
    ];

    // People: made, changed, refused, signed in, deleted.
    let (name, email, own) = ("Zephyrine Quartermaine", "zephyrine@quartermaine.example", "Plumbago-77-serenade");
    let body = json!({"name": name, "email": email, "password": own, "global_role": "observer", "admin_forced_password_reset": false});
    let user = admin.post("users/admin", body).await.ok()["user"]["id"].as_u64().unwrap();
    let person = TestAdmin::login(&door, email, own).await.unwrap();
    assert!(TestAdmin::login(&door, email, "Wrong-77-Nightingale").await.is_err());
    let changed = json!({"old_password": own, "new_password": "Verdigris-88-cantata"});
    person.post("change_password", changed).await.ok();
    admin.patch(&format!("users/{user}"), json!({"name": "Ottoline Featherstone"})).await.ok();
    let robot = json!({"name": "Marmaduke Robot", "email": "marmaduke@robots.example", "password": "Cobalt-99-madrigal",
        "global_role": "admin", "api_only": true, "admin_forced_password_reset": false});
    let robot = admin.post("users/admin", robot).await.ok();
    let token = robot["token"].as_str().unwrap().to_owned();
    TestAdmin::with_token(&door, &token).get("hosts").await.ok();
    admin.delete(&format!("users/{}", robot["user"]["id"])).await.ok();
    needles.extend([
        ("a name", name.to_owned()),
        ("an address", email.to_owned()),
        ("a password", own.to_owned()),
        ("a wrong password", "Wrong-77-Nightingale".to_owned()),
        ("a new password", "Verdigris-88-cantata".to_owned()),
        ("a new name", "Ottoline Featherstone".to_owned()),
        ("a deleted person's name", "Marmaduke Robot".to_owned()),
        ("a deleted person's address", "marmaduke@robots.example".to_owned()),
        ("a deleted person's password", "Cobalt-99-madrigal".to_owned()),
        ("an API token", token),
        ("another session token", person.token.clone()),
    ]);

    // Secrets that lead in, and keys that came of them.
    let team =
        admin.post("teams", json!({"name": "secretive", "secrets": [{"secret": "hemlock-and-larkspur"}]})).await.ok();
    let made = team["team"]["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let spec = json!({"spec": {"secrets": [{"secret": secret}, {"secret": "nightshade-and-foxglove"}]}});
    admin.post("spec/enroll_secret", spec).await.ok();
    needles.push(("a team's secret", "hemlock-and-larkspur".to_owned()));
    needles.push(("another enroll secret", "nightshade-and-foxglove".to_owned()));
    assert_eq!(made, "hemlock-and-larkspur");
    for secret in [secret.as_str(), "hemlock-and-larkspur", "nightshade-and-foxglove", "hemlock-and-wolfsbane"] {
        let mut host = TestHost::new(&door, &format!("keeper-of-{}", secret.len()));
        host.enrol(secret).await;
        if host.key().is_empty() {
            continue;
        }
        host.settle().await;
        host.config(None).await.done();
        host.log("result", &[json!({"name": "x", "columns": {"a": "b"}})]).await.done();
        let session = host.carve(b"carved", 8_192, "request").await;
        needles.push(("a node key", host.key().to_owned()));
        needles.push(("a carve's session", session));
    }
    needles.push(("a wrong enroll secret", "hemlock-and-wolfsbane".to_owned()));

    // A live query and its reader, whose token went over the socket; and somebody with a made-up key.
    let body = json!({"query": "SELECT 1", "selected": {"labels": ["All Hosts"]}});
    let campaign = admin.post("queries/run_by_identifiers", body).await.ok()["campaign"]["id"].as_u64().unwrap();
    Stream::of(&admin, campaign).await.hear("status", SOON).await;
    let mut stranger = TestHost::new(&door, "stranger");
    stranger.take_key("belladonna-and-bryony-key");
    assert!(stranger.read().await.node_invalid());
    needles.push(("a key that nobody has", "belladonna-and-bryony-key".to_owned()));
    for path in ["users", "activities", "teams", "spec/enroll_secret", "config"] {
        admin.get(path).await.ok();
    }
    admin.post("logout", json!({})).await.ok();
    let said = server.said.clone();
    // A stop takes a snapshot, too.
    server.stop().await.unwrap();

    let needles = Needles(needles);
    assert!(needles.0.iter().filter(|(what, _)| *what == "a node key").count() == 3);
    let mut read = 0;
    for file in folder::files(&data) {
        if file.parent() == Some(&data) && MEANT.iter().any(|meant| file.ends_with(meant)) {
            assert!(!needles.found_in(&std::fs::read(&file).unwrap()).is_empty(), "the search finds what is there");
            continue;
        }
        for reading in readings(&file) {
            read += 1;
            let found = needles.found_in(&reading);
            assert!(found.is_empty(), "{} holds in the clear: {found:?}", file.display());
        }
    }
    assert!(read > 20, "only {read} readings: is this the data folder?");
    // The password of the first run is shown once, on purpose.
    let mut said = String::from_utf8_lossy(&std::fs::read(said).unwrap()).into_owned();
    said = said.lines().filter(|line| !line.starts_with("muster: ")).collect::<Vec<_>>().join("\n");
    let found = needles.found_in(said.as_bytes());
    assert!(found.is_empty(), "the server told {found:?}");
}

#[test]
fn the_search_sees_into_compressed_blobs_and_databases() {
    let base = fresh("search");
    let packed = zstd::encode_all(&b"deep in a blob: larkspur"[..], 3).unwrap();
    std::fs::write(base.join("blob"), [b"HEAD", &packed[..]].concat()).unwrap();
    let store = rusqlite::Connection::open(base.join("store.db")).unwrap();
    store.execute_batch("CREATE TABLE t (a TEXT, b BLOB)").unwrap();
    let long = format!("{}foxglove", "x".repeat(100_000));
    store.execute("INSERT INTO t VALUES (?, ?)", (long, packed)).unwrap();
    drop(store);
    let needles = Needles(vec![("one", "larkspur".to_owned()), ("two", "foxglove".to_owned())]);
    let found = |file: &str| -> BTreeSet<&str> {
        readings(&base.join(file)).iter().flat_map(|reading| needles.found_in(reading)).collect()
    };
    assert_eq!(found("blob"), ["one"].into());
    assert_eq!(found("store.db"), ["one", "two"].into());
}
