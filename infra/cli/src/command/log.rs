//! `musterctl log tail`: the events behind every screen.

mod record;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use futures::StreamExt;
use record::Record;
use reqwest::Response;

use crate::client::{Client, muster};
use crate::exit::Exit;
use crate::output::{Format, Screen, csv, escaped, json};

const AFTER_HELP: &str = "\
Topics: ledger, hosts, signals, results, status, live, activity

Examples:
  musterctl log tail ledger --from start
  musterctl log tail hosts --follow
  musterctl log tail results --partition 3 --from 1200 --format json";

/// Read the event log
#[derive(Subcommand)]
pub enum Log {
    /// Show the events of a topic, decoded
    #[command(after_help = AFTER_HELP)]
    Tail(Tail),
}

#[derive(Args)]
pub struct Tail {
    /// Name of the topic
    topic: String,
    /// Where to begin: start, end or a position [default: start; end with --follow]
    #[arg(long, value_name = "start|end|N", value_parser = from)]
    from: Option<String>,
    /// Go on as events come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only this partition
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// At most so many events
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// How to write them; a table is a line for each event, JSON has everything
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn from(text: &str) -> Result<String, String> {
    match text {
        "start" | "end" => Ok(text.to_owned()),
        number if number.parse::<u64>().is_ok() => Ok(number.to_owned()),
        _ => Err("give start, end or the number of a position".to_owned()),
    }
}

impl Log {
    /// Runs the command that was asked for.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        match self {
            Self::Tail(tail) => tail.run(client).await,
        }
    }
}

impl Tail {
    async fn run(self, client: &Client) -> Result<Exit> {
        let topic = self.topic.strip_prefix("muster.").unwrap_or(&self.topic);
        let from = self.from.as_deref().unwrap_or(if self.follow { "end" } else { "start" });
        let path = muster(["log", topic])
            .with("from", from)
            .with_some("partition", self.partition)
            .with("follow", self.follow)
            .with_some("limit", self.limit);
        let lines = Lines::of(client.open(&path).await?);
        let mut writer = Writer { screen: Screen::stdout(), format: self.format, last: None };
        writer.begin()?;
        writer.copy(client, lines).await?;
        Ok(Exit::Success)
    }
}

struct Writer {
    screen: Screen,
    format: Format,
    last: Option<(u32, u64)>,
}

impl Writer {
    fn begin(&mut self) -> Result<()> {
        if self.format == Format::Csv {
            csv::write_record(&mut self.screen.out, record::FIELDS)?;
        }
        Ok(())
    }

    async fn copy(&mut self, client: &Client, mut lines: Lines) -> Result<()> {
        loop {
            match lines.next().await {
                Ok(Some(line)) => self.write(&line)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let how = match self.last {
                        Some((partition, position)) => {
                            format!(
                                "the last event shown is {position} of partition {partition}; go on with --partition {partition} --from {}",
                                position + 1
                            )
                        }
                        None => "nothing had come yet".into(),
                    };
                    return Err(anyhow!(client.explain(&error)).context(format!("the log broke off; {how}")));
                }
            }
        }
    }

    /// Each event goes out at once: somebody may be waiting for it.
    fn write(&mut self, line: &[u8]) -> Result<()> {
        let value: serde_json::Value = serde_json::from_slice(line)
            .map_err(|error| anyhow!("the server sent an event that is no JSON ({error})"))?;
        if let Some(reason) = value.get("error").and_then(serde_json::Value::as_str) {
            bail!("the server ended the log: {}", escaped(reason));
        }
        let terminal = self.screen.is_terminal();
        let out = &mut self.screen.out;
        let record = Record::of(&value)?;
        self.last = Some((record.partition, record.position));
        match self.format {
            Format::Json => json::write_line(out, &value)?,
            Format::Table => record.lines(terminal).iter().try_for_each(|line| writeln!(out, "{line}"))?,
            Format::Csv => record
                .events()
                .iter()
                .try_for_each(|event| csv::write_record(out, event.fields(&record).iter().map(String::as_str)))?,
        }
        out.flush()?;
        Ok(())
    }
}

/// The lines of an answer that comes piece by piece.
struct Lines {
    pieces: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    rest: Vec<u8>,
    searched: usize,
}

impl Lines {
    fn of(response: Response) -> Self {
        let pieces = response.bytes_stream().map(|piece| piece.map(|piece| piece.to_vec())).boxed();
        Self { pieces, rest: Vec::new(), searched: 0 }
    }

    /// The next line that is not blank, without its end; `None` after the last.
    async fn next(&mut self) -> reqwest::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.rest[self.searched..].iter().position(|byte| *byte == b'\n') {
                let after = self.rest.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.rest, after);
                self.searched = 0;
                line.pop();
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.searched = self.rest.len();
            match self.pieces.next().await.transpose()? {
                Some(piece) => self.rest.extend(piece),
                None if self.rest.trim_ascii().is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(std::mem::take(&mut self.rest)));
                }
            }
        }
    }
}
