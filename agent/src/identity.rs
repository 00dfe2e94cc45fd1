//! Who this machine is: to the server, and to restrictions in the configuration.

use std::collections::BTreeMap;

use agent_protocol::Row;
use agent_protocol::request::HostDetails;

use crate::config::Machine;
use crate::ports::Dice;
use crate::queries::Queries;
use crate::state::{self, State};

/// What the server is to know this machine by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Identifier {
    /// The hardware's UUID.
    #[default]
    Uuid,
    /// The name of the machine; two machines of one name collide.
    Hostname,
    /// A UUID drawn at the first start, for machines that are clones of each other.
    Instance,
}

impl Identifier {
    /// osquery's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Identifier::Uuid => "uuid",
            Identifier::Hostname => "hostname",
            Identifier::Instance => "instance",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As chosen, or the instance id when the machine has no such thing.
    pub identifier: String,
    /// Drawn at the first start.
    pub instance_id: String,
    /// The hardware's UUID, empty if it has none.
    pub uuid: String,
    pub machine: Machine,
}

impl Identity {
    /// Asks the tables who this machine is. `version` is that of the osquery whose tables are spoken.
    ///
    /// A table that cannot be asked, on a machine busy with its own start, says what it said at an earlier start: else
    /// the machine would be another host, or none of the platform that its schedule is for.
    pub async fn find(
        queries: &dyn Queries,
        state: &State,
        wish: Identifier,
        instance_id: String,
        version: &str,
    ) -> Self {
        let system = row_or_earlier(queries, state, "SELECT hostname, uuid FROM system_info").await;
        let os = row_or_earlier(queries, state, "SELECT platform FROM os_version").await;
        let text = |row: &Row, column| row.get(column).unwrap_or_default().to_owned();
        let (hostname, uuid) = (text(&system, "hostname"), text(&system, "uuid"));
        let wished = match wish {
            Identifier::Uuid if is_placeholder(&uuid) => "",
            Identifier::Uuid => &uuid,
            Identifier::Hostname => &hostname,
            Identifier::Instance => &instance_id,
        };
        let identifier = if wished.is_empty() { instance_id.clone() } else { wished.to_owned() };
        let machine = Machine { platform: text(&os, "platform"), version: version.to_owned(), hostname };
        Identity { identifier, instance_id, uuid, machine }
    }
}

/// The id drawn at the first start; drawn now if this is it.
pub fn instance_id(state: &State, dice: &dyn Dice) -> state::Result<String> {
    const NAME: &str = "instance_id";
    if let Some(known) = state.get(NAME)? {
        return Ok(known);
    }
    let random = (u128::from(dice.roll()) << 64) | u128::from(dice.roll());
    let drawn = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid().to_string();
    state.set(&[(NAME, &drawn)])?;
    Ok(drawn)
}

/// What the server is told at enrolment. A table without a row, or that cannot be asked, is left out.
pub async fn host_details(queries: &dyn Queries) -> HostDetails {
    let mut details = BTreeMap::new();
    for table in ["os_version", "osquery_info", "system_info", "platform_info"] {
        if let Some(row) = first_row(queries, &format!("SELECT * FROM {table}")).await {
            details.insert(table.to_owned(), row.into_iter().collect());
        }
    }
    details
}

/// osquery's bit mask: 1 POSIX, 2 Windows, 4 BSD, 8 Linux, 16 macOS.
pub const PLATFORM_TYPE: &str = if cfg!(target_os = "linux") {
    "9"
} else if cfg!(target_os = "macos") {
    "21"
} else if cfg!(windows) {
    "2"
} else {
    "1"
};

