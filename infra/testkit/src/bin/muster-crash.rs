//! Kills a server again and again while hosts talk to it, and tells whether anything acknowledged was lost or doubled.
//!
//! ```sh
//! muster-crash --muster target/debug/muster --rounds 20 --hosts 50
//! ```
//!
//! It ends with 0 if everything acknowledged is there, and there once; with 1 if not, or if too little happened to tell,
//! and says what; with 2 if it could not do its work. With `--plant-loss` or `--plant-double` a fault is put in, which must
//! be found: 1.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use infra_testkit::crash::{self, Plan, Plant};

#[derive(Parser)]
#[command(version, about = "Kills a muster server while hosts talk to it, and counts what it lost.")]
struct Arguments {
    /// The server's binary.
    #[arg(long, default_value = "target/debug/muster", value_name = "FILE")]
    muster: PathBuf,
    /// How often it is killed.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    #[arg(long, default_value_t = 50)]
    hosts: u32,
    /// Decides when it is killed, and what hosts do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest that a server lives, in milliseconds.
    #[arg(long, default_value_t = 4_000)]
    life_ms: u64,
    /// Data folder, which must not be there yet; a temporary one if left out.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Removes an acknowledged line from the log, which must be found.
    #[arg(long, conflicts_with = "plant_double")]
    plant_loss: bool,
    /// Lets a follower go back to the start once, which must be found.
    #[arg(long)]
    plant_double: bool,
}

fn main() -> ExitCode {
    run(Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("muster-crash: {error:#}");
        ExitCode::from(2)
    })
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let data = arguments.data.unwrap_or_else(|| temporary.path().join("data"));
    anyhow::ensure!(!data.exists(), "{} is there already: choose another folder", data.display());
    let plant = match (arguments.plant_loss, arguments.plant_double) {
        (true, _) => Some(Plant::Loss),
        (_, true) => Some(Plant::Double),
        _ => None,
    };
    let plan = Plan {
        muster: arguments.muster,
        data,
        rounds: arguments.rounds,
        hosts: arguments.hosts,
        seed: arguments.seed,
        life: Duration::from_millis(arguments.life_ms),
        plant,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(crash::run(&plan))?;
    println!("{summary}");
    let (found, proves) = (!summary.problems.is_empty(), summary.gaps().is_empty());
    match (found, plant.is_some()) {
        (true, false) => println!("something acknowledged was lost or doubled"),
        (true, true) => println!("the planted fault was found"),
        (false, true) => println!("the planted fault was NOT found"),
        (false, false) if proves => println!("nothing acknowledged was lost or doubled"),
        (false, false) => println!("too little happened to tell"),
    }
    Ok(if found || !proves { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
