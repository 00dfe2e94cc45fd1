//! Orders to a running server over a socket in its data folder, which only the folder's owner can reach.
//!
//! One line in, lines out; the last one begins with `ok` or `error`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::data::Data;

/// What a running server does when it is asked.
#[async_trait]
pub trait Orders: Send + Sync + 'static {
    /// Carries out one order and tells how it went.
    async fn carry_out(&self, order: &str) -> anyhow::Result<String>;
}

/// Takes orders until it is dropped.
pub async fn listen(data: &Data, orders: Arc<dyn Orders>) -> anyhow::Result<()> {
    let path = data.control();
    // The folder is locked by this process, so a socket that is there was left by a dead one.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let orders = orders.clone();
        tokio::spawn(async move {
            let (reader, mut writer) = stream.into_split();
            let mut lines = tokio::io::BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match orders.carry_out(&line).await {
                    Ok(told) => format!("ok {told}\n"),
                    Err(error) => format!("error {error:#}\n"),
                };
                if writer.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Gives one order to the server that runs on a data folder, and prints its answer.
pub fn ask(data: &Path, order: &str) -> anyhow::Result<()> {
    let path = data.join("control.sock");
    let mut stream = UnixStream::connect(&path).with_context(|| {
        format!(
            "no server runs on {} as this user: start it with 'muster serve --data {}'",
            data.display(),
            data.display()
        )
    })?;
    writeln!(stream, "{order}")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(told) = line.strip_prefix("ok ") {
            println!("{told}");
            return Ok(());
        }
        if let Some(told) = line.strip_prefix("error ") {
            bail!("{told}");
        }
        println!("{line}");
    }
    bail!("the server went away before it had answered")
}
