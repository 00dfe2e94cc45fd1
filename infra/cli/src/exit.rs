//! How `musterctl` ends, so that scripts need not read its words.

use std::process::ExitCode;

/// The exit codes, as `musterctl --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all went well.
    Success,
    /// 1: a host reported an error, or was online and did not answer in time.
    HostsFailed,
    /// 2: wrong usage, no connection, or the server said no.
    Unable,
    /// 130: ended with Ctrl-C, as shells say it.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::HostsFailed => 1,
            Exit::Unable => 2,
            Exit::Interrupted => 130,
        })
    }
}
