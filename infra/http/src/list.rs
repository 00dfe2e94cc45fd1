//! The options that every list takes. Source: rest-api §1.4.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde_json::{Value, json};

use crate::{Params, Problem};

/// Without paging a list is whole.
const EVERYTHING: u64 = 1_000_000;
/// Rows of a page when only its number is given.
const DEFAULT_PAGE: u64 = 20;

/// Which rows of a list are wanted, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// From zero.
    pub page: u64,
    pub per_page: u64,
    /// A column of the list; each list says which it knows.
    pub order_key: Option<String>,
    pub descending: bool,
    /// Only rows beyond this value of `order_key`; takes over from `page`.
    pub after: Option<String>,
    /// A text to look for, trimmed.
    pub query: Option<String>,
}

impl ListOptions {
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let page = whole(params, "page", "non-int page value")?;
        if page.is_some_and(|page| page < 0) {
            return Err(Problem::bad_request("negative page value"));
        }
        let per_page = whole(params, "per_page", "non-int per_page value")?;
        if per_page.is_some_and(|per_page| per_page <= 0) {
            return Err(Problem::bad_request("invalid per_page value"));
        }
        let keep = |letter: &char| letter.is_ascii_alphanumeric() || "_-.".contains(*letter);
        let order_key: String = params.get("order_key").unwrap_or_default().chars().filter(keep).collect();
        let after = params.text("after").map(str::to_owned);
        let direction = params.text("order_direction");
        if order_key.is_empty() && direction.is_some() {
            return Err(Problem::bad_request("order_key must be specified with order_direction"));
        }
        if order_key.is_empty() && after.is_some() {
            return Err(Problem::bad_request("order_key must be specified with after"));
        }
        let descending = match direction {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(Problem::bad_request(format!("unknown order_direction: {other}"))),
        };
        let natural = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(ListOptions {
            page: page.map_or(0, natural),
            per_page: per_page.map(natural).unwrap_or(if page.is_some() { DEFAULT_PAGE } else { EVERYTHING }),
            order_key: Some(order_key).filter(|key| !key.is_empty()),
            descending,
            after,
            query: params.get("query").map(|query| query.trim().to_owned()).filter(|query| !query.is_empty()),
        })
    }

    /// Refuses `query` and `after`, for lists that cannot do either.
    pub fn without_search(self, params: &Params) -> Result<Self, Problem> {
        for name in ["query", "after"] {
            if params.text(name).is_some() {
                return Err(Problem::bad_request(format!("parameter '{name}' is not supported")));
            }
        }
        Ok(self)
    }

    /// Rows to skip; none with a cursor.
    pub fn offset(&self) -> u64 {
        if self.after.is_some() { 0 } else { self.page.saturating_mul(self.per_page) }
    }

    /// `{has_next_results, has_previous_results}` for a list of which `count` rows match.
    pub fn meta(&self, count: u64) -> Value {
        json!({
            "has_next_results": self.offset().saturating_add(self.per_page) < count,
            "has_previous_results": self.page > 0 && self.after.is_none(),
        })
    }

    /// The rows of this page.
    pub fn cut<T>(&self, rows: Vec<T>) -> Vec<T> {
        let (skip, take) = (usize::try_from(self.offset()), usize::try_from(self.per_page));
        rows.into_iter().skip(skip.unwrap_or(usize::MAX)).take(take.unwrap_or(usize::MAX)).collect()
    }
}

fn whole(params: &Params, name: &str, wrong: &str) -> Result<Option<i64>, Problem> {
    params.number(name, |_| wrong.to_owned())
}

impl FromRequest for ListOptions {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(ListOptions::parse(&Params::parse(request.query_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<ListOptions, String> {
        ListOptions::parse(&Params::parse(query)).map_err(|problem| {
            assert_eq!(problem.status().as_u16(), 400);
            problem.reason().to_owned()
        })
    }

    #[test]
    fn rest_check_24_paging() {
        assert_eq!(parse("per_page=0"), Err("invalid per_page value".into()));
        assert_eq!(parse("per_page=-1"), Err("invalid per_page value".into()));
        assert_eq!(parse("per_page=x"), Err("non-int per_page value".into()));
        assert_eq!(parse("page=-1"), Err("negative page value".into()));
        assert_eq!(parse("page=1.5"), Err("non-int page value".into()));
        assert_eq!(parse("page=0").unwrap().per_page, 20);
        assert_eq!(parse("").unwrap().per_page, 1_000_000);
        let third = parse("page=2&per_page=7").unwrap();
        assert_eq!((third.offset(), third.per_page), (14, 7));
    }

    #[test]
    fn rest_check_25_order() {
        assert_eq!(parse("order_direction=asc"), Err("order_key must be specified with order_direction".into()));
        assert_eq!(parse("order_key=id&order_direction=up"), Err("unknown order_direction: up".into()));
        assert_eq!(parse("after=5"), Err("order_key must be specified with after".into()));
        let options = parse("after=5&order_key=h.id;drop&order_direction=desc&page=3").unwrap();
        assert_eq!(options.order_key.as_deref(), Some("h.iddrop"));
        assert_eq!((options.descending, options.offset()), (true, 0));
    }

    #[test]
    fn rest_check_26_meta_on_the_first_a_middle_and_the_last_page() {
        let meta = |query: &str| {
            let meta = parse(query).unwrap().meta(5);
            (meta["has_next_results"].as_bool().unwrap(), meta["has_previous_results"].as_bool().unwrap())
        };
        assert_eq!(meta("page=0&per_page=2"), (true, false));
        assert_eq!(meta("page=1&per_page=2"), (true, true));
        assert_eq!(meta("page=2&per_page=2"), (false, true));
        assert_eq!(meta("page=9&per_page=2"), (false, true));
        assert_eq!(meta("page=0&per_page=5"), (false, false));
        assert_eq!(meta(""), (false, false));
    }

    #[test]
    fn a_page_is_cut_out_of_the_rows() {
        let cut = |query: &str| parse(query).unwrap().cut(vec![1, 2, 3, 4, 5]);
        assert_eq!(cut("page=1&per_page=2"), [3, 4]);
        assert_eq!(cut("page=2&per_page=2"), [5]);
        assert_eq!(cut("page=3&per_page=2"), Vec::<i32>::new());
        assert_eq!(cut(""), [1, 2, 3, 4, 5]);
        assert_eq!(cut("page=9223372036854775807&per_page=9223372036854775807"), Vec::<i32>::new());
    }

    #[test]
    fn searching_can_be_refused() {
        let refused = |query: &str| {
            let params = Params::parse(query);
            ListOptions::parse(&params).unwrap().without_search(&params).map_err(|problem| problem.reason().to_owned())
        };
        assert_eq!(refused("query=x"), Err("parameter 'query' is not supported".into()));
        assert_eq!(refused("after=x&order_key=id"), Err("parameter 'after' is not supported".into()));
        assert!(refused("page=1").is_ok());
        assert_eq!(parse("query=%20a%20").unwrap().query.as_deref(), Some("a"));
    }
}
