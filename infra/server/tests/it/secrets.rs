//! No secret, and no name or address of a person, lies in the data folder in the clear, nor in what the server says: after
//! every way in was used, after a crash, and after a stop.

mod search;

use std::path::Path;

use infra_testkit::{Door, Event, ServerProcess, Stream, TestAdmin, TestHost, folder};
use serde_json::{Value, json};

use crate::house::{SOON, fresh};
use crate::walk::{Site, walk};
use search::{Needles, readings, search};

/// A server that is used in every way in which secrets come in, and what went in.
struct Story {
    door: Door,
    admin: TestAdmin,
    /// Of the first run.
    secret: String,
    needles: Needles,
}

#[tokio::test]
async fn no_secret_and_no_person_is_in_the_clear() {
    let base = fresh("secrets");
    let (data, door) = (base.join("data"), Door::shut());
    let muster = Path::new(env!("CARGO_BIN_EXE_muster"));
    let settings = ["--log", "debug", "--snapshot-interval-s", "1"];
    let server = ServerProcess::start(muster, &data, &settings, &door).await.unwrap();
    let mut story = Story::begin(&door, &data).await;
    story.vault_keys(&data);
    story.people(&data).await;
    story.settings().await;
    story.hosts().await;
    let site = Site { door: &door, admin: &story.admin.clone(), secret: &story.secret.clone(), data: &data };
    for (number, prefix) in ["/api/osquery", "/api/v1/osquery"].into_iter().enumerate() {
        let given = walk(&site, number, prefix).await;
        story.needles.add("a node key", given.key);
        story.needles.add("a carve's session", given.carve_session);
    }
    story.live().await;
    story.reads().await;
    let needles = &story.needles;
    assert_eq!((needles.count("a node key"), needles.count("a carve's session")), (5, 5));

    // As a crash leaves it, with what SQLite has not yet moved into its files; and as a stop leaves it.
    let said = server.said.clone();
    server.kill().unwrap();
    let crashed = base.join("crashed");
    copy(&data, &crashed);
    assert!(folder::files(&crashed).iter().any(|file| file.to_str().unwrap().ends_with("-wal")), "there is a journal");
    let server = ServerProcess::start(muster, &data, &settings, &door).await.unwrap();
    story.admin.post("logout", json!({})).await.ok();
    server.stop().await.unwrap();
    for folder in [&crashed, &data] {
        let searched = search(folder, needles);
        assert_eq!(searched.findings, Vec::<String>::new(), "{}", folder.display());
        assert!(searched.readings > 40, "only {} readings: is this the data folder?", searched.readings);
    }

    // A first run tells the first admin's address, and where the password is.
    let said = std::fs::read_to_string(said).unwrap();
    let (first, rest): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("muster: the first admin is "));
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(needles.found_in(first[0].as_bytes()), ["the first admin's address"].into());
    assert!(rest.len() > 20, "the server was told to talk");
    assert_eq!(needles.found_in(rest.join("\n").as_bytes()), [].into(), "the server told it");

    // And each would have been found.
    std::fs::write(data.join("blobs/note"), zstd::encode_all(&b"by Ottoline Featherstone"[..], 3).unwrap()).unwrap();
    let views = rusqlite::Connection::open(data.join("views.db")).unwrap();
    let sealed = format!("{}\"Plumbago-77-Serenade\"", "x".repeat(50_000));
    views.execute_batch("CREATE TABLE planted (a TEXT)").unwrap();
    views.execute("INSERT INTO planted VALUES (?)", [sealed]).unwrap();
    drop(views);
    std::fs::write(data.join("enroll-secret"), &story.admin.token).unwrap();
    let findings = search(&data, needles).findings;
    let wanted = [
        r#"blobs/note holds in the clear: {"a new name"}"#,
        r#"enroll-secret holds {"a session token"}, not ["the enroll secret"]"#,
        r#"views.db holds in the clear: {"a password"}"#,
    ];
    assert_eq!(findings, wanted);
}

