//! All that the ledger says, folded. Cloning is cheap: the maps are shared until they are changed.

use serde::{Deserialize, Serialize};

use crate::campaign::Campaigns;
use crate::carve::Carves;
use crate::host::Hosts;
use crate::label::Labels;
use crate::query::Queries;
use crate::session::Sessions;
use crate::settings::Settings;
use crate::team::Teams;
use crate::user::Users;
use crate::{Event, TeamId, Timestamp};

/// The version of this fold: a snapshot of another one is not used.
pub const FOLD_VERSION: u32 = 5;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub hosts: Hosts,
    pub users: Users,
    pub sessions: Sessions,
    pub teams: Teams,
    pub settings: Settings,
    pub queries: Queries,
    pub labels: Labels,
    pub campaigns: Campaigns,
    pub carves: Carves,
}

impl State {
    /// Whether hosts of a team, or without one, have a feature, `enable_host_users`: the team says, else the organisation.
    pub fn has_feature(&self, team: Option<TeamId>, feature: &str) -> bool {
        let own = team.and_then(|team| self.teams.get(team)?.settings.get("features")?.get(feature)?.as_bool());
        own.unwrap_or_else(|| self.settings.is_on(&format!("/features/{feature}")))
    }

    /// Folds one event that was decided at `at`. Total: no rules, no errors.
    pub fn evolve(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::HostEnrolled(event) => self.hosts.enrolled(event, at),
            Event::HostKeyReplaced(event) => self.hosts.key_replaced(event, at),
            Event::HostContested(event) => self.hosts.contested(event),
            Event::HostsTransferred(event) => self.hosts.transferred(event),
            Event::HostsDeleted(event) => {
                self.hosts.deleted(event);
                self.labels.hosts_deleted(&event.hosts);
            }
            Event::UserCreated(event) => self.users.created(event, at),
            Event::UserChanged(event) => self.users.changed(event, at),
            Event::PasswordChanged(event) => self.users.password_changed(event, at),
            Event::UserDeleted(event) => {
                self.users.deleted(event);
                self.sessions.user_deleted(event.user);
            }
            Event::PersonErased(event) => self.users.erased(event),
            Event::SessionStarted(event) => {
                let users = &self.users;
                self.sessions.started(event, at, |id| users.get(id).is_some_and(|user| user.api_only));
            }
            Event::SessionUsed(event) => self.sessions.used(event, at),
            Event::SessionEnded(event) => self.sessions.ended(event),
            Event::TeamCreated(event) => self.teams.created(event, at),
            Event::TeamChanged(event) => self.teams.changed(event),
            Event::TeamDeleted(event) => {
                self.teams.deleted(event);
                self.hosts.team_deleted(event.team);
                self.users.team_deleted(event.team);
                self.queries.team_deleted(event.team);
            }
            Event::EnrollSecretsReplaced(event) => self.teams.secrets_replaced(event),
            Event::SettingsChanged(event) => self.settings.changed(event),
            Event::QueryCreated(event) => self.queries.created(event, at),
            Event::QueryChanged(event) => self.queries.changed(event, at),
            Event::QueryDeleted(event) => self.queries.deleted(event),
            Event::LabelCreated(event) => self.labels.created(event, at),
            Event::LabelChanged(event) => self.labels.changed(event, at),
            Event::LabelRedefined(event) => self.labels.redefined(event, at),
            Event::LabelMembersChanged(event) => self.labels.members_changed(event, at),
            Event::LabelDeleted(event) => {
                self.labels.deleted(event);
                self.queries.label_deleted(event.label);
            }
            Event::CampaignStarted(event) => self.campaigns.started(event, at),
            Event::CampaignExtended(event) => self.campaigns.extended(event),
            Event::CampaignEnded(event) => self.campaigns.ended(event, at),
            Event::CarveBegun(event) => self.carves.begun(event, at),
            Event::CarveEnded(event) => self.carves.ended(event, at),
        }
        if changes_config(event) {
            self.settings.revision += 1;
        }
    }
}

/// Whether what hosts get as their config may differ after this.
fn changes_config(event: &Event) -> bool {
    matches!(
        event,
        Event::SettingsChanged(_)
            | Event::TeamCreated(_)
            | Event::TeamChanged(_)
            | Event::TeamDeleted(_)
            | Event::QueryCreated(_)
            | Event::QueryChanged(_)
            | Event::QueryDeleted(_)
            | Event::LabelRedefined(_)
            | Event::LabelMembersChanged(_)
            | Event::LabelDeleted(_)
    )
}
