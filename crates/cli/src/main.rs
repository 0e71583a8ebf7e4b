//! `placet`: parses, dispatches, prints. Every verb has a file of its own under `commands`.
//!
//! Exit codes: 0 done; 1 a fault; 2 the command line or a file could not be read; 3 refused;
//! 4 something that was verified does not hold; 5 the server could not be reached.

mod api;
mod commands;
mod config;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Cli;
use crate::output::Ended;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes; `clap` knows where each belongs.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    output::log_to_stderr(cli.verbose);
    let format = cli.output;
    match commands::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(ended) => {
            output::complain(&ended, format);
            ExitCode::from(Ended::of(&ended))
        }
    }
}
