//! The query string, read once.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use crate::Problem;

/// Parameters in the order they came; of several with one name the first counts.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn parse(query: &str) -> Self {
        // Whatever is not a pair of texts is passed over, as other servers do.
        Params(web::Query::from_query(query).map(web::Query::into_inner).unwrap_or_default())
    }

    /// The value, if the parameter is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The value, if it says something.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A switch: on only by the text `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A number or id; 400 with `wrong(value)` if it is something else.
    pub fn number<T: FromStr>(&self, name: &str, wrong: impl Fn(&str) -> String) -> Result<Option<T>, Problem> {
        self.text(name).map(|value| value.parse().map_err(|_| Problem::bad_request(wrong(value)))).transpose()
    }
}

impl FromRequest for Params {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Params::parse(request.query_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_on_by_the_text_true_alone() {
        let params = Params::parse("a=true&b=1&c=&d=TRUE&a=false");
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| params.is_true(name)), [true, false, false, false, false]);
        assert_eq!((params.get("c"), params.text("c"), params.get("e")), (Some(""), None, None));
    }

    #[test]
    fn values_are_decoded() {
        let params = Params::parse("q=a%20b+c&n=7&m=x");
        assert_eq!(params.get("q"), Some("a b c"));
        assert_eq!(params.number::<u32>("n", |_| String::new()).unwrap(), Some(7));
        let refused = params.number::<u32>("m", |value| format!("Invalid m: {value}")).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.reason()), (400, "Invalid m: x"));
    }
}
