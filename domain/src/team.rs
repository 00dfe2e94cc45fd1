//! Teams, and the enroll secrets that lead into them.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::settings::Settings;
use crate::state::State;
use crate::{Event, KeyedDigest, Refusal, Sealed, TeamId, Timestamp};

/// How many enroll secrets a scope may have.
const SECRETS_LIMIT: usize = 50;

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

/// A secret that lets a host enrol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnrollSecret {
    /// Unique over all scopes.
    pub digest: KeyedDigest,
    pub sealed: Sealed,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    pub team: TeamId,
    pub name: String,
    pub description: String,
    pub agent_options: Option<Arc<Value>>,
    pub settings: Arc<Value>,
}

/// The new value of what changed; absent parts stay. `agent_options` is JSON `null` when it was cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    pub team: TeamId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub agent_options: Change<Option<Arc<Value>>>,
    pub settings: Option<Arc<Value>>,
}

/// A part that stays, or its new value; told apart even where the new value is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    #[default]
    Keep,
    Set(T),
}

/// A deleted team's hosts belong to no team; its queries and secrets are gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    pub team: TeamId,
}

/// All enroll secrets of a scope, replaced at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretsReplaced {
    pub team: Option<TeamId>,
    pub secrets: Vec<EnrollSecret>,
}

/// The settings that a new team starts with: the organisation's features, and everything else off.
pub fn default_settings(global: &Settings) -> Value {
    json!({
        "features": global.section("features").cloned().unwrap_or(Value::Null),
        "host_expiry_settings": {"host_expiry_enabled": false, "host_expiry_window": 0},
        "webhook_settings": {
            "host_status_webhook": null,
            "failing_policies_webhook": {
                "enable_failing_policies_webhook": false, "destination_url": "", "policy_ids": null, "host_batch_size": 0
            }
        },
        "integrations": {"jira": null, "zendesk": null, "google_calendar": null, "conditional_access_enabled": null},
        "scripts": null
    })
}

#[derive(Clone, Debug)]
pub enum Command {
    Create {
        name: String,
        description: String,
        agent_options: Option<Arc<Value>>,
        settings: Arc<Value>,
        secrets: Vec<(KeyedDigest, Sealed)>,
    },
    Change {
        team: TeamId,
        name: Option<String>,
        description: Option<String>,
        agent_options: Change<Option<Arc<Value>>>,
        settings: Option<Arc<Value>>,
    },
    Delete {
        team: TeamId,
    },
    ReplaceSecrets {
        team: Option<TeamId>,
        secrets: Vec<(KeyedDigest, Sealed)>,
    },
}

impl Command {
    pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let teams = &state.teams;
        match self {
            Command::Create { name, description, agent_options, settings, secrets } => {
                teams.check_name(name, None)?;
                let team = TeamId(teams.newest + 1);
                let created = Created {
                    team,
                    name: name.trim().to_owned(),
                    description: description.clone(),
                    agent_options: agent_options.clone(),
                    settings: settings.clone(),
                };
                let secrets = teams.check_secrets(Some(team), secrets, now)?;
                Ok(vec![created.into(), SecretsReplaced { team: Some(team), secrets }.into()])
            }
            Command::Change { team, name, description, agent_options, settings } => {
                let held = teams.find(*team)?;
                if let Some(name) = name {
                    teams.check_name(name, Some(*team))?;
                }
                let changed = Changed {
                    team: *team,
                    name: name.as_ref().map(|name| name.trim().to_owned()).filter(|new| *new != held.name),
                    description: description.clone().filter(|new| *new != held.description),
                    agent_options: match agent_options {
                        Change::Set(new) if *new != held.agent_options => Change::Set(new.clone()),
                        _ => Change::Keep,
                    },
                    settings: settings.clone().filter(|new| *new != held.settings),
                };
                let nothing = changed.name.is_none()
                    && changed.description.is_none()
                    && changed.agent_options == Change::Keep
                    && changed.settings.is_none();
                Ok(if nothing { vec![] } else { vec![changed.into()] })
            }
            Command::Delete { team } => {
                teams.find(*team)?;
                Ok(vec![Deleted { team: *team }.into()])
            }
            Command::ReplaceSecrets { team, secrets } => {
                if let Some(team) = team {
                    teams.find(*team)?;
                }
                let secrets = teams.check_secrets(*team, secrets, now)?;
                let digests = |secrets: &[EnrollSecret]| secrets.iter().map(|one| one.digest).collect::<Vec<_>>();
                if digests(&secrets) == digests(teams.secrets(*team)) {
                    return Ok(vec![]);
                }
                Ok(vec![SecretsReplaced { team: *team, secrets }.into()])
            }
        }
    }
}

/// Teams and enroll secrets, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Teams {
    teams: OrdMap<TeamId, Team>,
    by_name: HashMap<String, TeamId>,
    secrets: OrdMap<Option<TeamId>, Arc<[EnrollSecret]>>,
    by_secret: HashMap<KeyedDigest, Option<TeamId>>,
    newest: u32,
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

    fn find(&self, id: TeamId) -> Result<&Team, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("Team", id))
    }

    fn check_name(&self, name: &str, own: Option<TeamId>) -> Result<(), Refusal> {
        let folded = name.trim().to_lowercase();
        if folded.is_empty() {
            return Err(Refusal::invalid("name", "may not be empty"));
        }
        if folded == "all teams" || folded == "no team" {
            return Err(Refusal::invalid("name", format!("{:?} is a reserved team name", name.trim())));
        }
        match self.by_name.get(&folded) {
            Some(holder) if Some(*holder) != own => Err(Refusal::taken("Team", name.trim())),
            _ => Ok(()),
        }
    }

    /// Keeps the time of secrets that the scope had already.
    fn check_secrets(
        &self,
        team: Option<TeamId>,
        secrets: &[(KeyedDigest, Sealed)],
        now: Timestamp,
    ) -> Result<Vec<EnrollSecret>, Refusal> {
        if secrets.len() > SECRETS_LIMIT {
            return Err(Refusal::invalid("secrets", "too many secrets"));
        }
        let mut kept: Vec<EnrollSecret> = Vec::with_capacity(secrets.len());
        for (digest, sealed) in secrets {
            if self.by_secret.get(digest).is_some_and(|holder| *holder != team)
                || kept.iter().any(|one| one.digest == *digest)
            {
                return Err(Refusal::taken("secret", "********"));
            }
            let held = self.secrets(team).iter().find(|one| one.digest == *digest);
            kept.push(held.cloned().unwrap_or(EnrollSecret {
                digest: *digest,
                sealed: sealed.clone(),
                created_at: now,
            }));
        }
        Ok(kept)
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
