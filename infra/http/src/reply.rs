//! Answers in the form that clients of the API expect: indented by two, a newline at the end, a charset.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::{Value, json};

/// The content type of every answer.
pub const JSON: &str = "application/json; charset=utf-8";

/// An answer with a JSON body.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    status: StatusCode,
    body: Value,
}

impl Reply {
    /// 200 with what there is to say.
    pub fn ok(body: impl Serialize) -> Self {
        Reply::with(StatusCode::OK, body)
    }

    /// 200 with nothing to say: `{}`.
    pub fn done() -> Self {
        Reply::ok(json!({}))
    }

    pub fn with(status: StatusCode, body: impl Serialize) -> Self {
        Reply { status, body: serde_json::to_value(body).expect("answers are plain data with text keys") }
    }

    pub fn body(&self) -> &Value {
        &self.body
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::build(self.status).insert_header((CONTENT_TYPE, JSON)).body(render(&self.body))
    }
}

/// A body as bytes.
pub(crate) fn render(body: &Value) -> String {
    let mut text = serde_json::to_string_pretty(body).expect("a value has text keys");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    async fn text(reply: Reply) -> (u16, String) {
        let response = reply.respond_to(&TestRequest::default().to_http_request());
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/json; charset=utf-8");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn rest_check_12_nothing_to_say_is_an_empty_object() {
        assert_eq!(text(Reply::done()).await, (200, "{}\n".to_owned()));
    }

    #[actix_web::test]
    async fn bodies_are_indented_by_two_in_the_order_given() {
        let reply = Reply::with(StatusCode::ACCEPTED, json!({"b": [1], "a": []}));
        assert_eq!(text(reply).await, (202, "{\n  \"b\": [\n    1\n  ],\n  \"a\": []\n}\n".to_owned()));
    }
}
