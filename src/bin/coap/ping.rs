//! `ping`: a sign of life.

use crate::args::Ping;
use crate::discover::uri_of;
use crate::request::builder;
use crate::terminal::time;
use crate::{Ending, Trouble};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

pub fn run(given: &Ping) -> Result<Ending, Trouble> {
    let mut client = builder(&given.connection)?.connect(&uri_of(&given.host))?;
    for number in 0..given.count {
        if number > 0 {
            thread::sleep(Duration::from_secs(1));
        }
        let took = client.ping()?;
        writeln!(io::stdout(), "{} is there: it has answered after {}", client.peer(), time(took))?;
    }
    Ok(Ending::Done)
}
