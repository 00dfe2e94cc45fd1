//! `muster serve`: puts the roles together on the embedded stores, and takes them apart again in order.

mod first_run;
mod jobs;
mod orders;
pub mod parts;
mod readers;
mod supervise;
pub mod views;
mod web;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::rt::System;
use anyhow::Context;
use infra_log::sqlite::FolderLock;
use infra_world::World;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::data::Data;
use crate::options::{LogFormat, Options};
use crate::tls;

/// How long requests that are under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(20);

/// A server that runs in this process.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate that clients must trust.
    pub ca: PathBuf,
    /// For tests that count and wait.
    pub parts: parts::Parts,
    handle: actix_web::dev::ServerHandle,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    stop: CancellationToken,
    jobs: Vec<tokio::task::JoinHandle<()>>,
    /// The data folder is ours until this is dropped.
    lock: FolderLock,
}

/// Starts a server: nothing is touched before the settings are valid and the port is ours.
pub async fn start(options: &Options, world: World) -> anyhow::Result<Running> {
    options.validate()?;
    let listener = listen(options.listen)?;
    let address = listener.local_addr()?;
    let data = Data::open(&options.data)?;
    let lock = FolderLock::take(data.root())?;
    let files = certificates(options, &data, &world)?;
    let parts = parts::Parts::open(options, &data, world.clone(), files.ca.clone()).await?;
    first_run::first_run(&parts, &data, address).await?;

    let stop = CancellationToken::new();
    let served = tls::Served::load(&files.cert, &files.key, world.now())?;
    let jobs = jobs::start(options, &data, &parts, served.clone(), stop.clone());
    let server = web::server(options, &parts, listener, served)?;
    let handle = server.handle();
    let serving = tokio::spawn(server);
    tracing::info!(%address, data = %data.root().display(), "muster serves hosts and admins");
    Ok(Running { address, ca: files.ca, parts, handle, serving, stop, jobs, lock })
}

impl Running {
    /// Until the server ends by itself, which it should not.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.serving).await.context("the server's task ended")?.context("the server failed")
    }

    /// Lets what is under way end, writes down what is known, and ends.
    pub async fn stop(self) {
        // They would be waited for: a push channel or a stream is a request that is always under way.
        self.parts.commands.registry.hang_up();
        self.parts.reads.closing.cancel();
        self.handle.stop(true).await;
        self.stop.cancel();
        for job in self.jobs {
            if let Err(error) = job.await {
                tracing::error!("a job had ended before the server did: {error}");
            }
        }
        self.parts.close().await;
        let _ = self.serving.await;
        drop(self.lock);
    }
}

/// Runs a server until a signal. `ready_file` gets the address once it serves.
pub fn blocking(options: &Options, ready_file: Option<&Path>) -> anyhow::Result<()> {
    log_to_stderr(options)?;
    if let Some(file) = ready_file {
        let _ = std::fs::remove_file(file);
    }
    let system = System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the operating system gives threads")
    });
    system.block_on(async {
        let mut running = start(options, World::system()).await?;
        if let Some(file) = ready_file {
            std::fs::write(file, running.address.to_string())
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        tokio::select! {
            ended = running.ended() => ended?,
            () = signalled() => tracing::info!("stopping: requests that are under way may end"),
        }
        running.stop().await;
        if let Some(file) = ready_file {
            let _ = std::fs::remove_file(file);
        }
        tracing::info!("stopped");
        Ok(())
    })
}

/// `muster config check`: everything that `serve` would refuse, and nothing changed.
pub fn check(options: &Options) -> anyhow::Result<()> {
    options.validate()?;
    EnvFilter::try_new(&options.log)
        .with_context(|| format!("--log {:?} is no filter such as info,command_api=debug", options.log))?;
    drop(listen(options.listen)?);
    if let (Some(cert), Some(key)) = (&options.tls_cert, &options.tls_key) {
        tls::check(cert, key, World::system().now())?;
    }
    if options.data.exists() {
        let data = Data::open(&options.data)?;
        let files = tls::Files::within(&data.tls());
        if options.tls_cert.is_none() && files.cert.exists() {
            tls::check(&files.cert, &files.key, World::system().now())?;
        }
    }
    println!("the settings are fine");
    Ok(())
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "another program listens on {address} already: stop it, or choose another address with --listen"
        ),
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("this user may not listen on {address}: choose a port above 1023 with --listen")
        }
        std::io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("this computer has no address {}: choose another with --listen", address.ip())
        }
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}"),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The admin's certificate, or our own; either is checked before anything else is opened.
fn certificates(options: &Options, data: &Data, world: &World) -> anyhow::Result<tls::Files> {
    let (Some(cert), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return tls::ensure(&data.tls(), &options.names, world.now());
    };
    tls::check(cert, key, world.now())?;
    Ok(tls::Files { ca: cert.clone(), cert: cert.clone(), key: key.clone(), ..tls::Files::within(&data.tls()) })
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("the operating system tells of SIGTERM");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn log_to_stderr(options: &Options) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&options.log)
        .with_context(|| format!("--log {:?} is no filter such as info,command_api=debug", options.log))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.log_format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
