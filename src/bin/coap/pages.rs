//! What comes along with a command: completions for shells, and manual pages.

use crate::args::Args;
use crate::{Ending, Trouble};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};

pub fn completions(shell: Shell) -> Result<Ending, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "coap", &mut script);
    write(&script)
}

/// Of the whole, or of one of its commands.
pub fn man(name: Option<&str>) -> Result<Ending, Trouble> {
    let mut all = Args::command();
    // The arguments that every command has, and the names of the pages.
    all.build();
    let page = match name {
        None => all,
        Some(name) => {
            all.find_subcommand(name).cloned().ok_or_else(|| Trouble::usage(format!("there is no command {name:?}")))?
        }
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    write(&text)
}

fn write(text: &[u8]) -> Result<Ending, Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(Ending::Done)
}
