//! Checkpoints, which move with their rows or not at all.

use super::{DEAD, Fixture};
use crate::{Checkpoint, Place, Statement, StoreError, Views};

fn start() -> Checkpoint {
    let place = Place { view: "hosts".into(), version: 1, topic: "muster.ledger".into(), part: 0 };
    Checkpoint { place, position: 0, record: String::new(), note: String::new(), turn: 0 }
}

async fn begun(views: &Views) -> Checkpoint {
    let mut write = views.write().await.expect("the store answers");
    write.begin(&start()).await.expect("the store answers");
    write.commit().await.expect("the store answers");
    start()
}

pub async fn a_checkpoint_moves_with_its_rows(store: &impl Fixture) {
    let views = store.views().await;
    let held = begun(&views).await;
    let mut write = views.write().await.expect("the store answers");
    write.put(&DEAD, vec!["t".into(), 0i64.into(), 1i64.into()], vec![0i64.into(), "x".into()]);
    let next = write.advance(&held, 8, "abc", "note").await.expect("the store answers");
    assert_eq!(views.checkpoints().await.expect("the store answers"), [held], "not before the commit");
    write.commit().await.expect("the store answers");
    assert_eq!((next.position, next.record.as_str(), next.note.as_str()), (8, "abc", "note"));
    assert_eq!(views.checkpoints().await.expect("the store answers"), [next]);
    assert_eq!(
        views.fetch(Statement::new("SELECT position FROM dead_record")).await.expect("the store answers").len(),
        1
    );
}

pub async fn a_zombie_cannot_advance(store: &impl Fixture) {
    let views = store.views().await;
    let held = begun(&views).await;
    let zombie = held.clone();
    let mut write = views.write().await.expect("the store answers");
    let next = write.advance(&held, 5, "", "").await.expect("the store answers");
    write.commit().await.expect("the store answers");

    let mut write = views.write().await.expect("the store answers");
    assert!(matches!(write.advance(&zombie, 5, "", "").await, Err(StoreError::Overtaken { part: 0, .. })));
    drop(write);

    // Even where a turn left the position as it was: parts of a value that is not complete.
    let mut write = views.write().await.expect("the store answers");
    let same = write.advance(&next, 5, "", "").await.expect("the store answers");
    write.commit().await.expect("the store answers");
    let mut write = views.write().await.expect("the store answers");
    assert!(matches!(write.advance(&next, 9, "", "").await, Err(StoreError::Overtaken { .. })));
    drop(write);
    assert_eq!(views.checkpoints().await.expect("the store answers"), [same]);
}

pub async fn a_place_has_one_checkpoint(store: &impl Fixture) {
    let views = store.views().await;
    begun(&views).await;
    let mut write = views.write().await.expect("the store answers");
    assert!(write.begin(&start()).await.is_err());
}
