//! Campaigns that exist already.

use serde_json::{Value, json};

use crate::cli::Cli;
use crate::fake::{self, Fake};

#[test]
fn campaigns_are_listed_and_shown() {
    let fake = Fake::start();
    let named = {
        let mut named = fake::campaign("expired", [1, 0, 1, 0, 2]);
        named["name"] = "open ports".into();
        named["author"] = Value::Null;
        named
    };
    fake.answers(
        "GET /api/muster/v1/campaigns",
        json!({"campaigns": [fake::campaign("running", [2, 1, 0, 3, 0]), named], "count": 2}),
    );
    fake.answers("GET /api/muster/v1/campaigns/42", json!({"campaign": fake::campaign("running", [2, 1, 0, 3, 0])}));
    let cli = Cli::with_token(&fake.address);
    let list = [
        "id  state    started               by   answered  rows  query",
        "--  -------  --------------------  ---  --------  ----  ----------",
        "42  running  2026-11-22T10:00:00Z  Ann  3 of 6    3     SELECT 1",
        "42  expired  2026-11-22T10:00:00Z       2 of 4    3     open ports",
        "",
    ];
    assert_eq!(cli.run(&["campaign", "list"]).expect(0).out, list.join("\n"));
    let shown = cli.run(&["campaign", "show", "42"]).expect(0).out;
    assert!(
        shown.contains("hosts.waiting   3\n") && shown.contains("expires_at      2026-11-23T10:00:00Z\n"),
        "{shown}"
    );
    let json = cli.run(&["campaign", "show", "42", "--format", "json"]).expect(0).out;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), fake::campaign("running", [2, 1, 0, 3, 0]));
}

#[test]
fn errors_are_shown_as_the_server_groups_them() {
    let fake = Fake::start();
    fake.answers(
        "GET /api/muster/v1/campaigns/42/errors",
        json!({"errors": [{"message": "no such table: foo", "hosts": 12,
        "first_at": "2026-11-22T10:00:00Z", "last_at": "2026-11-22T10:00:09Z", "host_ids": [1, 2, 3]}]}),
    );
    let out = Cli::with_token(&fake.address).run(&["campaign", "errors", "42"]).expect(0).out;
    assert_eq!(
        out.lines().last(),
        Some("12     no such table: foo  2026-11-22T10:00:00Z  2026-11-22T10:00:09Z  1, 2, 3")
    );
}

#[test]
fn a_campaign_can_go_on_for_longer() {
    let fake = Fake::start();
    let extend = "POST /api/muster/v1/campaigns/42/extend";
    fake.answers(extend, json!({"campaign": fake::campaign("running", [0, 0, 0, 0, 1])}));
    let cli = Cli::with_token(&fake.address);
    cli.run(&["campaign", "extend", "42", "--hours", "48"]).expect(0).says("goes on until 2026-11-23T10:00:00Z");
    assert_eq!(fake.asked(extend)[0].body, json!({"hours": 48}));
    cli.run(&["campaign", "extend", "42", "--hours", "169"]).expect(2);
}
