//! `muster`: the server.

use clap::{Parser, Subcommand};
use infra_server::options::Options;
use infra_server::{control, serve};

#[derive(Parser)]
#[command(name = "muster", version, about = "Manages fleets of computers that run osquery.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until Ctrl-C or SIGTERM.
    Serve(Box<ServeArguments>),
    /// Looks after settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Builds a view anew from the log, beside the old rows, and swaps; asks the server that runs on the data folder.
    Rebuild {
        /// The view's name; `all` is every one.
        view: String,
        #[command(flatten)]
        at: DataArguments,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Checks every setting, the data folder and the certificates, and changes nothing.
    Check(Box<ServeArguments>),
}

#[derive(clap::Args)]
struct ServeArguments {
    #[command(flatten)]
    options: Options,
    /// File that gets the bound address when the server is ready, and is empty before.
    #[arg(long, env = "MUSTER_READY_FILE", value_name = "FILE")]
    ready_file: Option<std::path::PathBuf>,
}

#[derive(clap::Args)]
struct DataArguments {
    /// Data folder of the running server.
    #[arg(long, env = "MUSTER_DATA", default_value = "muster-data", value_name = "FOLDER")]
    data: std::path::PathBuf,
}

fn main() -> std::process::ExitCode {
    // Whatever this process makes is its owner's alone, in a folder that others may enter too.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match Arguments::parse().command {
        Command::Serve(arguments) => serve::blocking(&arguments.options, arguments.ready_file.as_deref()),
        Command::Config { command: ConfigCommand::Check(arguments) } => serve::check(&arguments.options),
        Command::Rebuild { view, at } => control::ask(&at.data, &format!("rebuild {view}")),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("muster: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
