//! What a failed command tells its client.

use infra_ledger::CommandError;

use crate::Problem;

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Contended => {
                Problem::unavailable("too many others decide at the same time, try again", &error)
            }
            CommandError::Unknown => {
                Problem::unavailable("it is not known whether this was recorded; look before you try again", &error)
            }
            CommandError::Log(ref reason) => {
                Problem::unavailable("the log cannot be written, nothing was recorded", reason)
            }
        }
    }
}
