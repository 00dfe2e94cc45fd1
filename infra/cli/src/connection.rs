//! Where the server is, and as whom to go there: what all commands share.

use std::path::PathBuf;

use clap::Args;

use crate::secret::Secret;

/// Where the server is, and as whom to go there.
#[derive(Args, Clone, Debug, Default)]
pub struct Connection {
    /// Configuration file [default: $XDG_CONFIG_HOME/muster/musterctl.toml]
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of the server, instead of the one logged in to
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// PEM file of the CA that signed the server's certificate [default: the CAs that this computer trusts]
    #[arg(long, global = true, help_heading = "Connection", env = "MUSTER_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// From `MUSTER_TOKEN` only: on a command line every user of the computer could read it.
    #[arg(skip)]
    pub token: Option<Secret>,
}
