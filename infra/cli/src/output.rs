//! What a person or a program gets to read: results on standard output, everything about them on standard error.

pub mod csv;
pub mod difference;
pub mod errors;
pub mod escape;
pub mod flat;
pub mod json;
pub mod progress;
pub mod rows;
pub mod table;

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
pub use escape::escaped;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns as wide as their content, within the width of the terminal
    #[default]
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Says something on standard error, where it does not mix with results.
pub fn notice(text: &str) {
    // Nobody is left to be told when standard error itself is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Where results go, and what is known of the other end.
pub struct Screen {
    /// Standard output; flushed by whoever has written something whole.
    pub out: Box<dyn Write>,
    /// Columns of the terminal, if it is one.
    pub width: Option<usize>,
}

impl Screen {
    /// The process's standard output.
    pub fn stdout() -> Self {
        let terminal = console::Term::stdout();
        let width = io::stdout().is_terminal().then(|| usize::from(terminal.size().1));
        Self { out: Box::new(io::BufWriter::new(io::stdout())), width }
    }

    /// Whether a person reads along.
    pub fn is_terminal(&self) -> bool {
        self.width.is_some()
    }
}

/// Whether a failure only means that the reader of our output has seen enough.
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// `1 host`, `2 hosts`.
pub fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
