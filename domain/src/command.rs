//! Every command, so that those that wait together can be decided together.

use crate::state::State;
use crate::{Event, Refusal, Timestamp};
use crate::{campaign, carve, host, label, query, session, settings, team, user};

macro_rules! commands {
    ($($variant:ident($subject:ident);)*) => {
        /// Something somebody wants.
        #[derive(Clone, Debug)]
        pub enum Command {
            $($variant($subject::Command),)*
            /// Several as one: all are decided, each on what the earlier ones leave, or none.
            Together(Vec<Command>),
        }

        impl Command {
            /// Decides on a state. No events means that there is nothing new to record, a success.
            pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
                match self {
                    $(Command::$variant(command) => command.decide(state, now),)*
                    Command::Together(commands) => {
                        let mut left = state.clone();
                        let mut decided = vec![];
                        for command in commands {
                            let events = command.decide(&left, now)?;
                            events.iter().for_each(|event| left.evolve(event, now));
                            decided.extend(events);
                        }
                        Ok(decided)
                    }
                }
            }
        }

        $(impl From<$subject::Command> for Command {
            fn from(command: $subject::Command) -> Self { Command::$variant(command) }
        })*
    };
}

commands! {
    Host(host);
    User(user);
    Session(session);
    Team(team);
    Settings(settings);
    Query(query);
    Label(label);
    Campaign(campaign);
    Carve(carve);
}
