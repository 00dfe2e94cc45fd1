//! Accounts, without anything personal.

use async_trait::async_trait;
use domain::role::Roles;
use domain::user::{Changed, Created};
use domain::{Event, Timestamp, UserId};
use infra_stores::Write;
use serde::{Deserialize, Serialize};

use super::subject::{Kind, Subjects};
use crate::projection::{FoldError, view};

/// One row per account for as long as it stayed as it was: an [`Account`].
/// Source: `user.*`, `team.deleted`.
pub(crate) struct Users;

/// What is kept of an account. Names, addresses and password hashes stay in the ledger and in the folds of it, which
/// serve them: a store that many may query is no place for a hash, and a person whose key was destroyed has nothing here
/// that would have to be found and blanked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: UserId,
    pub roles: Roles,
    pub api_only: bool,
    pub must_reset_password: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Account {
    fn created(event: &Created, at: Timestamp) -> Account {
        Account {
            id: event.user,
            roles: event.roles.clone(),
            api_only: event.api_only,
            must_reset_password: event.must_reset_password,
            created_at: at,
            updated_at: at,
        }
    }

    fn change(&mut self, event: &Changed, at: Timestamp) {
        self.updated_at = at;
        if let Some(roles) = &event.roles {
            self.roles = roles.clone();
        }
        if let Some(must) = event.must_reset_password {
            self.must_reset_password = must;
        }
    }
}

#[async_trait]
impl Kind for Users {
    const VIEW: &str = view::USERS;

    async fn tell(subjects: &Subjects, event: &Event, at: Timestamp, write: &mut Write) -> Result<(), FoldError> {
        match event {
            Event::UserCreated(event) => subjects.add(event.user.0, at, &Account::created(event, at), write),
            Event::UserChanged(event) => {
                subjects.change(event.user.0, at, write, |user: &mut Account| user.change(event, at)).await?;
            }
            Event::PasswordChanged(event) => {
                let change = |user: &mut Account| {
                    user.must_reset_password = event.must_reset_password;
                    user.updated_at = at;
                };
                subjects.change(event.user.0, at, write, change).await?;
            }
            Event::UserDeleted(event) => subjects.end(event.user.0, at, write).await?,
            Event::TeamDeleted(event) => {
                for mut open in subjects.all::<Account>(write).await? {
                    if let Roles::Teams(teams) = &mut open.subject.roles {
                        teams.remove(&event.team);
                    }
                    subjects.save(open, at, write);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
