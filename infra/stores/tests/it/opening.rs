use infra_stores::{OpenError, Statement, Views};

use crate::Store;

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let store = Store::new().await;
    let mut write = store.views.write().await.unwrap();
    write.execute(Statement::new("INSERT INTO dead_record VALUES ('t', 0, 7, 1, 'why')")).await.unwrap();
    write.commit().await.unwrap();
    store.views.close().await;

    let again = Views::open(&store.path()).await.unwrap();
    let mut row = again.first(Statement::new("SELECT position, reason FROM dead_record")).await.unwrap().unwrap();
    assert_eq!((row.take::<u64>().unwrap(), row.take::<String>().unwrap()), (7, "why".to_owned()));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.db");
    std::fs::write(&path, "this is not a database, however long it is".repeat(200)).unwrap();
    let error = Views::open(&path).await.err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_torn_file_is_one_clear_error() {
    let store = Store::new().await;
    store.views.close().await;
    let mut bytes = std::fs::read(store.path()).unwrap();
    let half = bytes.len() / 2;
    bytes[100..half].fill(0x5a);
    std::fs::write(store.path(), bytes).unwrap();
    let error = Views::open(&store.path()).await.err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = Views::open(&folder.path().join("no/such/views.db")).await.err().unwrap();
    assert!(matches!(error, OpenError::Failed { .. }), "{error}");
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_left_alone() {
    let store = Store::new().await;
    let mut write = store.views.write().await.unwrap();
    write.execute(Statement::new("INSERT INTO schema_step (number) VALUES (999)")).await.unwrap();
    write.commit().await.unwrap();
    store.views.close().await;
    let error = Views::open(&store.path()).await.err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 999, .. }), "{error}");
}
