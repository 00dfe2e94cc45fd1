//! The binary musterd: reads its settings, builds the agent, and stops it on a signal.
//!
//! Started with the worker's argument it is the process in which one query after another runs.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use agent::agent::{Agent, Ports, Premises};
use agent::ports::{SystemDice, SystemTimer, Time};
use agent::settings::Settings;
use agent::tables::Tables;
use agent_tables::worker;
use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == worker::ARGUMENT) {
        return worker::main();
    }
    let settings = Settings::parse();
    match start(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("musterd: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).with_context(|| format!("--log {}", settings.log))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Only fails when a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(settings))
}

async fn run(settings: &Settings) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let config = settings.config().map_err(anyhow::Error::msg)?;
    let dice = Arc::new(SystemDice);
    let premises = Premises::take(&config, &*dice)?;
    let tables = Arc::new(Tables::new(settings.limits(), &premises, SystemTimer.now()));
    let ports = Ports { queries: tables, time: Arc::new(SystemTimer), dice };
    tracing::info!("musterd {} reports to {}", env!("CARGO_PKG_VERSION"), config.server);
    let agent = Agent::build(config, premises, ports, agent::OSQUERY_VERSION).await?;
    agent.run(stop).await;
    Ok(())
}

/// Cancelled by SIGTERM and SIGINT.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}
