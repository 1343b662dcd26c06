//! `loa-node`: enrols the board, runs it, tells how it stands.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain on one line: that is what a journal keeps together.
            eprintln!("loa-node: {error:#}");
            ExitCode::from(cli::exit_code(&error))
        }
    }
}