/// The lines of a PEM file, without its frame, as one text.
fn pem(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    for file in folder::files(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(&file, &copy).unwrap();
    }
}

impl Story {
    async fn begin(door: &Door, data: &Path) -> Story {
        let admin = infra_testkit::crash::first_admin(door, data).await.unwrap();
        let first = std::fs::read_to_string(data.join("admin-password")).unwrap();
        let password = first.lines().find_map(|line| line.strip_prefix("password:")).unwrap().trim();
        let secret = std::fs::read_to_string(data.join("enroll-secret")).unwrap().trim().to_owned();
        let vault: Value = serde_json::from_slice(&std::fs::read(data.join("vault.json")).unwrap()).unwrap();
        let mut needles = Needles::default();
        needles.add("the first admin's address", "admin@localhost");
        needles.add("the first admin's password", password);
        needles.add("a session token", &*admin.token);
        needles.add("the enroll secret", &*secret);
        needles.add("a key of the vault", vault["digest"].as_str().unwrap());
        needles.add("the CA's private key", pem(&data.join("tls/ca.key")));
        needles.add("the server's private key", pem(&data.join("tls/server.key")));
        Story { door: door.clone(), admin, secret, needles }
    }

    /// Keys come with people, and go with those who are erased.
    fn vault_keys(&mut self, data: &Path) {
        let vault: Value = serde_json::from_slice(&std::fs::read(data.join("vault.json")).unwrap()).unwrap();
        for key in vault["keys"].as_object().unwrap().values() {
            self.needles.add("a key of the vault", key.as_str().unwrap());
        }
    }

    fn token(&mut self, what: &'static str, answer: &Value) -> String {
        let token = answer["token"].as_str().unwrap().to_owned();
        self.needles.add(what, &*token);
        token
    }

    /// Made, changed, refused, signed in, told to choose another password, given roles, deleted.
    async fn people(&mut self, data: &Path) {
        let admin = self.admin.clone();
        let (name, email, own) = ("Zephyrine Quartermaine", "Zephyrine@Quartermaine.example", "Plumbago-77-serenade");
        let body = json!({"name": name, "email": email, "password": own, "global_role": "observer",
            "admin_forced_password_reset": false});
        let user = admin.post("users/admin", body).await.ok()["user"]["id"].as_u64().unwrap();
        let person = TestAdmin::login(&self.door, email, own).await.unwrap();
        assert!(TestAdmin::login(&self.door, email, "Wrong-77-Nightingale").await.is_err());
        assert!(TestAdmin::login(&self.door, "stranger@nowhere.example", "Stranger-66-password").await.is_err());
        let changed = json!({"old_password": own, "new_password": "Verdigris-88-cantata"});
        person.post("change_password", changed).await.ok();
        let profile = json!({"name": "Ottoline Featherstone", "email": "ottoline@featherstone.example"});
        admin.patch(&format!("users/{user}"), profile).await.ok();
        admin.post(&format!("users/{user}/require_password_reset"), json!({"require": true})).await.ok();
        let email = "ottoline@featherstone.example";
        let person = TestAdmin::login(&self.door, email, "Verdigris-88-cantata").await.unwrap();
        let reset = json!({"new_password": "Malachite-55-nocturne"});
        person.post("perform_required_password_reset", reset).await.ok();
        let roles = json!({"spec": {"roles": {email: {"global_role": "maintainer", "teams": []}}}});
        admin.post("users/roles/spec", roles).await.ok();
        let who = json!({"list": [{"type": "user", "payload": {"identifier": email}}]});
        admin.post("translate", who).await.ok();
        assert_ne!(admin.post("setup", json!({})).await.status, 200);
        let late = json!({"admin": {"name": "Late Comer Person", "email": "late@comer.example", "password": "Latecomer-44-aria",
            "admin": true}, "org_info": {"org_name": "x"}, "server_url": "https://x.example"});
        assert_ne!(admin.post("/api/v1/setup", late).await.status, 200, "set up already");
        let robot = json!({"name": "Marmaduke Robot", "email": "marmaduke@robots.example", "password": "Cobalt-99-madrigal",
            "global_role": "admin", "api_only": true, "admin_forced_password_reset": false});
        let robot = admin.post("users/admin", robot).await.ok();
        let token = self.token("an API token", &robot);
        TestAdmin::with_token(&self.door, &token).get("hosts").await.ok();
        self.vault_keys(data);
        admin.delete(&format!("users/{}", robot["user"]["id"])).await.ok();
        admin.post(&format!("/api/muster/v1/users/{}/erase", robot["user"]["id"]), json!({})).await.ok();
        for (what, plain) in [
            ("a name", name),
            ("an address", "zephyrine@quartermaine.example"),
            ("an address", "quartermaine.example"),
            ("a password", own),
            ("a wrong password", "Wrong-77-Nightingale"),
            ("a stranger's address", "stranger@nowhere.example"),
            ("a stranger's password", "Stranger-66-password"),
            ("a new password", "Verdigris-88-cantata"),
            ("a password that had to be chosen", "Malachite-55-nocturne"),
            ("a new name", "Ottoline Featherstone"),
            ("a new address", email),
            ("a late name", "Late Comer Person"),
            ("a late address", "late@comer.example"),
            ("a late password", "Latecomer-44-aria"),
            ("a deleted person's name", "Marmaduke Robot"),
            ("a deleted person's address", "marmaduke@robots.example"),
            ("a deleted person's password", "Cobalt-99-madrigal"),
            ("a session token", &person.token),
        ] {
            self.needles.add(what, plain);
        }
    }

