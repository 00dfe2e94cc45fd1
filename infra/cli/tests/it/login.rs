//! Logging in and out.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use crate::cli::Cli;
use crate::fake::Fake;

fn server() -> Fake {
    let fake = Fake::start();
    fake.on("POST /api/latest/fleet/login", |asked| {
        if asked.body["password"] == " s3cret pass! " && asked.body["email"] == "ann@example.com" {
            (200, json!({"user": {"id": 1, "force_password_reset": false}, "available_teams": [], "token": "fresh-t0ken"}))
        } else {
            (401, json!({"message": "Authentication failed", "errors": [{"name": "base", "reason": "Authentication failed"}]}))
        }
    });
    fake.answers("POST /api/latest/fleet/logout", json!({}));
    fake.answers("GET /api/latest/fleet/labels", json!({"labels": []}));
    fake
}

fn log_in(cli: &Cli, fake: &Fake) {
    let password = cli.home().join("password");
    std::fs::write(&password, " s3cret pass! \n").unwrap();
    let arguments = [
        "login",
        "--server",
        &fake.address,
        "--email",
        "ann@example.com",
        "--password-file",
        password.to_str().unwrap(),
    ];
    cli.run(&arguments).expect(0).says("logged in to http://127.0.0.1");
}

#[test]
fn login_keeps_server_and_token_for_the_owner_alone() {
    let (fake, cli) = (server(), Cli::new());
    log_in(&cli, &fake);
    let facts = std::fs::metadata(cli.config()).unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(cli.config()).unwrap();
    let config: toml::Table = text.parse().unwrap();
    assert_eq!(config["server"].as_str(), Some(fake.address.as_str()));
    assert_eq!(config["token"].as_str(), Some("fresh-t0ken"));
    assert!(!text.contains("s3cret"), "{text}");

    cli.run(&["get", "labels"]).expect(0);
    assert_eq!(fake.asked("GET /api/latest/fleet/labels")[0].token.as_deref(), Some("fresh-t0ken"));
}

#[test]
fn the_password_comes_from_standard_input_when_that_is_no_terminal() {
    let (fake, cli) = (server(), Cli::new());
    let mut command = cli.command(&["login", "--server", &fake.address, "--email", "ann@example.com"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b" s3cret pass! \n").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(cli.config().exists());
}

#[test]
fn a_wrong_password_leaves_nothing_behind() {
    let (fake, cli) = (server(), Cli::new());
    std::fs::write(cli.home().join("password"), "wrong").unwrap();
    let arguments = ["login", "--server", &fake.address, "--email", "ann@example.com", "--password-file", "password"];
    cli.run(&arguments).expect(2).says("does not know this e-mail address with this password");
    assert!(!cli.config().exists());
}

#[test]
fn a_password_that_must_be_replaced_is_replaced_at_login() {
    let (fake, cli) = (Fake::start(), Cli::new());
    let session =
        json!({"user": {"id": 1, "force_password_reset": true}, "available_teams": [], "token": "fresh-t0ken"});
    fake.answers("POST /api/latest/fleet/login", session);
    fake.answers("POST /api/latest/fleet/perform_required_password_reset", json!({"user": {"id": 1}}));
    let file = |name: &str, text: &str| {
        std::fs::write(cli.home().join(name), text).unwrap();
        cli.home().join(name).to_str().unwrap().to_owned()
    };
    let (old, new) = (file("old", "first-Passw0rd\n"), file("new", "second-Passw0rd\n"));
    let login = ["login", "--server", &fake.address, "--email", "ann@example.com", "--password-file", &old];
    cli.run(&login).expect(2).says("give it with --new-password-file");
    assert!(fake.asked("POST /api/latest/fleet/perform_required_password_reset").is_empty());

    cli.run(&[&login[..], &["--new-password-file", &new]].concat()).expect(0).says("the new password is set");
    let asked = &fake.asked("POST /api/latest/fleet/perform_required_password_reset")[0];
    assert_eq!((asked.token.as_deref(), &asked.body["new_password"]), (Some("fresh-t0ken"), &json!("second-Passw0rd")));
}

#[test]
fn a_second_factor_is_passed_on() {
    let (fake, cli) = (server(), Cli::new());
    fake.on("POST /api/latest/fleet/login", |_| (202, json!({"message": "We sent an email to you."})));
    std::fs::write(cli.home().join("password"), "any").unwrap();
    let arguments = ["login", "--server", &fake.address, "--email", "ann@example.com", "--password-file", "password"];
    cli.run(&arguments).expect(2).says("We sent an email to you.");
    assert!(!cli.config().exists());
}

#[test]
fn logout_ends_the_session_and_forgets_the_token() {
    let (fake, cli) = (server(), Cli::new());
    log_in(&cli, &fake);
    cli.run(&["logout"]).expect(0).says("logged out");
    assert_eq!(fake.asked("POST /api/latest/fleet/logout")[0].token.as_deref(), Some("fresh-t0ken"));
    let text = std::fs::read_to_string(cli.config()).unwrap();
    assert!(!text.contains("token") && text.contains(&fake.address), "{text}");
    cli.run(&["logout"]).expect(0).says("you were not logged in");
}

#[test]
fn the_file_can_be_elsewhere_and_the_environment_comes_first() {
    let (fake, cli) = (server(), Cli::new().with("MUSTER_CONFIG", "here/c.toml"));
    log_in(&cli, &fake);
    assert!(cli.home().join("here/c.toml").exists() && !cli.config().exists());
    let other = Fake::start();
    other.answers("GET /api/latest/fleet/labels", json!({"labels": []}));
    // The stored token is not for that server, so it is not sent there.
    cli.run(&["get", "labels", "--server", &other.address]).expect(0);
    assert_eq!(other.asked("GET /api/latest/fleet/labels")[0].token, None);
}
