use domain::label::Membership;
use serde_json::{Value, json};

use crate::admin_bench::Bench;

#[actix_web::test]
async fn rest_check_49_labels_are_dynamic_or_manual() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    bench.host("web-2", None).await;
    let post = |body: Value| bench.post("~/labels", body);
    let dynamic = post(json!({"name": "a", "query": "SELECT 1", "platform": "anything"})).await.ok()["label"].clone();
    assert_eq!(
        (&dynamic["label_membership_type"], &dynamic["count"], &dynamic["author_id"]),
        (&json!("dynamic"), &json!(0), &json!(1))
    );
    let named = post(json!({"name": "b", "hosts": ["WEB-1-unknown", "uuid-WEB-1", ""]})).await.ok()["label"].clone();
    assert_eq!((&named["label_membership_type"], &named["host_ids"]), (&json!("manual"), &json!([1])));
    let by_id = post(json!({"name": "c", "host_ids": [2, 99]})).await.ok()["label"].clone();
    assert_eq!((&by_id["host_ids"], &by_id["host_count"]), (&json!([2]), &json!(1)));
    assert_eq!(post(json!({"name": "d"})).await.ok()["label"]["label_membership_type"], "manual");
    assert_eq!(post(json!({"name": "e", "query": "SELECT 1", "hosts": []})).await.status, 422);
    assert_eq!(post(json!({"name": "e", "hosts": [], "host_ids": []})).await.status, 422);
    assert_eq!(
        post(json!({"query": "SELECT 1"})).await.field(),
        (422, "name".into(), "missing required argument".into())
    );
    assert_eq!(post(json!({"name": "macOS"})).await.field().1, "name");
    assert_eq!(post(json!({"name": "a"})).await.status, 409);
}

#[actix_web::test]
async fn a_label_is_changed() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    let id = |body: Value| async { bench.post("~/labels", body).await.ok()["label"]["id"].as_u64().unwrap() };
    let (manual, dynamic) = (id(json!({"name": "m"})).await, id(json!({"name": "d", "query": "SELECT 1"})).await);
    let changed = bench
        .patch(
            &format!("~/labels/{manual}"),
            json!({"name": "n", "description": "x", "host_ids": [1], "query": "SELECT 2"}),
        )
        .await;
    let changed = changed.ok()["label"].clone();
    assert_eq!((&changed["name"], &changed["host_ids"], &changed["query"]), (&json!("n"), &json!([1]), &json!("")));
    let kept = bench.patch(&format!("~/labels/{manual}"), json!({"description": "y"})).await.ok()["label"].clone();
    assert_eq!((&kept["name"], &kept["host_ids"]), (&json!("n"), &json!([1])));
    assert_eq!(bench.patch(&format!("~/labels/{dynamic}"), json!({"hosts": ["x"]})).await.field().1, "hosts");
    assert_eq!(bench.patch(&format!("~/labels/{dynamic}"), json!({"name": "n"})).await.status, 409);
    assert_eq!(bench.patch("~/labels/1", json!({"name": "x"})).await.field().1, "label_type");
    assert_eq!(
        bench.patch("~/labels/99", json!({"name": "x"})).await.refusal().2,
        "Label 99 was not found in the datastore"
    );
}

#[actix_web::test]
async fn rest_check_48_labels_are_deleted_but_not_built_in_ones() {
    let bench = Bench::new().await;
    bench.post("~/labels", json!({"name": "a / b"})).await.ok();
    bench.post("~/labels", json!({"name": "c"})).await.ok();
    let limited = json!({"name": "q", "query": "SELECT 1", "labels_include_any": ["c"]});
    bench.post("~/queries", limited).await.ok();
    bench.delete("~/labels/a%20%2F%20b", Value::Null).await.done();
    bench.delete(&format!("~/labels/id/{}", bench.state().labels.by_name("c").unwrap().id), Value::Null).await.done();
    assert!(bench.state().labels.iter().all(|label| label.builtin));
    assert_eq!(bench.delete("~/labels/All%20Hosts", Value::Null).await.field().1, "name");
    assert_eq!(bench.delete("~/labels/id/1", Value::Null).await.field().1, "label_type");
    assert_eq!(bench.delete("~/labels/none", Value::Null).await.status, 404);
}

#[actix_web::test]
async fn label_documents_make_and_change_labels() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    let apply = |spec: Value| bench.post("~/spec/labels", json!({"specs": [spec]}));
    let spec = json!({"name": "l", "description": "d", "query": "SELECT 1", "label_membership_type": "dynamic", "hosts": null});
    apply(spec.clone()).await.done();
    let sequence = bench.app.ledger.fold().chain.sequence;
    apply(spec).await.done();
    assert_eq!(bench.app.ledger.fold().chain.sequence, sequence, "again: nothing new");
    let manual = json!({"name": "l", "label_membership_type": "manual", "hosts": ["uuid-web-1"]});
    apply(manual.clone()).await.done();
    let label = || bench.state().labels.by_name("l").unwrap().clone();
    assert_eq!((label().membership, label().members.len()), (Membership::Manual, 1));
    apply(json!({"name": "l", "label_membership_type": "manual"})).await.done();
    assert_eq!(label().members.len(), 1, "absent hosts keep the members");
    apply(json!({"name": "l", "label_membership_type": "manual", "hosts": []})).await.done();
    assert_eq!(label().members.len(), 0, "an empty list empties");
    let message = |answer: crate::admin_bench::Answer| (answer.status, answer.refusal().1);
    let unprocessable = (422, "Unprocessable Entity".to_owned());
    assert_eq!(message(apply(json!({"name": "x", "query": "SELECT 1", "hosts": ["a"]})).await), unprocessable);
    assert_eq!(message(apply(json!({"name": "x", "label_type": "builtin"})).await), unprocessable);
    assert_eq!(message(apply(json!({"name": ""})).await), unprocessable);
    assert_eq!(message(apply(json!({"name": "macOS", "query": "SELECT 2"})).await), unprocessable);
    assert_eq!(apply(json!({"name": "x", "label_membership_type": "magic"})).await.refusal().2, "json decoder error");
    let mac = bench.state().labels.by_name("macOS").unwrap().clone();
    let unchanged = json!({
        "name": mac.name, "description": mac.description, "query": mac.query, "platform": mac.platform,
        "label_type": "builtin", "label_membership_type": "dynamic"
    });
    apply(unchanged).await.done();
    bench.post("~/spec/labels", json!({"specs": []})).await.done();
}
