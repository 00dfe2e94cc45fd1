//! `musterctl campaign answers`: what has come so far, as a whole.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::campaign::Answer;
use crate::client::{Client, Failure, muster};
use crate::exit::Exit;
use crate::output::errors::Errors;
use crate::output::rows::{Rows, columns};
use crate::output::{Format, Screen, notice};

/// Answers asked for at once.
const PER_PAGE: usize = 1000;

/// Write the answers that there are
#[derive(Args)]
pub struct Answers {
    /// The campaign's number
    id: u64,
    /// Only answers of this kind
    #[arg(long, value_enum)]
    state: Option<State>,
    /// How to write the rows
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum State {
    Rows,
    Empty,
    Error,
}

#[derive(Deserialize)]
struct Page {
    answers: Vec<Answer>,
    next: Option<u64>,
}

impl Answers {
    /// Errors of hosts go to standard error, as everywhere; they do not make this command fail, since it only reads.
    pub async fn run(self, client: &Client) -> Result<Exit> {
        let mut errors = Errors::default();
        let mut rows = Rows::new(self.format, Screen::stdout());
        let mut kept = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(client, after).await?;
            for answer in page.answers {
                if let Some(message) = &answer.error {
                    errors.add(message, answer.host.label());
                }
                match self.format {
                    // The header needs the columns of all answers.
                    Format::Csv => kept.push(answer),
                    Format::Table | Format::Json => rows.write(&answer)?,
                }
            }
            match page.next {
                Some(next) if Some(next) != after => after = Some(next),
                _ => break,
            }
        }
        if self.format == Format::Csv {
            write_csv(&kept)?;
        }
        errors.lines().iter().for_each(|line| notice(&format!("error on {line}")));
        Ok(Exit::Success)
    }

    async fn page(&self, client: &Client, after: Option<u64>) -> Result<Page, Failure> {
        let state = self.state.map(|state| match state {
            State::Rows => "rows",
            State::Empty => "empty",
            State::Error => "error",
        });
        let path = muster(["campaigns", &self.id.to_string(), "answers"]);
        client.get(&path.with("per_page", PER_PAGE).with_some("after", after).with_some("state", state)).await
    }
}

fn write_csv(answers: &[Answer]) -> Result<()> {
    let columns = columns(answers.iter().flat_map(|answer| &answer.rows));
    let mut rows = Rows::new(Format::Csv, Screen::stdout()).with_columns(columns)?;
    answers.iter().try_for_each(|answer| rows.write(answer))?;
    Ok(())
}
