//! Rows of live queries as a table, as JSON and as CSV.

use serde_json::{Value, json};

use crate::cli::{Cli, Ran};
use crate::fake::{self, Fake};

/// Three rows with everything that trips a writer.
fn odd_rows() -> Value {
    json!([
        {"name": "comma, \"quote\"", "path": "C:\\x", "note": ""},
        {"name": "two\nlines\tand\r", "path": "\u{1b}[31mred\u{9b}", "note": " edge "},
        {"name": "世界 👋 e\u{301}", "path": "\u{202e}gpj.exe", "note": "'=1+1"},
    ])
}

fn query(format: &str, steps: Vec<fake::Step>) -> Ran {
    let fake = Fake::start();
    fake.answers("POST /api/muster/v1/campaigns", json!({"campaign": fake::campaign("running", [0, 0, 0, 1, 0])}));
    fake.streams(steps);
    Cli::with_token(&fake.address).run(&["query", "SELECT 1", "--all", "--format", format])
}

fn odd(format: &str) -> String {
    query(format, vec![fake::counts([0, 0, 0, 1, 0]), fake::rows(1, 7, odd_rows()), fake::counts([1, 0, 0, 0, 0])])
        .expect(0)
        .out
}

#[test]
fn a_table_shows_what_a_terminal_would_obey() {
    let out = odd("table");
    let expected = [
        "host     name               path                 note",
        "-------  -----------------  -------------------  ------",
        "build-7  comma, \"quote\"     C:\\x",
        "build-7  two\\nlines\\tand\\r  \\u{1b}[31mred\\u{9b}   edge",
        "build-7  世界 👋 e\u{301}          \\u{202e}gpj.exe      '=1+1",
        "",
    ];
    assert_eq!(out, expected.join("\n"));
}

#[test]
fn json_is_a_row_a_line_with_its_host_and_loses_nothing() {
    let out = odd("json");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<&Value> = lines.iter().map(|line| &line["row"]).collect();
    assert_eq!(rows, odd_rows().as_array().unwrap().iter().collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line["host"] == "build-7" && line["host_id"] == 7));
}

#[test]
fn csv_reads_back_as_it_was() {
    let expected = "host_display_name,name,path,note\n\
        build-7,\"comma, \"\"quote\"\"\",C:\\x,\n\
        build-7,\"two\nlines\tand\r\",\u{1b}[31mred\u{9b},\" edge \"\n\
        build-7,世界 👋 e\u{301},\u{202e}gpj.exe,'=1+1\n";
    assert_eq!(odd("csv"), expected);
}

#[test]
fn other_columns_get_a_header_of_their_own_in_a_table() {
    let steps = vec![
        fake::counts([0, 0, 0, 2, 0]),
        fake::rows(1, 1, json!([{"a": "1"}])),
        fake::rows(2, 2, json!([{"a": "1", "b": "2"}])),
        fake::counts([2, 0, 0, 0, 0]),
    ];
    assert_eq!(
        query("table", steps).expect(0).out,
        "host     a\n-------  -\nbuild-1  1\n\nhost     a  b\n-------  -  -\nbuild-2  1  2\n"
    );
}

#[test]
fn columns_that_csv_has_no_place_for_are_said() {
    let steps = vec![
        fake::counts([0, 0, 0, 2, 0]),
        fake::rows(1, 1, json!([{"a": "1"}])),
        fake::rows(2, 2, json!([{"b": "2", "a": "1"}])),
        fake::counts([2, 0, 0, 0, 0]),
    ];
    let ran = query("csv", steps).expect(0).says("does not: b;").says("musterctl campaign answers 42 --format csv");
    assert_eq!(ran.out, "host_display_name,a\nbuild-1,1\nbuild-2,1\n");
}

#[test]
fn answers_are_paged_and_csv_has_all_columns() {
    let fake = Fake::start();
    let answer = |position: u64, rows: Value| {
        json!({"position": position, "host": {"id": position, "hostname": format!("h{position}"), "display_name": ""},
            "state": "rows", "rows": rows, "cut": false, "received_at": "2026-11-22T10:00:01Z"})
    };
    fake.on("GET /api/muster/v1/campaigns/42/answers", move |asked| {
        match asked.query.get("after").map(String::as_str) {
            None => (200, json!({"answers": [answer(5, json!([{"a": "1"}]))], "next": 5})),
            Some("5") => {
                (200, json!({"answers": [answer(9, json!([{"b": "2", "a": "3"}, {"a": "4"}]))], "next": null}))
            }
            other => panic!("{other:?}"),
        }
    });
    let ran = Cli::with_token(&fake.address)
        .run(&["campaign", "answers", "42", "--format", "csv", "--state", "rows"])
        .expect(0);
    assert_eq!(ran.out, "host_display_name,a,b\nh5,1,\nh9,3,2\nh9,4,\n");
    let asked = fake.asked("GET /api/muster/v1/campaigns/42/answers");
    assert!(asked.iter().all(|asked| asked.query["state"] == "rows"), "{asked:?}");
}
