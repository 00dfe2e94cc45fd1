//! Whole lists, read page by page.

use serde_json::{Map, Value};

use super::{Client, Failure, Path};

/// Items asked for at once.
const PER_PAGE: usize = 500;

/// How the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By number. What is added or removed meanwhile may shift an item over the edge of a page.
    Numbered,
    /// By the id of the last item seen, which nothing shifts.
    AfterId,
}

/// A list that is being read.
pub struct Pages<'a> {
    client: &'a Client,
    path: Path,
    key: &'static str,
    paging: Paging,
    left: usize,
    page: usize,
    last: Option<Value>,
    done: bool,
}

/// Some items of a list.
pub struct Page {
    /// The items, as the server sent them.
    pub items: Vec<Value>,
    /// With `as_of`: the time up to which the server's views are complete.
    pub complete_to: Option<String>,
}

impl<'a> Pages<'a> {
    /// The list under `key` of the answer to `path`; at most `limit` items of it.
    pub fn new(client: &'a Client, path: Path, key: &'static str, paging: Paging, limit: Option<usize>) -> Self {
        let left = limit.unwrap_or(usize::MAX);
        Self { client, path, key, paging, left, page: 0, last: None, done: left == 0 }
    }

    /// The next page, which may be empty; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Page>, Failure> {
        if self.done {
            return Ok(None);
        }
        let mut body: Map<String, Value> = self.client.get(&self.request()).await?;
        let items = match body.remove(self.key) {
            Some(Value::Array(items)) => items,
            // An empty list may come as null, or not at all.
            _ => Vec::new(),
        };
        let complete_to = body.get("complete_to").and_then(Value::as_str).map(str::to_owned);
        let items = self.accept(items);
        Ok(Some(Page { items, complete_to }))
    }

    fn request(&self) -> Path {
        let path = self.path.clone().with("per_page", PER_PAGE);
        match self.paging {
            Paging::Numbered => path.with("page", self.page),
            Paging::AfterId => path.with("order_key", "id").with_some("after", self.last.as_ref()),
        }
    }

    /// Notes where to go on. Only a full page has another behind it; a list that does not page (more items than
    /// asked for, or the same again) is complete as it came.
    fn accept(&mut self, mut items: Vec<Value>) -> Vec<Value> {
        let end = match self.paging {
            Paging::Numbered => items.first().cloned(),
            Paging::AfterId => items.last().map(|item| item["id"].clone()),
        };
        if end.is_some() && end == self.last {
            items.clear();
        }
        self.done = items.len() != PER_PAGE || end.as_ref().is_none_or(Value::is_null);
        self.last = end;
        self.page += 1;
        if items.len() >= self.left {
            items.truncate(self.left);
            self.done = true;
        }
        self.left -= items.len();
        items
    }
}
