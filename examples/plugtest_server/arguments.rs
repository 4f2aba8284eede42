//! The command lines of both plugtest programs.

use lexopt::Parser;
use std::process::ExitCode;

/// What the command line says, by `read`. If that is all, or it is wrong, how the program ends: `read` gives nothing where
/// help is asked for.
pub fn arguments<A>(
    name: &str,
    help: &str,
    read: impl FnOnce(&mut Parser) -> Result<Option<A>, lexopt::Error>,
) -> Result<A, ExitCode> {
    match read(&mut Parser::from_env()) {
        Ok(Some(arguments)) => Ok(arguments),
        Ok(None) => {
            print!("{help}");
            Err(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("{name}: {error}: --help says what there is");
            Err(ExitCode::from(2))
        }
    }
}
