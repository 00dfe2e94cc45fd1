use actix_web::body::to_bytes;

use super::*;

/// Status and body, with the id replaced by `true` when there is one.
async fn shown(problem: impl Into<Problem>) -> (u16, Value) {
    let response = problem.into().error_response();
    let status = response.status().as_u16();
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), JSON);
    let body = to_bytes(response.into_body()).await.unwrap();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    if let Some(id) = body.get_mut("uuid") {
        assert_eq!(id.as_str().unwrap().len(), 36);
        *id = true.into();
    }
    (status, body)
}

fn base(message: &str, reason: &str) -> Value {
    json!({"message": message, "errors": [{"name": "base", "reason": reason}], "uuid": true})
}

#[actix_web::test]
async fn each_kind_of_refusal_has_its_status_and_body() {
    let cases = [
        (
            Refusal::not_found("Host", 12),
            404,
            json!({"message": "Resource Not Found", "errors": [{"name": "base", "reason": "Host 12 was not found in the datastore"}]}),
        ),
        (
            Refusal::not_found("User", "with id=7"),
            404,
            json!({"message": "Resource Not Found", "errors": [{"name": "base", "reason": "User with id=7 was not found in the datastore"}]}),
        ),
        (Refusal::taken("Query", "q1"), 409, base("Resource Already Exists", r#"Query "q1" already exists"#)),
        (
            Refusal::taken("secret", "********"),
            409,
            base("Resource Already Exists", r#"secret "********" already exists"#),
        ),
        (
            Refusal::taken("Team", "Ops"),
            409,
            json!({"message": "Validation Failed", "errors": [{"name": "base", "reason": r#"Team "Ops" already exists"#}]}),
        ),
        (
            Refusal::invalid("email", "no"),
            422,
            json!({"message": "Validation Failed", "errors": [{"name": "email", "reason": "no"}], "uuid": true}),
        ),
        (Refusal::Malformed("no hosts targeted".into()), 400, base("Bad request", "no hosts targeted")),
        (
            Refusal::Rule { code: 2, message: "cannot remove the last global admin".into() },
            422,
            json!({"message": "cannot remove the last global admin", "code": 2, "uuid": true}),
        ),
        (Refusal::Forbidden, 403, base("forbidden", "forbidden")),
        (Refusal::Disabled("secret reason".into()), 403, json!({"message": "Permission Denied", "uuid": true})),
    ];
    for (refusal, status, body) in cases {
        assert_eq!(shown(refusal.clone()).await, (status, body), "{refusal:?}");
    }
}

#[actix_web::test]
async fn rest_check_10_an_id_of_zero_leaves_the_number_out() {
    let (_, body) = shown(Refusal::not_found("Host", 0)).await;
    assert_eq!(body["errors"][0]["reason"], "Host was not found in the datastore");
}

#[actix_web::test]
async fn the_401s_have_their_texts() {
    let texts = [
        (Problem::no_token(), "Authorization header required"),
        (Problem::bad_token(), "Authentication required"),
        (Problem::bad_login(), "Authentication failed"),
        (Problem::password_reset_required(), "password reset required"),
    ];
    for (problem, text) in texts {
        assert_eq!(shown(problem).await, (401, base(text, text)));
    }
}

#[actix_web::test]
async fn a_failure_keeps_its_cause_to_itself() {
    assert_eq!(
        shown(Problem::failure("disk /secret/path full")).await,
        (500, base("internal error", "internal error"))
    );
    let away = Problem::unavailable("the log cannot be written", "broker 10.0.0.7 refused");
    assert_eq!(away.error_response().headers().get(RETRY_AFTER).unwrap(), "1");
    assert_eq!(shown(away).await, (503, base("the log cannot be written", "the log cannot be written")));
    assert_eq!(shown(Refusal::Halted("commit 9 is missing".into())).await.0, 503);
}

#[actix_web::test]
async fn too_many_requests_say_when_to_come_again() {
    let problem = Problem::too_many(6);
    assert_eq!(problem.error_response().headers().get(RETRY_AFTER).unwrap(), "6");
    let text = "limit exceeded, retry after: 6s";
    let body = json!({"message": text, "errors": [{"name": "base", "reason": text}]});
    assert_eq!(shown(problem).await, (429, body));
}

#[actix_web::test]
async fn all_bad_fields_are_told_at_once() {
    let (status, body) = shown(Problem::all_invalid([("name", "missing"), ("email", "bad")])).await;
    assert_eq!((status, body["errors"].as_array().unwrap().len()), (422, 2));
}
