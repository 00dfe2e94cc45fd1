//! Texts that are added to every log line, from the first rows of decorator queries.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Decorators;
use crate::queries::Queries;
use crate::schedule::due::is_due;

/// The present decorations, shared by all who write lines.
#[derive(Clone, Debug, Default)]
pub struct Decorations(Arc<RwLock<BTreeMap<String, String>>>);

impl Decorations {
    pub fn present(&self) -> BTreeMap<String, String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what the earlier configuration brought and runs the new one's `load` queries.
    /// Returns one complaint for each query that failed.
    pub async fn load(&self, queries: &dyn Queries, decorators: &Decorators) -> Vec<String> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.run(queries, &decorators.load).await
    }

    /// Runs what is to run before every scheduled query.
    pub async fn always(&self, queries: &dyn Queries, decorators: &Decorators) -> Vec<String> {
        self.run(queries, &decorators.always).await
    }

    /// Runs what is to run at intervals and is due.
    pub async fn interval(
        &self,
        queries: &dyn Queries,
        decorators: &Decorators,
        previous: u64,
        now: u64,
    ) -> Vec<String> {
        let mut complaints = Vec::new();
        for (seconds, sqls) in &decorators.interval {
            if is_due(previous, now, *seconds) {
                complaints.extend(self.run(queries, sqls).await);
            }
        }
        complaints
    }

    async fn run(&self, queries: &dyn Queries, sqls: &[String]) -> Vec<String> {
        let mut complaints = Vec::new();
        for sql in sqls {
            match queries.query(sql).await {
                Ok(answer) => {
                    let first = answer.rows.into_iter().next().unwrap_or_default();
                    self.0.write().unwrap_or_else(PoisonError::into_inner).extend(first);
                }
                Err(why) => complaints.push(format!("the decorator {sql} failed: {why}")),
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::scripted::Scripted;

    #[tokio::test]
    async fn first_rows_become_decorations_until_the_next_load() {
        let queries = Scripted::default();
        queries.set("load", &[&[("uuid", "u")], &[("uuid", "second row")]]);
        queries.set("hourly", &[&[("load", "0.1")]]);
        let decorators = Decorators {
            load: vec!["load".into(), "broken".into()],
            always: vec![],
            interval: BTreeMap::from([(3600, vec!["hourly".into()])]),
        };
        let decorations = Decorations::default();
        assert_eq!(decorations.load(&queries, &decorators).await, ["the decorator broken failed: no such table"]);
        assert_eq!(decorations.present(), BTreeMap::from([("uuid".into(), "u".into())]));
        assert!(decorations.interval(&queries, &decorators, 3600, 7199).await.is_empty());
        assert_eq!(decorations.present().len(), 1);
        decorations.interval(&queries, &decorators, 7199, 7200).await;
        assert_eq!(decorations.present().get("load").map(String::as_str), Some("0.1"));
        decorations.load(&queries, &Decorators::default()).await;
        assert!(decorations.present().is_empty());
    }
}
