//! Every event the ledger may hold, under the name and version that it is stored with.
//!
//! A payload struct is the newest stored shape of its event. When a shape changes, the old struct moves to
//! [`stored`](crate::stored) with a `From`, and the version here goes up by one: nothing else reads old shapes.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shape::schema_of;
use crate::stored;
use crate::{campaign, carve, host, label, query, session, settings, team, user};

macro_rules! events {
    ($($name:literal v $version:literal => $variant:ident($payload:path);)*) => {
        /// Something that was decided.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event { $($variant($payload),)* }

        impl Event {
            /// The stored type, `host.enrolled`.
            pub fn name(&self) -> &'static str {
                match self { $(Event::$variant(_) => $name,)* }
            }

            /// Every stored type, with the version of its newest shape.
            pub const NEWEST: &'static [(&'static str, u32)] = &[$(($name, $version),)*];

            /// The version of the stored shape.
            pub fn version(&self) -> u32 {
                match self { $(Event::$variant(_) => $version,)* }
            }

            /// The stored payload.
            pub fn to_json(&self) -> Value {
                match self {
                    $(Event::$variant(payload) => serde_json::to_value(payload),)*
                }.expect("event payloads are plain data with text keys")
            }

            /// Reads a stored payload of any version that was ever written.
            pub fn from_json(name: &str, version: u32, data: Value) -> Result<Event, UnknownEvent> {
                let unreadable = |reason| UnknownEvent { name: name.to_owned(), version, reason };
                match name {
                    $($name => newest::<$payload>(name, version, $version, data).map(Event::$variant).map_err(unreadable),)*
                    _ => Err(unreadable(NOT_KNOWN.to_owned())),
                }
            }

            /// The JSON Schema of every newest shape, by type and version.
            pub fn schemas() -> Vec<(&'static str, u32, schemars::Schema)> {
                vec![$(($name, $version, schema_of::<$payload>()),)*]
            }
        }

        $(impl From<$payload> for Event {
            fn from(payload: $payload) -> Self { Event::$variant(payload) }
        })*
    };
}

events! {
    "host.enrolled" v 2 => HostEnrolled(host::Enrolled);
    "host.key_replaced" v 1 => HostKeyReplaced(host::KeyReplaced);
    "host.contested" v 1 => HostContested(host::ContestedIdentity);
    "host.transferred" v 1 => HostsTransferred(host::Transferred);
    "host.deleted" v 1 => HostsDeleted(host::Deleted);
    "user.created" v 1 => UserCreated(user::Created);
    "user.changed" v 1 => UserChanged(user::Changed);
    "user.password_changed" v 1 => PasswordChanged(user::PasswordChanged);
    "user.deleted" v 1 => UserDeleted(user::Deleted);
    "person.erased" v 1 => PersonErased(user::Erased);
    "session.started" v 1 => SessionStarted(session::Started);
    "session.used" v 1 => SessionUsed(session::Used);
    "session.ended" v 1 => SessionEnded(session::Ended);
    "team.created" v 1 => TeamCreated(team::Created);
    "team.changed" v 1 => TeamChanged(team::Changed);
    "team.deleted" v 1 => TeamDeleted(team::Deleted);
    "enroll_secrets.replaced" v 1 => EnrollSecretsReplaced(team::SecretsReplaced);
    "settings.changed" v 1 => SettingsChanged(settings::Changed);
    "query.created" v 1 => QueryCreated(query::Created);
    "query.changed" v 1 => QueryChanged(query::Changed);
    "query.deleted" v 1 => QueryDeleted(query::Deleted);
    "label.created" v 1 => LabelCreated(label::Created);
    "label.changed" v 1 => LabelChanged(label::Changed);
    "label.redefined" v 1 => LabelRedefined(label::Redefined);
    "label.members_changed" v 1 => LabelMembersChanged(label::MembersChanged);
    "label.deleted" v 1 => LabelDeleted(label::Deleted);
    "campaign.started" v 1 => CampaignStarted(campaign::Started);
    "campaign.extended" v 1 => CampaignExtended(campaign::Extended);
    "campaign.ended" v 2 => CampaignEnded(campaign::Ended);
    "carve.begun" v 1 => CarveBegun(carve::Begun);
    "carve.ended" v 1 => CarveEnded(carve::Ended);
}

/// An event that this release cannot read. Whoever folds the ledger decides nothing more after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {name} version {version} cannot be read: {reason}")]
pub struct UnknownEvent {
    pub name: String,
    pub version: u32,
    pub reason: String,
}

const NOT_KNOWN: &str = "this release does not know it";

/// Reads a payload that is in its newest shape, or in an older one from which a way leads there.
fn newest<P: DeserializeOwned>(name: &str, version: u32, newest: u32, data: Value) -> Result<P, String> {
    let data = match version {
        same if same == newest => data,
        old if old < newest => stored::upcast(name, version, data)?,
        _ => return Err(NOT_KNOWN.to_owned()),
    };
    serde_json::from_value(data).map_err(|error| error.to_string())
}
