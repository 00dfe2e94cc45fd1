//! Rows, as they are written and read.

use std::collections::BTreeSet;

use super::{DEAD, Fixture};
use crate::{Statement, Value, Views};

fn key(position: i64) -> Vec<Value> {
    vec!["t".into(), 0i64.into(), position.into()]
}

fn others(reason: &str) -> Vec<Value> {
    vec![0i64.into(), reason.into()]
}

async fn all(views: &Views) -> BTreeSet<(i64, String)> {
    let rows =
        views.fetch(Statement::new("SELECT position, reason FROM dead_record")).await.expect("the store answers");
    rows.into_iter()
        .map(|mut row| (row.take().expect("the store answers"), row.take().expect("the store answers")))
        .collect()
}

pub async fn the_last_word_on_a_key_wins(store: &impl Fixture) {
    let views = store.views().await;
    let mut write = views.write().await.expect("the store answers");
    (1..=3).for_each(|at| write.put(&DEAD, key(at), others("first")));
    write.put(&DEAD, key(2), others("second"));
    write.delete(&DEAD, key(3));
    write.commit().await.expect("the store answers");
    assert_eq!(all(&views).await, [(1, "first".into()), (2, "second".into())].into());

    let mut write = views.write().await.expect("the store answers");
    write.delete(&DEAD, key(1));
    write.put(&DEAD, key(2), others("third"));
    write.commit().await.expect("the store answers");
    assert_eq!(all(&views).await, [(2, "third".into())].into());
}

pub async fn many_rows_take_few_statements(store: &impl Fixture) {
    let views = store.views().await;
    let before = views.counts().statements();
    let mut write = views.write().await.expect("the store answers");
    (0..1000).for_each(|at| write.put(&DEAD, key(at), others("x")));
    write.commit().await.expect("the store answers");
    // 7 × 128, 6 × 16, 8 × 1
    assert_eq!(views.counts().statements() - before, 21);
    assert_eq!(all(&views).await.len(), 1000);
}

pub async fn a_transaction_sees_its_own_rows_and_nobody_else_does(store: &impl Fixture) {
    let views = store.views().await;
    let mut write = views.write().await.expect("the store answers");
    write.put(&DEAD, key(1), others("x"));
    assert_eq!(
        write.fetch(Statement::new("SELECT position FROM dead_record")).await.expect("the store answers").len(),
        1
    );
    assert!(all(&views).await.is_empty());
    drop(write);
    assert!(all(&views).await.is_empty(), "dropped, so nothing was written");
    assert_eq!(
        views
            .write()
            .await
            .expect("the store answers")
            .fetch(Statement::new("SELECT position FROM dead_record"))
            .await
            .expect("the store answers"),
        []
    );
}

pub async fn every_type_comes_back_as_it_went(store: &impl Fixture) {
    let views = store.views().await;
    let sent: Vec<Value> =
        vec![i64::MAX.into(), i64::MIN.into(), "ä\u{1F600}\0'\"".into(), vec![0u8, 255, 7].into(), Value::Null];
    let echo = sent.iter().fold(Statement::new("SELECT ?, ?, ?, ?, ?"), |echo, value| echo.bind(value.clone()));
    assert_eq!(views.first(echo).await.expect("the store answers").expect("the store answers").rest(), sent);
}

pub async fn a_row_of_another_shape_is_an_error(store: &impl Fixture) {
    let views = store.views().await;
    let mut row =
        views.first(Statement::new("SELECT 'text'")).await.expect("the store answers").expect("the store answers");
    assert!(row.take::<i64>().is_err());
    assert!(row.take::<i64>().is_err(), "no second column");
}

pub async fn readers_cannot_write(store: &impl Fixture) {
    let write = Statement::new("INSERT INTO dead_record VALUES ('t', 0, 7, 1, 'why')");
    assert!(store.views().await.fetch(write).await.is_err());
}
