//! Answers to live queries, on their way to `muster.live`.

use agent_protocol::request::{QueryAnswer, Stats};
use domain::records::{Answer, AnswerState};
use domain::{CampaignId, Digest, HostId, State};
use infra_log::{Draft, Topic, parts};

use crate::App;
use crate::osquery::Refused;
use crate::osquery::caller::Caller;

/// What a failure says at most, in bytes; it stands in a header of every part.
const LONGEST_ERROR: usize = 16 * 1024;

/// Appends the first answer of the host to each campaign that asked it; durable when this returns.
/// `broken` names the answer in the midst of which the write was cut off.
pub async fn take(
    app: &App,
    caller: &Caller,
    answers: &[(CampaignId, &QueryAnswer)],
    broken: Option<&str>,
) -> Result<(), Refused> {
    let host = caller.host().id;
    let asked = asked(app, caller, answers).await?;
    for (campaign, answer) in answers.iter().filter(|(campaign, _)| asked.contains(campaign)) {
        let cut = broken == Some(answer.name.as_str());
        let record = record(app, *campaign, host, answer, cut, caller);
        let partition = Topic::Live.partition_of(Answer::partition_key(*campaign));
        app.registry.append(partition, drafts(&record)?).await?;
        app.registry.answered(*campaign, host);
    }
    Ok(())
}

/// The campaigns that want an answer of this host now.
///
/// An answer that is passed over is lost, so that nobody wants it is believed only from a fold that surely knows: a
/// campaign that began, or was extended, on another node may not have come here yet. Then the ledger is read to its end
/// first; while it cannot be read the host keeps its answers.
async fn asked(app: &App, caller: &Caller, answers: &[(CampaignId, &QueryAnswer)]) -> Result<Vec<CampaignId>, Refused> {
    let (host, now) = (caller.host().id, caller.now);
    let asked_by = |state: &State| app.registry.assignments(state, host, now).map(|campaign| campaign.id).collect();
    let may_be_news = |id: CampaignId| match caller.state().campaigns.get(id) {
        Some(campaign) => campaign.would_ask(host, now),
        None => id > caller.state().campaigns.newest(),
    };
    if !answers.iter().any(|(id, _)| may_be_news(*id)) {
        return Ok(asked_by(caller.state()));
    }
    let fold = app.ledger.read_to_end().await;
    let fold = fold.map_err(|error| Refused::unable(format!("the ledger cannot be read: {error}")))?;
    Ok(asked_by(&fold.state))
}

fn record(
    app: &App,
    campaign: CampaignId,
    host: HostId,
    answer: &QueryAnswer,
    broken: bool,
    caller: &Caller,
) -> Answer {
    // A word is a complaint, whatever the status beside it says.
    let complained = answer.failed() || !answer.message.trim().is_empty();
    let (rows, row_count, cut) =
        if answer.failed() { (b"[]".to_vec(), 0, false) } else { rows(answer, app.settings.limits.answer) };
    let state = match row_count {
        _ if complained => AnswerState::Error,
        0 if !cut && !broken => AnswerState::Empty,
        _ => AnswerState::Rows,
    };
    Answer {
        campaign,
        host,
        recorded: caller.now,
        state,
        error: if complained { error(&answer.message) } else { String::new() },
        stats: answer.stats.as_ref().map_or("null".to_owned(), stats),
        row_count,
        cut: cut || broken,
        rows,
    }
}

/// As many rows as fit, as a JSON array; how many they are, and whether there were more.
fn rows(answer: &QueryAnswer, limit: usize) -> (Vec<u8>, u64, bool) {
    let mut array = vec![b'['];
    let mut count = 0;
    for row in &answer.rows {
        let before = array.len();
        if count > 0 {
            array.push(b',');
        }
        serde_json::to_writer(&mut array, row).expect("a row is text by text");
        if array.len() >= limit {
            array.truncate(before);
            array.push(b']');
            return (array, count, true);
        }
        count += 1;
    }
    array.push(b']');
    (array, count, false)
}

/// What the host said went wrong; a failure without a word is a failure still.
fn error(message: &str) -> String {
    let message = message.trim();
    if message.is_empty() {
        return "unknown error".to_owned();
    }
    let end = message.floor_char_boundary(LONGEST_ERROR);
    message[..end].to_owned()
}

fn stats(stats: &Stats) -> String {
    let Stats { wall_time_ms, user_time, system_time, memory } = stats;
    serde_json::json!({"wall_time_ms": wall_time_ms, "user_time": user_time, "system_time": system_time, "memory": memory}).to_string()
}

/// The same answer has the same id, so that parts of a repeat are known; another answer has another.
fn drafts(answer: &Answer) -> Result<Vec<Draft>, Refused> {
    let encoded = answer.encode();
    let id = format!("{}/{}", answer.key(), Digest::of(&encoded.value));
    let draft =
        Draft { key: Some(answer.key().into_bytes().into()), headers: encoded.headers, value: encoded.value.into() };
    parts::split(draft, &id).map_err(|error| Refused::bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[&str]) -> QueryAnswer {
        let rows = rows.iter().map(|value| [("a".to_owned(), (*value).to_owned())].into_iter().collect()).collect();
        QueryAnswer { name: "q".to_owned(), rows, ..QueryAnswer::default() }
    }

    #[test]
    fn rows_over_the_limit_are_cut_and_the_rest_is_whole() {
        let all = rows(&answer(&["1", "22", "333"]), 1_000);
        assert_eq!(all, (br#"[{"a":"1"},{"a":"22"},{"a":"333"}]"#.to_vec(), 3, false));
        assert_eq!(rows(&answer(&["1", "22", "333"]), 25), (br#"[{"a":"1"},{"a":"22"}]"#.to_vec(), 2, true));
        assert_eq!(rows(&answer(&["1"]), 5), (b"[]".to_vec(), 0, true));
        assert_eq!(rows(&answer(&[]), 5), (b"[]".to_vec(), 0, false));
    }

    #[test]
    fn a_failure_has_words_of_bounded_length() {
        assert_eq!(error(" "), "unknown error");
        assert_eq!(error(&"ä".repeat(20_000)).len(), LONGEST_ERROR);
    }
}
