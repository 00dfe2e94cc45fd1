//! What goes wrong, in words that say what to do.

use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use crate::cli::Cli;
use crate::fake::{self, Fake, Reply};

#[test]
fn without_a_session_it_says_to_log_in() {
    let fake = Fake::start();
    fake.on("GET /api/latest/fleet/labels", |_| {
        (401, json!({"message": "Authentication required", "errors": [{"name": "base", "reason": "Authentication required"}]}))
    });
    Cli::with_token(&fake.address)
        .run(&["get", "labels"])
        .expect(2)
        .says("you are not logged in")
        .says("musterctl login");
}

#[test]
fn a_problem_is_message_and_reason() {
    let fake = Fake::start();
    fake.on("POST /api/muster/v1/campaigns", |_| {
        (
            400,
            json!({"message": "Bad request", "errors": [{"name": "base", "reason": "no hosts targeted"}], "uuid": "x"}),
        )
    });
    let ran = Cli::with_token(&fake.address).run(&["query", "SELECT 1", "--labels", "nobody"]).expect(2);
    assert_eq!(ran.err, "musterctl: Bad request: no hosts targeted\n");
}

#[test]
fn an_address_where_nobody_answers_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for arguments in [&["get", "hosts"][..], &["campaign", "follow", "42"]] {
        Cli::with_token(&address).run(arguments).expect(2).says("nothing answers at").says(&address);
    }
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    Cli::with_token("http://muster.example").run(&["get", "hosts"]).expect(2).says("in the clear");
}

#[test]
fn without_a_server_it_says_how_to_name_one() {
    Cli::new().run(&["get", "hosts"]).expect(2).says("musterctl login --server");
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let cli = Cli::with_token("http://127.0.0.1:1");
    for arguments in [
        &["query"][..],
        &["query", "SELECT 1"],
        &["query", "SELECT 1", "--name", "x", "--all"],
        &["query", "SELECT 1", "--all", "--hosts", "a"],
        &["query", "SELECT 1", "--all", "--exit", "--wait"],
        &["get", "hosts", "--as-of", "yesterday"],
        &["log", "tail", "ledger", "--from", "here"],
        &["frobnicate"],
    ] {
        cli.run(arguments).expect(2);
    }
    let help = cli.run(&["--help"]).expect(0).out;
    assert!(help.contains("Exit codes:") && help.contains("Examples:") && !help.contains("t0ken"), "{help}");
    assert!(cli.run(&["query", "--help"]).expect(0).out.contains("Exit code 0"));
}

#[test]
fn a_server_that_is_none_of_ours_is_recognised() {
    let fake = Fake::start();
    Cli::with_token(&fake.address).run(&["get", "labels"]).expect(2).says("is it a Muster server");
    fake.answers_text("GET /api/latest/fleet/labels", "<html>");
    Cli::with_token(&fake.address).run(&["get", "labels"]).expect(2).says("something that a Muster server would not");
}

#[test]
fn the_version_is_said_without_a_server_too() {
    let ran = Cli::new().run(&["version"]).expect(0);
    assert!(ran.out.starts_with("musterctl "), "{ran:?}");
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/version", json!({"version": "9.9"}));
    let ran = Cli::with_token(&fake.address).run(&["version"]).expect(0);
    assert!(ran.out.contains("server 9.9"), "{ran:?}");
}

#[test]
fn views_that_lag_are_said_once() {
    let fake = Fake::start();
    fake.replies("GET /api/latest/fleet/users", |_| Reply {
        header: Some(("Muster-Behind", "ledger")),
        ..Reply::of(200, json!({"users": []}))
    });
    let ran = Cli::with_token(&fake.address).run(&["get", "users"]).expect(0);
    assert_eq!(ran.err.matches("the server's views are behind (ledger)").count(), 1, "{ran:?}");
}

#[test]
fn a_token_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/users", json!({"users": []}));
    let cli = Cli::new().with("MUSTER_CONFIG", "c.toml");
    let file = cli.home().join("c.toml");
    std::fs::write(&file, format!("server = \"{}\"\ntoken = \"t\"\n", fake.address)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    cli.run(&["get", "users"]).expect(0).says("chmod 600 c.toml");
}

/// A CA, and a leaf for 127.0.0.1 that it signed.
fn authority() -> (String, rustls::ServerConfig) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (ca.pem(), config)
}

#[test]
fn only_the_given_ca_is_trusted_for_calls_and_sockets_alike() {
    let (right, tls) = authority();
    let (wrong, _) = authority();
    let fake = Fake::with_tls(tls);
    fake.answers("GET /api/latest/fleet/users", json!({"users": []}));
    let cli = Cli::with_token(&fake.address);
    std::fs::write(cli.home().join("right.pem"), right).unwrap();
    std::fs::write(cli.home().join("wrong.pem"), wrong).unwrap();
    for arguments in [&["get", "users"][..], &["campaign", "follow", "42"]] {
        fake.streams(vec![fake::counts([0, 0, 0, 1, 0]), fake::rows(1, 1, json!([{"n": "1"}]))]);
        cli.run(&[arguments, &["--ca", "right.pem"]].concat()).expect(0);
        let refused = cli.run(&[arguments, &["--ca", "wrong.pem"]].concat()).expect(2);
        refused.says("is not signed by the CA in wrong.pem").says("--ca FILE");
        let refused = cli.run(arguments).expect(2);
        refused.says("is not signed by a CA that this computer trusts");
    }
    let plain = fake.address.replace("https://", "http://");
    cli.run(&["get", "users", "--server", &plain]).expect(2);
    assert_eq!(fake.asked("GET /api/latest/fleet/users").len(), 1);
}
