//! `musterctl`, the command line of a Muster server: it asks hosts questions, follows the answers as they come,
//! reads hosts and their past, and shows the log.
//!
//! It is a client of the public HTTP interface and nothing more: it opens no store and no folder of the server,
//! so whatever it can do, any other client can do too.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod arguments;
mod campaign;
mod client;
mod command;
mod config;
mod connection;
mod exit;
mod follow;
mod output;
mod secret;
mod settings;
mod span;

use std::process::ExitCode;

use anyhow::{Context, Result};
use arguments::Arguments;
use clap::Parser;
use exit::Exit;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(exit) => exit.into(),
        // `musterctl … | head` is not a failure.
        Err(error) if output::reader_is_gone(&error) => Exit::Success.into(),
        Err(error) => {
            output::notice(&output::escaped(&format!("musterctl: {error:#}")));
            Exit::Unable.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit> {
    // Tests run this binary alone, so nobody can have installed another provider before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(arguments.run())
}