    /// What the organisation's settings hold for other services.
    async fn settings(&mut self) {
        let settings = json!({
            "smtp_settings": {"password": "Smtp-mignonette-secret"},
            "integrations": {
                "jira": [{"url": "https://jira.example", "username": "muster", "project_key": "M",
                    "api_token": "jira-token-delphinium"}],
                "zendesk": [{"url": "https://zendesk.example", "email": "desk", "group_id": 1,
                    "api_token": "zendesk-token-gypsophila"}],
                "google_calendar": [{"domain": "example.org", "api_key_json": {"private_key": "calendar-key-snapdragon"}}],
                "digicert": [{"name": "d", "url": "https://d.example", "api_token": "digicert-token-columbine"}],
                "ndes_scep_proxy": {"url": "https://n.example", "username": "n", "password": "ndes-password-aquilegia"},
                "custom_scep_proxy": [{"name": "c", "url": "https://c.example", "challenge": "scep-challenge-hellebore"}],
            },
        });
        let shown = self.admin.patch("config", settings).await.ok();
        assert_eq!(shown["smtp_settings"]["password"], "********");
        for (what, plain) in [
            ("the mail server's password", "Smtp-mignonette-secret"),
            ("Jira's token", "jira-token-delphinium"),
            ("Zendesk's token", "zendesk-token-gypsophila"),
            ("the calendar's key", "calendar-key-snapdragon"),
            ("DigiCert's token", "digicert-token-columbine"),
            ("the password of NDES", "ndes-password-aquilegia"),
            ("a challenge", "scep-challenge-hellebore"),
        ] {
            self.needles.add(what, plain);
        }
    }

