use std::collections::BTreeSet;

use infra_stores::{Statement, Table, Value, Views};

use crate::Store;

static DEAD: Table =
    Table { name: "dead_record", key: &["topic", "part", "position"], columns: &["appended", "reason"] };

fn key(position: i64) -> Vec<Value> {
    vec!["t".into(), 0i64.into(), position.into()]
}

fn others(reason: &str) -> Vec<Value> {
    vec![0i64.into(), reason.into()]
}

async fn all(views: &Views) -> BTreeSet<(i64, String)> {
    let rows = views.fetch(Statement::new("SELECT position, reason FROM dead_record")).await.unwrap();
    rows.into_iter().map(|mut row| (row.take().unwrap(), row.take().unwrap())).collect()
}

#[tokio::test]
async fn the_last_word_on_a_key_wins() {
    let Store { views, folder: _folder } = Store::new().await;
    let mut write = views.write().await.unwrap();
    (1..=3).for_each(|at| write.put(&DEAD, key(at), others("first")));
    write.put(&DEAD, key(2), others("second"));
    write.delete(&DEAD, key(3));
    write.commit().await.unwrap();
    assert_eq!(all(&views).await, [(1, "first".into()), (2, "second".into())].into());

    let mut write = views.write().await.unwrap();
    write.delete(&DEAD, key(1));
    write.put(&DEAD, key(2), others("third"));
    write.commit().await.unwrap();
    assert_eq!(all(&views).await, [(2, "third".into())].into());
}

#[tokio::test]
async fn many_rows_take_few_statements() {
    let Store { views, folder: _folder } = Store::new().await;
    let before = views.counts().statements();
    let mut write = views.write().await.unwrap();
    (0..1000).for_each(|at| write.put(&DEAD, key(at), others("x")));
    write.commit().await.unwrap();
    // 7 × 128, 6 × 16, 8 × 1
    assert_eq!(views.counts().statements() - before, 21);
    assert_eq!(all(&views).await.len(), 1000);
}

#[tokio::test]
async fn a_transaction_sees_its_own_rows_and_nobody_else_does() {
    let Store { views, folder: _folder } = Store::new().await;
    let mut write = views.write().await.unwrap();
    write.put(&DEAD, key(1), others("x"));
    assert_eq!(write.fetch(Statement::new("SELECT position FROM dead_record")).await.unwrap().len(), 1);
    assert!(all(&views).await.is_empty());
    drop(write);
    assert!(all(&views).await.is_empty(), "dropped, so nothing was written");
    assert_eq!(
        views.write().await.unwrap().fetch(Statement::new("SELECT position FROM dead_record")).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let Store { views, folder: _folder } = Store::new().await;
    let sent: Vec<Value> =
        vec![i64::MAX.into(), i64::MIN.into(), "ä\u{1F600}\0'\"".into(), vec![0u8, 255, 7].into(), Value::Null];
    let echo = sent.iter().fold(Statement::new("SELECT ?, ?, ?, ?, ?"), |echo, value| echo.bind(value.clone()));
    assert_eq!(views.first(echo).await.unwrap().unwrap().rest(), sent);
}

#[tokio::test]
async fn a_row_of_another_shape_is_an_error() {
    let Store { views, folder: _folder } = Store::new().await;
    let mut row = views.first(Statement::new("SELECT 'text'")).await.unwrap().unwrap();
    assert!(row.take::<i64>().is_err());
    assert!(row.take::<i64>().is_err(), "no second column");
}
