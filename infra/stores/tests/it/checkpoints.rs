use infra_stores::{Checkpoint, Place, Statement, StoreError, Table};

use crate::Store;

static DEAD: Table =
    Table { name: "dead_record", key: &["topic", "part", "position"], columns: &["appended", "reason"] };

fn start() -> Checkpoint {
    let place = Place { view: "hosts".into(), version: 1, topic: "muster.ledger".into(), part: 0 };
    Checkpoint { place, position: 0, record: String::new(), note: String::new(), turn: 0 }
}

async fn begun(store: &Store) -> Checkpoint {
    let mut write = store.views.write().await.unwrap();
    write.begin(&start()).await.unwrap();
    write.commit().await.unwrap();
    start()
}

#[tokio::test]
async fn a_checkpoint_moves_with_its_rows() {
    let store = Store::new().await;
    let held = begun(&store).await;
    let mut write = store.views.write().await.unwrap();
    write.put(&DEAD, vec!["t".into(), 0i64.into(), 1i64.into()], vec![0i64.into(), "x".into()]);
    let next = write.advance(&held, 8, "abc", "note").await.unwrap();
    assert_eq!(store.views.checkpoints().await.unwrap(), [held], "not before the commit");
    write.commit().await.unwrap();
    assert_eq!((next.position, next.record.as_str(), next.note.as_str()), (8, "abc", "note"));
    assert_eq!(store.views.checkpoints().await.unwrap(), [next]);
    assert_eq!(store.views.fetch(Statement::new("SELECT position FROM dead_record")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_zombie_cannot_advance() {
    let store = Store::new().await;
    let held = begun(&store).await;
    let zombie = held.clone();
    let mut write = store.views.write().await.unwrap();
    let next = write.advance(&held, 5, "", "").await.unwrap();
    write.commit().await.unwrap();

    let mut write = store.views.write().await.unwrap();
    assert!(matches!(write.advance(&zombie, 5, "", "").await, Err(StoreError::Overtaken { part: 0, .. })));
    drop(write);

    // Even where a turn left the position as it was: parts of a value that is not complete.
    let mut write = store.views.write().await.unwrap();
    let same = write.advance(&next, 5, "", "").await.unwrap();
    write.commit().await.unwrap();
    let mut write = store.views.write().await.unwrap();
    assert!(matches!(write.advance(&next, 9, "", "").await, Err(StoreError::Overtaken { .. })));
    drop(write);
    assert_eq!(store.views.checkpoints().await.unwrap(), [same]);
}

#[tokio::test]
async fn a_place_has_one_checkpoint() {
    let store = Store::new().await;
    begun(&store).await;
    let mut write = store.views.write().await.unwrap();
    assert!(write.begin(&start()).await.is_err());
}
