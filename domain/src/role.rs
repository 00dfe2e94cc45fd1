//! Roles, and what each may do. The API checks every route against this table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TeamId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    Maintainer,
    ObserverPlus,
    Observer,
    Gitops,
}

impl Role {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "admin" => Role::Admin,
            "maintainer" => Role::Maintainer,
            "observer_plus" => Role::ObserverPlus,
            "observer" => Role::Observer,
            "gitops" => Role::Gitops,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Maintainer => "maintainer",
            Role::ObserverPlus => "observer_plus",
            Role::Observer => "observer",
            Role::Gitops => "gitops",
        }
    }
}

/// One global role, or roles in teams; never both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Roles {
    Global(Role),
    Teams(BTreeMap<TeamId, Role>),
}

/// What an action touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Things outside any team, or all teams at once.
    Global,
    Team(TeamId),
    /// Any of the user's own scopes will do: lists that are cut to what they may see.
    Any,
}

impl From<Option<TeamId>> for Scope {
    fn from(team: Option<TeamId>) -> Self {
        team.map_or(Scope::Global, Scope::Team)
    }
}

/// What a route does, in the words of the role table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    ReadConfig,
    WriteConfig,
    ReadTeams,
    ReadTeam,
    WriteTeams,
    WriteTeam,
    ReadUsers,
    WriteUsers,
    ReadSecrets,
    WriteSecrets,
    ReadHosts,
    FindHost,
    WriteHosts,
    TransferHosts,
    LabelHosts,
    RefetchHosts,
    ReadLabels,
    WriteLabels,
    ReadQueries,
    WriteQueries,
    ReadReports,
    RunAnyQuery,
    RunObserverQuery,
    ReadTargets,
    ReadActivities,
    ReadCarves,
    ReadVersion,
    ReadLog,
}

impl Action {
    pub const ALL: [Action; 28] = [
        Action::ReadConfig,
        Action::WriteConfig,
        Action::ReadTeams,
        Action::ReadTeam,
        Action::WriteTeams,
        Action::WriteTeam,
        Action::ReadUsers,
        Action::WriteUsers,
        Action::ReadSecrets,
        Action::WriteSecrets,
        Action::ReadHosts,
        Action::FindHost,
        Action::WriteHosts,
        Action::TransferHosts,
        Action::LabelHosts,
        Action::RefetchHosts,
        Action::ReadLabels,
        Action::WriteLabels,
        Action::ReadQueries,
        Action::WriteQueries,
        Action::ReadReports,
        Action::RunAnyQuery,
        Action::RunObserverQuery,
        Action::ReadTargets,
        Action::ReadActivities,
        Action::ReadCarves,
        Action::ReadVersion,
        Action::ReadLog,
    ];

    /// Whether a global role may do this, anywhere.
    fn global(self, role: Role) -> bool {
        use Action::*;
        use Role::*;
        match self {
            ReadConfig | ReadLabels | ReadQueries | ReadVersion | ReadTeams => true,
            WriteConfig | WriteTeam => matches!(role, Admin | Gitops),
            WriteTeams | ReadUsers | WriteUsers | ReadCarves | ReadLog => role == Admin,
            ReadTeam | ReadHosts | RefetchHosts | ReadReports | ReadTargets | ReadActivities => role != Gitops,
            FindHost => true,
            ReadSecrets => matches!(role, Admin | Maintainer),
            WriteSecrets | LabelHosts | WriteLabels | WriteQueries => matches!(role, Admin | Maintainer | Gitops),
            WriteHosts => matches!(role, Admin | Maintainer),
            TransferHosts => matches!(role, Admin | Maintainer | Gitops),
            RunAnyQuery => matches!(role, Admin | Maintainer | ObserverPlus),
            RunObserverQuery => role != Gitops,
        }
    }

    /// Whether a team role may do this to its own team.
    fn team(self, role: Role) -> bool {
        use Action::*;
        use Role::*;
        match self {
            ReadConfig | ReadLabels | ReadQueries | ReadVersion | FindHost => true,
            WriteConfig | WriteTeams | ReadActivities | ReadCarves | ReadLog => false,
            ReadTeams | ReadTeam | ReadHosts | RefetchHosts | ReadReports | ReadTargets | ReadSecrets => role != Gitops,
            WriteTeam => matches!(role, Admin | Gitops),
            ReadUsers | WriteUsers => role == Admin,
            WriteSecrets | LabelHosts | WriteQueries => matches!(role, Admin | Maintainer | Gitops),
            WriteLabels | WriteHosts | TransferHosts => matches!(role, Admin | Maintainer),
            RunAnyQuery => matches!(role, Admin | Maintainer | ObserverPlus),
            RunObserverQuery => role != Gitops,
        }
    }

    /// Things outside any team that a team role may read or write all the same.
    fn reaches_global(self) -> bool {
        matches!(
            self,
            Action::ReadConfig | Action::ReadLabels | Action::WriteLabels | Action::ReadQueries | Action::ReadVersion
        )
    }
}

impl Roles {
    /// Whether someone with these roles may do `action` to `scope`.
    pub fn may(&self, action: Action, scope: Scope) -> bool {
        match (self, scope) {
            (Roles::Global(role), _) => action.global(*role),
            (Roles::Teams(teams), Scope::Team(team)) => teams.get(&team).is_some_and(|role| action.team(*role)),
            (Roles::Teams(teams), Scope::Any) => teams.values().any(|role| action.team(*role)),
            (Roles::Teams(teams), Scope::Global) => {
                action.reaches_global() && teams.values().any(|role| action.team(*role))
            }
        }
    }

    /// The teams in which `action` is allowed; `None` means everywhere, hosts without a team included.
    pub fn teams_for(&self, action: Action) -> Option<Vec<TeamId>> {
        match self {
            Roles::Global(role) if action.global(*role) => None,
            Roles::Global(_) => Some(vec![]),
            Roles::Teams(teams) => {
                Some(teams.iter().filter(|(_, role)| action.team(**role)).map(|(team, _)| *team).collect())
            }
        }
    }

    /// The global role, if that is what this is.
    pub fn global(&self) -> Option<Role> {
        match self {
            Roles::Global(role) => Some(*role),
            Roles::Teams(_) => None,
        }
    }
}
