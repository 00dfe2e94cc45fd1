//! The rules of teams: unique names, and enroll secrets that lead to one scope only.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Change, Changed, Created, Deleted, EnrollSecret, SecretsReplaced, Team, Teams};
use crate::settings::Settings;
use crate::state::State;
use crate::{Event, KeyedDigest, Refusal, Sealed, TeamId, Timestamp};

/// How many enroll secrets a scope may have.
const SECRETS_LIMIT: usize = 50;

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

impl Teams {
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
        match self.by_name(&folded) {
            Some(holder) if Some(holder.id) != own => Err(Refusal::taken("Team", name.trim())),
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
            if self.scope_of_secret(digest).is_some_and(|holder| holder != team)
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
}
