//! Asks this machine a question without a server: `muster-tables 'SELECT * FROM uptime'` prints rows as JSON.
//!
//! It runs queries the way the agent does, in a worker with limits, and so serves the tests as the worker's program.

use std::process::ExitCode;

use agent_tables::worker::{self, Config, Pool};
use agent_tables::{AgentInfo, Context};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(worker::ARGUMENT) => worker::main(),
        Some(sql) if arguments.len() == 1 => ask(sql),
        _ => {
            eprintln!("usage: muster-tables SQL");
            ExitCode::from(2)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn ask(sql: &str) -> ExitCode {
    let info = AgentInfo { pid: std::process::id() as i32, ..AgentInfo::default() };
    let answer = Pool::new(Config::default()).query(sql, &Context { info, ..Context::default() }).await;
    let rows = answer.result.map_err(|error| error.to_string());
    match rows.and_then(|output| serde_json::to_string_pretty(&output.rows).map_err(|error| error.to_string())) {
        Ok(rows) => {
            println!("{rows}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
