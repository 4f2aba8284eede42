//! Standard error: lines for a person, and a bar for what takes longer.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// A line on standard error. Not `eprintln!`, which panics when nobody reads any more.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Of how many bytes on a transfer has a bar.
const LONG: u32 = 8 * 1024;

/// A bar on standard error, if that is a terminal.
pub struct Bar {
    what: String,
    template: &'static str,
    wanted: bool,
    drawn: Option<ProgressBar>,
}

impl Bar {
    /// Of a transfer. `wanted`: false where messages are shown in its place.
    pub fn transfer(what: &str, wanted: bool) -> Bar {
        let template = "{msg} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        Bar { what: what.into(), template, wanted: wanted && io::stderr().is_terminal(), drawn: None }
    }

    /// Of something that is counted.
    pub fn counting(what: &str) -> Bar {
        let template = "{msg} [{bar:40}] {pos}/{len} {per_sec} {eta}";
        Bar { what: what.into(), template, wanted: io::stderr().is_terminal(), drawn: None }
    }

    /// So many bytes have gone by, of so many, if that is known. What is short has no bar.
    pub fn bytes(&mut self, bytes: u32, size: Option<u32>) {
        if size.unwrap_or(bytes) >= LONG {
            self.set(bytes.into(), size.map(u64::from));
        }
    }

    /// How far it is, of how much, if that is known.
    pub fn set(&mut self, position: u64, length: Option<u64>) {
        if !self.wanted {
            return;
        }
        let bar = self.drawn.get_or_insert_with(|| {
            let style = ProgressStyle::with_template(self.template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::no_length().with_style(style.progress_chars("=> "));
            bar.set_message(self.what.clone());
            bar
        });
        if let Some(length) = length {
            bar.set_length(length);
        }
        bar.set_position(position);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

/// A time as a person reads it.
pub fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        ms if ms < 1.0 => format!("{:.0} us", ms * 1e3),
        ms if ms < 100.0 => format!("{ms:.2} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}
