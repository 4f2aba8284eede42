//! One shim for log lines: to defmt, to `log`, to both or to nothing, as the features say.
//!
//! What is logged implements `Display` and `defmt::Format` alike, so that one format string with `{}` serves both.

/// A line for who follows what happens to each datagram.
macro_rules! trace {
    ($($line:tt)*) => {{
        #[cfg(feature = "defmt")]
        ::defmt::trace!($($line)*);
        #[cfg(feature = "log")]
        ::log::trace!($($line)*);
    }};
}

pub(crate) use trace;