/// The first row or, of a query that fails, the one that an earlier start was given. Empty if there is none.
async fn row_or_earlier(queries: &dyn Queries, state: &State, sql: &str) -> Row {
    let name = format!("earlier {sql}");
    let earlier = state.get(&name).unwrap_or_else(|cause| {
        tracing::error!("{cause}");
        None
    });
    let Ok(answer) = queries.query(sql).await else {
        tracing::warn!("{sql} failed; what an earlier start was told is believed");
        return earlier.and_then(|row| serde_json::from_str(&row).ok()).unwrap_or_default();
    };
    let row = answer.rows.into_iter().next().unwrap_or_default();
    let text = serde_json::to_string(&row).expect("a row is a map of text");
    if earlier.as_ref() != Some(&text)
        && let Err(cause) = state.set(&[(&name, &text)])
    {
        tracing::error!("{cause}");
    }
    row
}

async fn first_row(queries: &dyn Queries, sql: &str) -> Option<Row> {
    match queries.query(sql).await {
        Ok(answer) => answer.rows.into_iter().next(),
        Err(why) => {
            tracing::debug!("{sql}: {why}");
            None
        }
    }
}

/// UUIDs that makers of mainboards left as they were, so that many machines have them.
pub fn is_placeholder(uuid: &str) -> bool {
    const KNOWN: [&str; 4] = [
        "00000000-0000-0000-0000-000000000000",
        "03000200-0400-0500-0006-000700080009",
        "10000000-0000-8000-0040-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    KNOWN.contains(&uuid.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::fixed::Fixed;
    use crate::queries::QueryError;
    use crate::queries::scripted::Scripted;

    async fn identifier(wish: Identifier, uuid: &str, hostname: &str) -> String {
        let queries = Scripted::default();
        queries.set("SELECT hostname, uuid FROM system_info", &[&[("hostname", hostname), ("uuid", uuid)]]);
        let state = State::in_memory().unwrap();
        Identity::find(&queries, &state, wish, "drawn".into(), "5").await.identifier
    }

    #[tokio::test]
    async fn the_identifier_is_the_wished_one_or_drawn() {
        assert_eq!(identifier(Identifier::Uuid, "4C4C", "web-01").await, "4C4C");
        assert_eq!(identifier(Identifier::Uuid, "03000200-0400-0500-0006-000700080009", "web-01").await, "drawn");
        assert_eq!(identifier(Identifier::Uuid, "", "web-01").await, "drawn");
        assert_eq!(identifier(Identifier::Hostname, "4C4C", "web-01").await, "web-01");
        assert_eq!(identifier(Identifier::Instance, "4C4C", "web-01").await, "drawn");
    }

    #[tokio::test]
    async fn tables_that_cannot_be_asked_leave_the_identity_as_it_was() {
        let (queries, state) = (Scripted::default(), State::in_memory().unwrap());
        let find = async || Identity::find(&queries, &state, Identifier::Uuid, "drawn".into(), "5").await;
        queries.set("SELECT hostname, uuid FROM system_info", &[&[("hostname", "web-01"), ("uuid", "4C4C")]]);
        queries.set("SELECT platform FROM os_version", &[&[("platform", "debian")]]);
        let known = find().await;
        assert_eq!((known.identifier.as_str(), known.machine.platform.as_str()), ("4C4C", "debian"));
        for sql in ["SELECT hostname, uuid FROM system_info", "SELECT platform FROM os_version"] {
            queries.fail(sql, QueryError::sql("query worker failed"));
        }
        assert_eq!(find().await, known);
    }

    #[test]
    fn the_instance_id_is_drawn_once() {
        let state = State::in_memory().unwrap();
        let drawn = instance_id(&state, &Fixed(7)).unwrap();
        assert_eq!(drawn, "00000000-0000-4007-8000-000000000007");
        assert_eq!(instance_id(&state, &Fixed(8)).unwrap(), drawn);
    }

    #[tokio::test]
    async fn tables_without_a_row_are_absent_from_the_details() {
        let queries = Scripted::default();
        queries.set("SELECT * FROM os_version", &[&[("name", "Debian")]]);
        queries.set("SELECT * FROM platform_info", &[]);
        let details = host_details(&queries).await;
        assert_eq!(details.keys().collect::<Vec<_>>(), ["os_version"]);
        assert_eq!(details["os_version"]["name"], "Debian");
    }
}
