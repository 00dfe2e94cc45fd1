//! Teams and enroll secrets, folded from the ledger.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Changed, Created, Deleted, EnrollSecret, SecretsReplaced};
use crate::{KeyedDigest, TeamId, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub description: String,
    /// Agent options of the team; `None` means the global ones.
    pub agent_options: Option<Arc<Value>>,
    /// The other settings of a team (`features`, `webhook_settings`, `host_expiry_settings` …) as the API shows them.
    pub settings: Arc<Value>,
    pub created_at: Timestamp,
}

/// Teams and enroll secrets, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Teams {
    teams: OrdMap<TeamId, Team>,
    by_name: HashMap<String, TeamId>,
    secrets: OrdMap<Option<TeamId>, Arc<[EnrollSecret]>>,
    by_secret: HashMap<KeyedDigest, Option<TeamId>>,
    /// The id of the newest that ever was.
    pub(super) newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    teams: Vec<Team>,
    secrets: Vec<(Option<TeamId>, Arc<[EnrollSecret]>)>,
    newest: u32,
}

impl Teams {
    pub fn get(&self, id: TeamId) -> Option<&Team> {
        self.teams.get(&id)
    }

    /// By name, without regard to case.
    pub fn by_name(&self, name: &str) -> Option<&Team> {
        self.teams.get(self.by_name.get(&name.trim().to_lowercase())?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }

    pub fn secrets(&self, team: Option<TeamId>) -> &[EnrollSecret] {
        self.secrets.get(&team).map_or(&[], |secrets| secrets)
    }

    /// Where a secret leads: `Some(None)` is no team, `None` is nowhere.
    pub fn scope_of_secret(&self, digest: &KeyedDigest) -> Option<Option<TeamId>> {
        self.by_secret.get(digest).copied()
    }

    pub(crate) fn created(&mut self, event: &Created, at: Timestamp) {
        self.newest = self.newest.max(event.team.0);
        self.by_name.insert(event.name.to_lowercase(), event.team);
        self.teams.insert(event.team, Team::created(event, at));
    }

    pub(crate) fn changed(&mut self, event: &Changed) {
        let Some(team) = self.teams.get_mut(&event.team) else { return };
        if let Some(name) = &event.name {
            self.by_name.remove(&team.name.to_lowercase());
            self.by_name.insert(name.to_lowercase(), event.team);
        }
        team.change(event);
    }

    pub(crate) fn deleted(&mut self, event: &Deleted) {
        self.secrets_replaced(&SecretsReplaced { team: Some(event.team), secrets: vec![] });
        self.secrets.remove(&Some(event.team));
        if let Some(team) = self.teams.remove(&event.team) {
            self.by_name.remove(&team.name.to_lowercase());
        }
    }

    pub(crate) fn secrets_replaced(&mut self, event: &SecretsReplaced) {
        for old in self.secrets(event.team).to_vec() {
            self.by_secret.remove(&old.digest);
        }
        for new in &event.secrets {
            self.by_secret.insert(new.digest, event.team);
        }
        self.secrets.insert(event.team, event.secrets.clone().into());
    }
}

impl Team {
    pub fn created(event: &Created, at: Timestamp) -> Team {
        Team {
            id: event.team,
            name: event.name.clone(),
            description: event.description.clone(),
            agent_options: event.agent_options.clone(),
            settings: event.settings.clone(),
            created_at: at,
        }
    }

    pub fn change(&mut self, event: &Changed) {
        if let Some(name) = &event.name {
            self.name = name.clone();
        }
        if let Some(description) = &event.description {
            self.description = description.clone();
        }
        if let Change::Set(options) = &event.agent_options {
            self.agent_options = options.clone();
        }
        if let Some(settings) = &event.settings {
            self.settings = settings.clone();
        }
    }
}

impl From<Teams> for Kept {
    fn from(teams: Teams) -> Self {
        Kept {
            teams: teams.teams.values().cloned().collect(),
            secrets: teams.secrets.iter().map(|(team, secrets)| (*team, secrets.clone())).collect(),
            newest: teams.newest,
        }
    }
}

impl From<Kept> for Teams {
    fn from(kept: Kept) -> Self {
        Teams {
            by_name: kept.teams.iter().map(|team| (team.name.to_lowercase(), team.id)).collect(),
            teams: kept.teams.into_iter().map(|team| (team.id, team)).collect(),
            by_secret: kept.secrets.iter().flat_map(|(team, all)| all.iter().map(|one| (one.digest, *team))).collect(),
            secrets: kept.secrets.into_iter().collect(),
            newest: kept.newest,
        }
    }
}
