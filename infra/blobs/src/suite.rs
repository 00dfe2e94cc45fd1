//! What every blob store must do. Run against an empty one; it is empty again afterwards.

use bytes::Bytes;

use crate::Blobs;

/// Runs all of it, panicking at the first broken promise.
pub async fn run(blobs: &dyn Blobs) {
    a_blob_reads_back(blobs).await;
    listing_is_by_prefix_and_in_order(blobs).await;
    parts_are_told_apart(blobs).await;
    writers_of_one_key_leave_one_whole_value(blobs).await;
    bad_keys_are_refused(blobs).await;
    assert_eq!(list(blobs, "").await, Vec::<String>::new(), "nothing is left over");
}

async fn a_blob_reads_back(blobs: &dyn Blobs) {
    assert_eq!(get(blobs, "one/thing").await, None, "nothing was stored yet");
    put(blobs, "one/thing", b"first").await;
    put(blobs, "one/thing", b"second").await;
    assert_eq!(get(blobs, "one/thing").await.as_deref(), Some(&b"second"[..]), "the newest counts");
    put(blobs, "one/empty", b"").await;
    assert_eq!(get(blobs, "one/empty").await.as_deref(), Some(&b""[..]), "empty is not absent");
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    put(blobs, "one/large", &large).await;
    assert_eq!(get(blobs, "one/large").await.as_deref(), Some(&large[..]));
    for key in ["one/thing", "one/empty", "one/large", "one/never"] {
        delete(blobs, key).await;
        assert_eq!(get(blobs, key).await, None, "{key} was deleted");
    }
}

async fn listing_is_by_prefix_and_in_order(blobs: &dyn Blobs) {
    let keys = ["a/b", "a/c/d", "a/c.d", "ab", "b"];
    for key in keys {
        put(blobs, key, key.as_bytes()).await;
    }
    assert_eq!(list(blobs, "").await, ["a/b", "a/c.d", "a/c/d", "ab", "b"]);
    assert_eq!(list(blobs, "a").await, ["a/b", "a/c.d", "a/c/d", "ab"]);
    assert_eq!(list(blobs, "a/").await, ["a/b", "a/c.d", "a/c/d"]);
    assert_eq!(list(blobs, "a/c").await, ["a/c.d", "a/c/d"]);
    assert_eq!(list(blobs, "a/c/").await, ["a/c/d"]);
    assert_eq!(list(blobs, "a/x").await, Vec::<String>::new());
    for key in keys {
        delete(blobs, key).await;
    }
}

async fn parts_are_told_apart(blobs: &dyn Blobs) {
    for (number, value) in [(0, "zero"), (10, "ten"), (2, "two"), (2, "two again")] {
        blobs.put_part("carves/7", number, value.into()).await.expect("a part is stored");
    }
    blobs.put_part("carves/70", 1, "another".into()).await.expect("a part is stored");
    assert_eq!(blobs.parts("carves/7").await.expect("parts are listed"), [0, 2, 10]);
    let second = blobs.get_part("carves/7", 2).await.expect("a part is read");
    assert_eq!(second.as_deref(), Some(&b"two again"[..]));
    assert_eq!(blobs.get_part("carves/7", 1).await.expect("a part is asked for"), None);
    blobs.delete_parts("carves/7").await.expect("parts are deleted");
    assert_eq!(blobs.parts("carves/7").await.expect("parts are listed"), Vec::<u32>::new());
    assert_eq!(blobs.parts("carves/70").await.expect("parts are listed"), [1], "another's parts stay");
    blobs.delete_parts("carves/70").await.expect("parts are deleted");
}

async fn writers_of_one_key_leave_one_whole_value(blobs: &dyn Blobs) {
    let value = |writer: u8| Bytes::from(vec![writer; 100_000]);
    let (one, two, three) = (blobs.put("race", value(1)), blobs.put("race", value(2)), blobs.put("race", value(3)));
    let done = tokio::join!(one, two, three);
    assert!(done.0.is_ok() && done.1.is_ok() && done.2.is_ok());
    let left = get(blobs, "race").await.expect("one of them is there");
    assert!((1..=3).any(|writer| left == value(writer)), "it is one writer's, whole");
    delete(blobs, "race").await;
}

async fn bad_keys_are_refused(blobs: &dyn Blobs) {
    for key in ["", "/a", "a/", "../a", "a/../b", ".a", "a b", "a\\b"] {
        assert!(blobs.put(key, Bytes::new()).await.is_err(), "{key:?} is no key to store under");
        assert!(blobs.get(key).await.is_err(), "{key:?} is no key to read");
        assert!(blobs.delete(key).await.is_err(), "{key:?} is no key to delete");
    }
}

async fn put(blobs: &dyn Blobs, key: &str, value: &[u8]) {
    blobs.put(key, Bytes::copy_from_slice(value)).await.expect("a blob is stored");
}

async fn get(blobs: &dyn Blobs, key: &str) -> Option<Bytes> {
    blobs.get(key).await.expect("a blob is asked for")
}

async fn list(blobs: &dyn Blobs, prefix: &str) -> Vec<String> {
    blobs.list(prefix).await.expect("keys are listed")
}

async fn delete(blobs: &dyn Blobs, key: &str) {
    blobs.delete(key).await.expect("a blob is deleted");
}
