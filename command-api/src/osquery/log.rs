//! A host delivers what its scheduled queries found, and what osqueryd says of itself.

use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use agent_protocol::request::LogPost;
use bytes::Bytes;
use domain::config::scheduled_name;
use domain::records::{Line, LineKind};
use domain::{Digest, HostId, State};
use infra_log::{Draft, Topic, parts};
use serde_json::value::RawValue;

use super::Refused;
use super::body::Post;
use super::caller::Caller;
use super::refusal::done;
use super::said::{Said, Shape};
use crate::App;

/// Lines; their members are looked through one line at a time.
const SHAPE: Shape = Shape { levels: 2, member: 64 };

/// Appends a post of lines, each as it came; acknowledged when all are durable.
///
/// `POST log` `{node_key, log_type: "result"|"status", data: [object]}` → 200 `{}`; no lines is no append.
/// Items that are no objects, and results without a name, are passed over. 400 another `log_type`, or `data` that is no
/// list. Of a post that is too large the beginning is taken when the host says it for the third time.
/// Source: osquery remote API, log.
pub async fn log(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    Refused::or(serve(&app, &request, payload).await, &app.world)
}

async fn serve(app: &App, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refused> {
    let limits = &app.settings.limits;
    let body = app.intake.read(app, request, payload, limits.log).await?;
    let said = Said::of(app, body, SHAPE).await?;
    let caller = Caller::of(app, &said.node_key).await?;
    let host = caller.host().id;
    let cut = said.cut;
    let (post, _body) = said.parse(LogPost::parse).await?;
    let (kind, of) = match post.log_type.as_str() {
        "result" => (LineKind::Result, Post::Result),
        "status" => (LineKind::Status, Post::Status),
        other => return Err(Refused::bad(format!("unknown log type {other:?}"))),
    };
    if cut && app.intake.strikes(host, of) {
        return Err(Refused::too_large(limits.log));
    }
    let topic = match kind {
        LineKind::Result => Topic::Results,
        LineKind::Status => Topic::Status,
    };
    let lines = lines(kind, host, &post.data, caller.state(), caller.now);
    let passed_over = post.data.len() - lines.len();
    if passed_over > 0 {
        tracing::warn!(
            host.id = host.0,
            passed_over,
            "a post holds items that are no lines or have no name, they are not kept"
        );
    }
    let drafts = lines.iter().map(drafts).collect::<Result<Vec<_>, _>>()?.concat();
    app.registry.append(topic.partition_of(u64::from(host.0)), drafts).await?;
    match cut {
        true => {
            tracing::error!(host.id = host.0, lines = lines.len(), "a post of lines was too large, its end is lost")
        }
        false => app.intake.forgive(host, of),
    }
    Ok(done())
}

/// The lines worth keeping. Equal lines of one post are numbered, so that the post as a whole can be repeated.
fn lines(
    kind: LineKind,
    host: HostId,
    data: &[Box<RawValue>],
    state: &State,
    recorded: domain::Timestamp,
) -> Vec<Line> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let line = |raw: &RawValue, number: u32| {
        let query = match kind {
            LineKind::Status => None,
            LineKind::Result => {
                let name = name(raw)?;
                scheduled_name(&name).and_then(|(team, name)| state.queries.by_name(team, name)).map(|query| query.id)
            }
        };
        let id: Digest = Line::id_of(host, raw.get().as_bytes(), number);
        Some(Line { kind, host, id, recorded, query, value: one_line(raw.get()) })
    };
    let objects = data.iter().filter(|raw| raw.get().starts_with('{'));
    objects
        .filter_map(|raw| {
            let number = numbers.entry(raw.get()).or_default();
            *number += 1;
            line(raw, *number)
        })
        .collect()
}

/// The name that a result line carries; of equal members the last counts.
fn name(raw: &RawValue) -> Option<String> {
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    serde_json::from_str::<String>(members.get("name")?.get()).ok().filter(|name| !name.is_empty())
}

/// A line has no line breaks: between its members they are blanks, and within text JSON does not have them.
fn one_line(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect()
}

fn drafts(line: &Line) -> Result<Vec<Draft>, Refused> {
    let encoded = line.encode();
    let draft =
        Draft { key: Some(Bytes::from(line.host.to_string())), headers: encoded.headers, value: encoded.value.into() };
    parts::split(draft, &line.id.to_string()).map_err(|error| Refused::bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(texts: &[&str]) -> Vec<Box<RawValue>> {
        texts.iter().map(|text| RawValue::from_string((*text).to_owned()).unwrap()).collect()
    }

    fn kept(kind: LineKind, texts: &[&str]) -> Vec<Line> {
        lines(kind, HostId(7), &raw(texts), &State::default(), domain::Timestamp::EPOCH)
    }

    #[test]
    fn check_40_what_is_no_line_spoils_no_other() {
        let data = [
            r#"{"name":"a"}"#,
            "null",
            "3",
            r#""text""#,
            "[]",
            "{}",
            r#"{"name":7}"#,
            r#"{"name":""}"#,
            r#"{"name":"b"}"#,
        ];
        assert_eq!(kept(LineKind::Result, &data).len(), 2);
        assert_eq!(kept(LineKind::Status, &data).len(), 5, "a status line needs no name");
    }

    #[test]
    fn equal_lines_of_one_post_differ_and_a_repeated_post_does_not() {
        let data = [r#"{"name":"a"}"#, r#"{"name":"b"}"#, r#"{"name":"a"}"#];
        let ids = || kept(LineKind::Result, &data).into_iter().map(|line| line.id).collect::<Vec<_>>();
        assert_eq!(ids(), ids());
        let distinct: std::collections::BTreeSet<_> = ids().into_iter().collect();
        assert_eq!(distinct.len(), 3);
    }

    #[test]
    fn a_line_is_one_line_and_its_id_that_of_its_bytes() {
        let text = "{\n \"name\": \"a\\n\",\r\n \"x\": 1.50}";
        let lines = kept(LineKind::Result, &[text]);
        assert_eq!(String::from_utf8(lines[0].value.clone()).unwrap(), "{  \"name\": \"a\\n\",   \"x\": 1.50}");
        assert_eq!(lines[0].id, Line::id_of(HostId(7), text.as_bytes(), 1));
    }
}
