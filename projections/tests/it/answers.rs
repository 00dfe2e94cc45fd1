//! Answers of live queries: the first of each host, once, whatever comes again.

use domain::records::{Answer, AnswerState, Encoded};
use domain::{CampaignId, HostId, Timestamp};
use infra_log::{Draft, Log, Topic, parts};
use projections::budget::PAGE_BYTES;
use projections::read::{self, CampaignTotal};

use crate::rig::Rig;
use crate::teller::{START, Teller};

pub fn answer(campaign: u32, host: u32, state: AnswerState, rows: &str) -> Answer {
    let row_count = serde_json::from_str::<Vec<serde_json::Value>>(rows).unwrap().len() as u64;
    let error = if state == AnswerState::Error { "no such table: x".into() } else { String::new() };
    let recorded = Timestamp::from_micros(START.micros() + i64::from(host));
    let (campaign, host, stats) = (CampaignId(campaign), HostId(host), "null".into());
    Answer { campaign, host, recorded, state, error, stats, row_count, cut: false, rows: rows.into() }
}

pub fn draft(answer: &Answer) -> Draft {
    let Encoded { headers, value } = answer.encode();
    Draft { key: Some(answer.key().into()), headers, value: value.into() }
}

pub async fn append(rig: &Rig, answers: &[Answer]) {
    for answer in answers {
        let partition = Topic::Live.partition_of(Answer::partition_key(answer.campaign));
        let id = format!("{}-{}", answer.key(), answer.rows.len());
        rig.log.append(partition, parts::split(draft(answer), &id).unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_answer_of_a_host_counts() {
    let rig = Rig::new().await;
    let all = [
        answer(1, 1, AnswerState::Rows, r#"[{"a":"1"},{"a":"2"}]"#),
        answer(1, 2, AnswerState::Empty, "[]"),
        answer(1, 1, AnswerState::Error, "[]"),
        answer(1, 3, AnswerState::Error, "[]"),
    ];
    append(&rig, &all).await;
    rig.fold().await;
    append(
        &rig,
        &[answer(1, 2, AnswerState::Rows, r#"[{"a":"9"}]"#), answer(1, 4, AnswerState::Rows, r#"[{"a":"3"}]"#)],
    )
    .await;
    rig.fold().await;

    let read = read::answer_page(&rig.views, CampaignId(1), None, None, 100).await.unwrap().rows;
    let told: Vec<_> =
        read.iter().map(|one| (one.host.0, one.state, String::from_utf8(one.rows.clone()).unwrap())).collect();
    let expected = [
        (1, AnswerState::Rows, r#"[{"a":"1"},{"a":"2"}]"#.to_owned()),
        (2, AnswerState::Empty, "[]".to_owned()),
        (3, AnswerState::Error, "[]".to_owned()),
        (4, AnswerState::Rows, r#"[{"a":"3"}]"#.to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(read[2].error, "no such table: x");

    let totals = read::campaign_totals(&rig.views, &[CampaignId(1), CampaignId(2)]).await.unwrap();
    let answered = (1..=4).map(HostId).collect();
    let last = read.last().map(|one| one.position);
    let expected = CampaignTotal { rows: 2, empty: 1, error: 1, row_total: 3, answered, last };
    assert_eq!(totals, [(CampaignId(1), expected)].into());
}

#[tokio::test]
async fn totals_are_the_sum_of_the_answers() {
    let mut story = Teller::story(71, 300);
    (0..400).for_each(|_| story.answer());
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.fold().await;
    let campaigns: std::collections::BTreeSet<CampaignId> = story.answers.iter().map(|one| one.campaign).collect();
    assert!(campaigns.len() > 3);
    for campaign in campaigns {
        let mut first: Vec<&Answer> = vec![];
        for one in story.answers.iter().filter(|one| one.campaign == campaign) {
            if first.iter().all(|known| known.host != one.host) {
                first.push(one);
            }
        }
        let read = read::answer_page(&rig.views, campaign, None, None, 1000).await.unwrap().rows;
        let told: Vec<_> = read.iter().map(|one| (one.host, one.recorded, one.state, one.rows.clone())).collect();
        let expected: Vec<_> = first.iter().map(|one| (one.host, one.recorded, one.state, one.rows.clone())).collect();
        assert_eq!(told, expected);
        let count = |state| first.iter().filter(|one| one.state == state).count() as u64;
        let total = &read::campaign_totals(&rig.views, &[campaign]).await.unwrap()[&campaign];
        assert_eq!(
            (total.rows, total.empty, total.error, total.row_total),
            (
                count(AnswerState::Rows),
                count(AnswerState::Empty),
                count(AnswerState::Error),
                first.iter().map(|one| one.row_count).sum()
            )
        );
    }
}

#[tokio::test]
async fn an_answer_in_parts_counts_when_the_last_is_there() {
    let rig = Rig::new().await;
    let large = answer(1, 1, AnswerState::Rows, &format!(r#"[{{"a":"{}"}}]"#, "x".repeat(2_500_000)));
    let partition = Topic::Live.partition_of(Answer::partition_key(CampaignId(1)));
    let all = parts::split(draft(&large), "id").unwrap();
    assert_eq!(all.len(), 3);
    rig.log.append(partition, all[..2].to_vec()).await.unwrap();
    append(&rig, &[answer(1, 2, AnswerState::Empty, "[]")]).await;
    rig.fold().await;
    let hosts = async || {
        let read = read::answer_page(&rig.views, CampaignId(1), None, None, 100).await.unwrap().rows;
        read.iter().map(|one| one.host.0).collect::<Vec<_>>()
    };
    assert_eq!(hosts().await, [2]);
    // The last part comes after a restart, and one of the first again.
    rig.log.append(partition, vec![all[0].clone(), all[2].clone()]).await.unwrap();
    rig.fold().await;
    assert_eq!(hosts().await, [2, 1]);
    rig.fold().await;
    let read = read::answer_page(&rig.views, CampaignId(1), None, None, 100).await.unwrap().rows;
    assert_eq!(read[1].rows, large.rows);
    assert_eq!(read::campaign_totals(&rig.views, &[CampaignId(1)]).await.unwrap()[&CampaignId(1)].row_total, 1);
}

#[tokio::test]
async fn errors_are_grouped_by_what_they_say() {
    let rig = Rig::new().await;
    let failed = |host: u32, error: &str| Answer { error: error.into(), ..answer(1, host, AnswerState::Error, "[]") };
    let mut all: Vec<Answer> = (1..=15).map(|host| failed(host, "no such table: x")).collect();
    all.extend([failed(20, "syntax"), failed(21, "syntax"), answer(1, 22, AnswerState::Empty, "[]")]);
    append(&rig, &all).await;
    rig.fold().await;
    let before = rig.views.counts().statements();
    let groups = read::answer_errors(&rig.views, CampaignId(1)).await.unwrap();
    assert_eq!(rig.views.counts().statements() - before, 2);
    let told: Vec<_> = groups.iter().map(|group| (group.message.as_str(), group.hosts, group.host_ids.len())).collect();
    assert_eq!(told, [("no such table: x", 15, 10), ("syntax", 2, 2)]);
    let micros = |time: Timestamp| time.micros() - START.micros();
    assert_eq!((micros(groups[0].first_at), micros(groups[0].last_at)), (1, 15));
}

#[tokio::test]
async fn a_page_says_whether_there_is_more() {
    let rig = Rig::new().await;
    let mut all: Vec<Answer> = (1..=4).map(|host| answer(1, host, AnswerState::Empty, "[]")).collect();
    // More than a page may hold, and yet a page of its own; small while packed.
    let zeros = format!(r#"[{{"a":"{}"}}]"#, "0".repeat(PAGE_BYTES + 1));
    all.push(answer(1, 5, AnswerState::Rows, &zeros));
    all.push(answer(1, 6, AnswerState::Rows, r#"[{"a":"1"}]"#));
    append(&rig, &all).await;
    rig.fold().await;
    let page = async |after, state, limit| {
        let page = read::answer_page(&rig.views, CampaignId(1), after, state, limit).await.unwrap();
        let last = page.rows.last().map(|one| one.position);
        (page.rows.iter().map(|one| one.host.0).collect::<Vec<_>>(), page.more, last)
    };
    let (hosts, more, last) = page(None, None, 3).await;
    assert_eq!((hosts, more), (vec![1, 2, 3], true));
    let (hosts, more, last) = page(last, None, 3).await;
    assert_eq!((hosts, more), (vec![4], true), "the next does not fit");
    let (hosts, more, last) = page(last, None, 3).await;
    assert_eq!((hosts, more), (vec![5], true));
    let (hosts, more, last) = page(last, None, 3).await;
    assert_eq!((hosts, more), (vec![6], false));
    assert_eq!(page(last, None, 3).await, (vec![], false, None));
    let (hosts, more, _) = page(None, Some(AnswerState::Empty), 4).await;
    assert_eq!((hosts, more), (vec![1, 2, 3, 4], false), "as many as asked for, and no more");
}

#[tokio::test]
async fn answers_are_kept_for_90_days_after_the_end_and_their_sum_for_ever() {
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
    let rig = Rig::new().await;
    let mut teller = Teller::new(1);
    let enrol = domain::host::Enrol {
        secret: domain::Digest::of("s"),
        identifier: "a".to_owned(),
        node_key: domain::Digest::of("a"),
        platform: String::new(),
        cooldown: std::time::Duration::ZERO,
    };
    teller.decide(vec![domain::host::Command::Enrol(enrol).into()]);
    for _ in 0..2 {
        let (sql, targets, life) = ("SELECT 1".to_owned(), [HostId(1)].into_iter().collect(), DAY);
        let start = domain::campaign::Command::Start {
            sql,
            query: None,
            by: None,
            targets,
            attended: false,
            life,
            most: Default::default(),
        };
        teller.decide(vec![start.into()]);
    }
    teller.decide(vec![domain::campaign::Command::Stop { campaign: CampaignId(1), stats: None }.into()]);
    let ended = teller.now;
    rig.append(&teller.writes).await;
    // Hosts of several stretches.
    let hosts = [1, 2, 150, 301];
    let all: Vec<Answer> = hosts.iter().map(|host| answer(1, *host, AnswerState::Empty, "[]")).collect();
    append(&rig, &all).await;
    append(&rig, &[answer(2, 1, AnswerState::Empty, "[]")]).await;
    rig.fold().await;
    let kept = async |campaign| {
        let id = CampaignId(campaign);
        let totals = read::campaign_totals(&rig.views, &[id]).await.unwrap()[&id].empty;
        (read::answer_page(&rig.views, id, None, None, 10).await.unwrap().rows.len(), totals)
    };
    // What a sweep asks: of each campaign that has answers, and what it is.
    let sweep = async |days: u32| {
        let before = rig.views.counts().statements();
        projections::sweep_answers(&rig.views, ended.plus(days * DAY)).await.unwrap();
        rig.views.counts().statements() - before
    };
    assert_eq!(sweep(89).await, 2 * 2 + 1);
    assert_eq!((kept(1).await, kept(2).await), ((4, 4), (1, 1)));
    // And its first host and last, and four stretches of a hundred.
    assert_eq!(sweep(90).await, 2 * 2 + 1 + 2 + 4);
    assert_eq!((kept(1).await, kept(2).await), ((0, 4), (1, 1)), "the other one runs");
    assert_eq!(sweep(91).await, 2 + 1, "a campaign without answers is not looked at");
}