    /// Secrets that lead in, and keys that came of them.
    async fn hosts(&mut self) {
        let admin = self.admin.clone();
        let [team, other, wrong] = ["hemlock-and-larkspur", "nightshade-and-foxglove", "hemlock-and-wolfsbane"];
        let made = admin.post("teams", json!({"name": "secretive", "secrets": [{"secret": team}]})).await.ok();
        assert_eq!(made["team"]["secrets"][0]["secret"], team);
        let spec = json!({"spec": {"secrets": [{"secret": self.secret}, {"secret": other}]}});
        admin.post("spec/enroll_secret", spec).await.ok();
        self.needles.add("a team's secret", team);
        self.needles.add("another enroll secret", other);
        self.needles.add("a wrong enroll secret", wrong);
        for (number, secret) in [&*self.secret.clone(), team, other, wrong].into_iter().enumerate() {
            let mut host = TestHost::new(&self.door, &format!("keeper-{number}"));
            host.enrol(secret).await;
            assert_eq!(host.key().is_empty(), secret == wrong);
            if host.key().is_empty() {
                continue;
            }
            host.settle().await;
            host.config(None).await.done();
            host.log("result", &[json!({"name": "x", "columns": {"a": "b"}})]).await.done();
            let session = host.carve(b"carved", 8_192, "request").await;
            self.needles.add("a node key", host.key());
            self.needles.add("a carve's session", session);
        }
        let mut stranger = TestHost::new(&self.door, "stranger");
        stranger.take_key("belladonna-and-bryony-key");
        assert!(stranger.read().await.node_invalid());
        self.needles.add("a key that nobody has", "belladonna-and-bryony-key");
    }

    /// Live queries and their readers, whose token goes over the socket.
    async fn live(&self) {
        let body = json!({"query": "SELECT 1", "selected": {"labels": ["All Hosts"]}});
        let started = self.admin.post("queries/run_by_identifiers", body).await.ok();
        let campaign = started["campaign"]["id"].as_u64().unwrap();
        Stream::of(&self.admin, campaign).await.hear("status", SOON).await;
        let body = json!({"query": "SELECT 1", "selected": {"labels": ["All Hosts"]}});
        let started = self.admin.post("/api/muster/v1/campaigns", body).await.ok();
        let campaign = started["campaign"]["id"].as_u64().unwrap();
        let said = Stream::follow(&self.admin, campaign, None).await.unwrap().next(SOON).await;
        assert!(matches!(said, Event::Message { .. }), "{said:?}");
    }

    /// What is shown is read from somewhere: it must not be kept there in the clear for that.
    async fn reads(&self) {
        let pages = [
            "users",
            "users?query=ottoline",
            "activities",
            "teams",
            "spec/enroll_secret",
            "config",
            "queries",
            "hosts",
        ];
        for path in pages {
            self.admin.get(path).await.ok();
        }
        let users = self.admin.get("users").await.ok();
        assert!(users.to_string().contains("Ottoline Featherstone"), "people are shown by their names: {users}");
    }
}

#[test]
fn the_search_sees_into_compressed_blobs_and_databases() {
    let base = fresh("search");
    let packed = zstd::encode_all(&b"deep in a blob: larkspur"[..], 3).unwrap();
    std::fs::write(base.join("blob"), [b"HEAD", &packed[..]].concat()).unwrap();
    let store = rusqlite::Connection::open(base.join("store.db")).unwrap();
    store.execute_batch("CREATE TABLE t (a TEXT, b BLOB)").unwrap();
    let long = format!("{}FoxGlove", "x".repeat(100_000));
    store.execute("INSERT INTO t VALUES (?, ?)", (long, packed)).unwrap();
    drop(store);
    std::fs::write(base.join("other"), "Zm94Z2xvdmU= 6c61726b73707572").unwrap();
    let mut needles = Needles::default();
    needles.add("one", "larkspur");
    needles.add("two", "foxglove");
    let found = |file: &str| {
        let (path, mut found) = (base.join(file), std::collections::BTreeSet::new());
        readings(&path, std::fs::read(&path).unwrap())
            .iter()
            .for_each(|reading| found.extend(needles.found_in(reading)));
        Vec::from_iter(found)
    };
    assert_eq!(found("blob"), ["one"]);
    assert_eq!(found("store.db"), ["one", "two"]);
    assert_eq!(found("other"), ["one", "two"], "in base64 and in hex");
}
