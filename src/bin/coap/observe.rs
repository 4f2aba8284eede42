//! `observe`: what is there, and again after each change.

use crate::args::Observe;
use crate::request::{answered, builder};
use crate::shown;
use crate::terminal::say;
use crate::{Ending, Trouble};
use coaplet::Code;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long it takes at most until Ctrl-C, or the end of the time, is noticed.
const LOOK: Duration = Duration::from_millis(200);

pub fn run(given: &Observe) -> Result<Ending, Trouble> {
    let mut client = builder(&given.connection)?.connect(&given.uri)?;
    let mut call = client.call(Code::GET, "")?;
    if let Some(format) = given.accept {
        call = call.accept(format);
    }
    if let Some(size) = given.block_size {
        call = call.block_size(size);
    }
    let end = given.duration.map(|time| Instant::now() + time);
    // The server is told that nobody observes any more, instead of finding out.
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    let _ = ctrlc::set_handler(move || interrupt.store(true, Ordering::Relaxed));
    let mut observation = call.observe()?;
    let mut states = 0;
    loop {
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()).min(LOOK));
        let next = observation.next_within(left)?;
        if let Some(reply) = next {
            if !reply.code().is_success() {
                return answered(&reply, None);
            }
            states += 1;
            shown::payload(reply.content_format(), reply.payload())?;
            let mut out = io::stdout();
            // One behind the other; on a terminal each has its line anyway.
            if !out.is_terminal() && !reply.payload().ends_with(b"\n") {
                out.write_all(b"\n").and_then(|()| out.flush())?;
            }
        }
        if observation.is_over() {
            say(match states {
                1 => "coap: this resource cannot be observed, or not by us",
                _ => "coap: the server has ended the observation",
            });
            return Ok(Ending::Done);
        }
        let enough = given.count.is_some_and(|count| states >= count);
        let late = end.is_some_and(|end| Instant::now() >= end);
        if enough || late || interrupted.load(Ordering::Relaxed) {
            break;
        }
    }
    observation.stop()?;
    Ok(Ending::Done)
}
