//! Whether a pack is meant for this machine now: all its discovery queries must return rows.
//! The answer is kept for `pack_refresh_interval`; an error counts as no.

use std::collections::HashMap;

use crate::config::PlannedPack;
use crate::queries::Queries;

/// What was found, by pack, and when.
#[derive(Default)]
pub struct Discovery(HashMap<String, (u64, bool)>);

impl Discovery {
    /// Whether `pack` runs at `now`, and a complaint if a query of it failed.
    pub async fn is_active(
        &mut self,
        queries: &dyn Queries,
        pack: &PlannedPack,
        now: u64,
        keep: u64,
    ) -> (bool, Option<String>) {
        if pack.discovery.is_empty() {
            return (true, None);
        }
        if let Some(&(found_at, active)) = self.0.get(&pack.name)
            && found_at <= now
            && now - found_at < keep
        {
            return (active, None);
        }
        let (active, complaint) = discover(queries, pack).await;
        self.0.insert(pack.name.clone(), (now, active));
        (active, complaint)
    }
}

async fn discover(queries: &dyn Queries, pack: &PlannedPack) -> (bool, Option<String>) {
    for sql in &pack.discovery {
        match queries.query(sql).await {
            Ok(answer) if answer.rows.is_empty() => return (false, None),
            Ok(_) => {}
            Err(why) => {
                return (false, Some(format!("the pack {} rests: its discovery query {sql} failed: {why}", pack.name)));
            }
        }
    }
    (true, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::scripted::Scripted;

    fn pack(discovery: &[&str]) -> PlannedPack {
        PlannedPack {
            name: "p".into(),
            discovery: discovery.iter().map(|sql| (*sql).to_owned()).collect(),
            queries: vec![],
        }
    }

    #[tokio::test]
    async fn all_queries_must_return_rows() {
        let queries = Scripted::default();
        queries.set("rows", &[&[("a", "1")]]);
        queries.set("none", &[]);
        for (discovery, active) in
            [(&[][..], true), (&["rows"], true), (&["rows", "none"], false), (&["rows", "broken"], false)]
        {
            let (found, complaint) = Discovery::default().is_active(&queries, &pack(discovery), 0, 3600).await;
            assert_eq!((found, complaint.is_some()), (active, discovery.contains(&"broken")), "{discovery:?}");
        }
    }

    #[tokio::test]
    async fn the_answer_is_kept_for_an_hour() {
        let queries = Scripted::default();
        queries.set("sql", &[]);
        let mut discovery = Discovery::default();
        assert!(!discovery.is_active(&queries, &pack(&["sql"]), 100, 3600).await.0);
        queries.set("sql", &[&[("a", "1")]]);
        assert!(!discovery.is_active(&queries, &pack(&["sql"]), 3699, 3600).await.0);
        assert!(discovery.is_active(&queries, &pack(&["sql"]), 3700, 3600).await.0);
        assert_eq!(queries.asked().len(), 2);
    }
}
