//! Views that are built anew beside the running ones.

use infra_log::Topic;
use infra_log::memory::Memory;
use infra_stores::Statement;
use projections::read::{self, HostFilter, NOW};
use projections::{RebuildError, view};

use crate::rig::{ALL, PATIENCE, Rig};
use crate::teller::Teller;

const KEPT: [&str; 2] = [view::ANSWERS, view::RESULTS];

#[tokio::test]
async fn rebuilt_rows_equal_those_that_were_folded_as_they_came() {
    let story = Teller::story(51, 500);
    let half = story.writes.len() / 2;
    let rig = Rig::new().await;
    let running = rig.engine().await;
    for some in story.writes[..half].chunks(25) {
        rig.append(some).await;
        running.settled().await;
    }
    let before = rig.dump().await;
    for view in ALL.into_iter().filter(|view| !KEPT.contains(view)) {
        running.rebuilds.rebuild(view).await.unwrap();
    }
    assert_eq!(rig.dump().await, before, "rebuilt");

    // And they go on from there.
    rig.append(&story.writes[half..]).await;
    running.settled().await;
    running.stop().await;
    let whole = Rig::on(Memory::clone(&rig.log)).await;
    whole.fold().await;
    assert_eq!(rig.dump().await, whole.dump().await, "rebuilt, and folded on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_rebuilt_while_records_come() {
    let story = Teller::story(52, 600);
    let rig = Rig::new().await;
    let running = rig.engine().await;
    let (first, rest) = story.writes.split_at(200);
    rig.append(first).await;
    running.settled().await;
    let rebuilding = async {
        for view in [view::FACTS, view::HOSTS, view::FACTS, view::SEEN, view::LABELS] {
            running.rebuilds.rebuild(view).await.unwrap();
        }
    };
    let writing = async {
        for some in rest.chunks(10) {
            rig.append(some).await;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::join!(rebuilding, writing);
    running.settled().await;
    running.stop().await;
    let whole = Rig::on(Memory::clone(&rig.log)).await;
    whole.fold().await;
    assert_eq!(rig.dump().await, whole.dump().await);
}

#[tokio::test]
async fn the_old_rows_are_dropped() {
    let rig = Rig::new().await;
    rig.append(&Teller::story(53, 300).writes).await;
    let running = rig.engine().await;
    running.settled().await;
    for view in [view::FACTS, view::HOSTS, view::LABELS] {
        running.rebuilds.rebuild(view).await.unwrap();
    }
    let versions = Statement::new(
        "SELECT 'host', version FROM host UNION SELECT 'section', version FROM host_section UNION SELECT 'index', version \
         FROM host_index UNION SELECT 'member', version FROM label_host UNION SELECT 'manual', version FROM label_manual \
         UNION SELECT 'subject', version FROM subject WHERE kind = 'labels' UNION SELECT view, version FROM checkpoint \
         WHERE view IN ('facts', 'hosts', 'labels')",
    );
    let swept = async {
        while rig.views.fetch(versions.clone()).await.unwrap().len() != 9 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, swept).await.expect("one version of each is left");
    running.stop().await;
}

#[tokio::test]
async fn what_an_interrupted_rebuild_left_is_dropped_at_the_start() {
    let rig = Rig::new().await;
    rig.append(&Teller::story(54, 300).writes).await;
    rig.fold().await;
    let before = rig.dump().await;
    let mut write = rig.views.write().await.unwrap();
    let leave = [
        "UPDATE view_version SET newest = 2 WHERE name = 'facts'",
        "INSERT INTO host_section SELECT 2, host, section, since, until, reported, data FROM host_section",
        "INSERT INTO checkpoint SELECT view, 2, topic, part, position, record, note, turn FROM checkpoint WHERE view = 'facts'",
    ];
    for statement in leave {
        write.execute(Statement::new(statement)).await.unwrap();
    }
    write.commit().await.unwrap();
    rig.fold().await;
    assert_eq!(rig.dump().await, before);
    let left = Statement::new(
        "SELECT version FROM host_section WHERE version <> 1 UNION SELECT version FROM checkpoint WHERE version > 1",
    );
    assert_eq!(rig.views.fetch(left).await.unwrap(), []);
}

/// Rows of another shape serve on until the new ones have caught up.
#[tokio::test]
async fn another_shape_is_built_at_the_start() {
    let rig = Rig::new().await;
    rig.append(&Teller::story(55, 300).writes).await;
    rig.fold().await;
    let expected = read::host_ids(&rig.views, NOW, &HostFilter::default()).await.unwrap();
    let mut write = rig.views.write().await.unwrap();
    for statement in ["UPDATE view_version SET shape = 0 WHERE name = 'hosts'", "UPDATE host SET identifier = 'old'"] {
        write.execute(Statement::new(statement)).await.unwrap();
    }
    write.commit().await.unwrap();

    let running = rig.engine().await;
    let shape = Statement::new("SELECT shape FROM view_version WHERE name = 'hosts' AND shape = 1");
    let swapped = async {
        while rig.views.first(shape.clone()).await.unwrap().is_none() {
            assert_eq!(read::host_ids(&rig.views, NOW, &HostFilter::default()).await.unwrap(), expected);
        }
    };
    tokio::time::timeout(PATIENCE, swapped).await.expect("swapped");
    running.stop().await;
    let hosts = Statement::new(
        "SELECT COUNT(*) FROM host WHERE identifier = 'old' AND version = (SELECT serving FROM view_version WHERE name = 'hosts')",
    );
    assert_eq!(rig.views.first(hosts).await.unwrap().unwrap().take::<u64>().unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_be_rebuilt_is_refused() {
    let rig = Rig::new().await;
    let story = Teller::story(56, 300);
    rig.append(&story.writes).await;
    let running = rig.engine().await;
    running.settled().await;
    assert!(matches!(running.rebuilds.rebuild("nothing").await, Err(RebuildError::Unknown { .. })));
    for view in KEPT {
        assert!(matches!(running.rebuilds.rebuild(view).await, Err(RebuildError::Kept(_))));
    }
    let partition = Topic::Hosts.every().find(|one| rig.log.records(*one).len() > 5).unwrap();
    rig.log.forget(partition, 3);
    let refused = running.rebuilds.rebuild(view::FACTS).await;
    assert!(matches!(refused, Err(RebuildError::Incomplete { start: 3, .. })), "{refused:?}");
    running.stop().await;
}
