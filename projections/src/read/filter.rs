//! Which hosts a list is about.

use domain::{LabelId, Members, TeamId, Timestamp};
use infra_stores::Statement;

use super::{NOW, serving};

/// The hosts that a user may see, by their teams.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TeamScope {
    #[default]
    All,
    /// `None` stands for hosts without a team.
    Teams(Vec<Option<TeamId>>),
}

impl TeamScope {
    pub(super) fn numbers(teams: &[Option<TeamId>]) -> impl Iterator<Item = u32> + '_ {
        teams.iter().map(|team| team.map_or(0, |team| team.0))
    }

    /// Narrows a statement about `host h`. The past of a host is for those who may see its team then and now.
    pub(super) fn narrow(&self, statement: Statement, as_of: Timestamp) -> Statement {
        let TeamScope::Teams(teams) = self else { return statement };
        let statement = statement.push(" AND h.team IN ").list(Self::numbers(teams));
        if as_of >= NOW {
            return statement;
        }
        let now = " AND (SELECT l.team FROM host l WHERE l.version = h.version AND l.host = h.host \
                   ORDER BY l.since DESC LIMIT 1) IN ";
        statement.push(now).list(Self::numbers(teams))
    }
}

/// What a list of hosts is narrowed by; all of it must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostFilter {
    pub scope: TeamScope,
    /// Of this team; `Some(None)` for hosts without one.
    pub team: Option<Option<TeamId>>,
    pub label: Option<LabelId>,
    /// In hostname, computer name, display name, uuid, serial or primary address, whatever the case.
    pub search: Option<String>,
    /// One of these platforms.
    pub platforms: Option<Vec<String>>,
    /// Name and version of the operating system.
    pub os: Option<(String, String)>,
    /// Less than this many GiB free on the root disk, which is known.
    pub low_disk_gigs: Option<u32>,
    /// One of these (online, seen in the last days …): what the caller knows from memory.
    pub among: Option<Members>,
}

/// How the members of a label are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelKind {
    All,
    Dynamic,
    Manual,
}

/// What a statement asks of hosts beside what the ledger says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub index: bool,
    pub seen: bool,
}

impl HostFilter {
    /// Hosts with what is asked of them: `h` from the ledger; `i` from their reports and `s` for when they were seen,
    /// where the filter or the caller needs them.
    pub(super) fn from(
        &self,
        statement: Statement,
        as_of: Timestamp,
        label: Option<LabelKind>,
        needs: Needs,
    ) -> Statement {
        let mut statement = statement.push(" FROM host h");
        if needs.index || self.needs_index() {
            statement = statement.push(" LEFT JOIN host_index i ON i.version = ").push(serving::FACTS);
            statement = statement.push(" AND i.host = h.host AND i.since <= ? AND i.until > ?").bind(as_of).bind(as_of);
        }
        if needs.seen {
            statement = statement
                .push(" LEFT JOIN host_seen s ON s.version = ")
                .push(serving::SEEN)
                .push(" AND s.host = h.host");
        }
        let statement = statement.push(" WHERE h.version = ").push(serving::HOSTS);
        let statement = statement.push(" AND h.since <= ? AND h.until > ?").bind(as_of).bind(as_of);
        let statement = self.scope.narrow(statement, as_of);
        let statement = match self.team {
            Some(team) => statement.push(" AND h.team = ?").bind(team.map_or(0, |team| team.0)),
            None => statement,
        };
        let statement = self.labelled(statement, as_of, label);
        let statement = self.searched(statement);
        self.described(statement)
    }

    fn needs_index(&self) -> bool {
        self.search.is_some() || self.platforms.is_some() || self.os.is_some() || self.low_disk_gigs.is_some()
    }

    fn labelled(&self, statement: Statement, as_of: Timestamp, kind: Option<LabelKind>) -> Statement {
        let (Some(label), Some(kind)) = (self.label, kind) else { return statement };
        let (table, version) = match kind {
            LabelKind::All => return statement,
            LabelKind::Dynamic => ("label_host", serving::FACTS),
            LabelKind::Manual => ("label_manual", serving::LABELS),
        };
        // A list that is made once; asked for host by host, some engines walk all members each time.
        let statement = statement.push(" AND h.host IN (SELECT m.host FROM ").push(table).push(" m WHERE m.label = ?");
        let statement = statement.bind(label.0).push(" AND m.since <= ? AND m.until > ?").bind(as_of).bind(as_of);
        statement.push(" AND m.version = ").push(version).push(")")
    }

    fn searched(&self, statement: Statement) -> Statement {
        let Some(pattern) = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(pattern) else {
            return statement;
        };
        let columns = [
            " AND (i.hostname",
            " OR i.computer_name",
            " OR i.display_name",
            " OR i.uuid",
            " OR i.hardware_serial",
            " OR i.primary_ip",
        ];
        let matched =
            |statement: Statement, column| statement.push(column).push(" LIKE ? ESCAPE '!'").bind(pattern.as_str());
        columns.into_iter().fold(statement, matched).push(")")
    }

    fn described(&self, mut statement: Statement) -> Statement {
        if let Some(platforms) = &self.platforms {
            // Until it has reported, a host is what its enrolment said.
            statement = statement.push(" AND COALESCE(NULLIF(i.platform, ''), LOWER(h.platform)) IN ");
            statement = statement.list(platforms.iter().map(|platform| platform.to_lowercase()));
        }
        if let Some((name, version)) = &self.os {
            statement = statement.push(" AND i.os_name = ? AND i.os_number = ?");
            statement = statement.bind(name.to_lowercase()).bind(version.to_lowercase());
        }
        if let Some(gigs) = self.low_disk_gigs {
            statement = statement.push(" AND i.disk_total > 0 AND i.disk_available < ?").bind(i64::from(gigs) * 1024);
        }
        statement
    }
}

/// A substring as a LIKE pattern, in lower case as the columns are.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for one in text.to_lowercase().chars() {
        if matches!(one, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(one);
    }
    pattern.push('%');
    pattern
}
