//! Bytes to message and back (RFC 7252 section 3, 5.10 and 12): no state, no I/O, no copy.
//!
//! [`Message`] is a view of a datagram: after [`Message::parse`] no accessor fails. [`Writer`] writes a message into a
//! caller's buffer. The rest are the words that both speak: [`Header`], [`Type`], [`Code`], [`Token`], [`OptionNumber`]
//! with its registry, [`ContentFormat`], [`Block`], [`NoResponse`], and [`uint`] values.
//!
//! | for | look in |
//! |---|---|
//! | reading a datagram | `message.rs`; one option at a time `option.rs`; what can be wrong `parse_error.rs` |
//! | options by name | `getters.rs`, `setters.rs`; what a receiver must refuse `unrecognised.rs` |
//! | writing one | `writer.rs`; what the caller can do wrong `write_error.rs`; with a heap `vec.rs` |
//! | registries | `code.rs`, `number.rs`, `content_format.rs`: one table each |
//! | printing | `display.rs` |

mod block;
mod code;
mod content_format;
mod display;
mod getters;
mod header;
mod message;
mod no_response;
mod number;
pub mod observe;
mod option;
mod parse_error;
mod setters;
mod token;
pub mod uint;
mod unrecognised;
#[cfg(feature = "alloc")]
mod vec;
mod write_error;
mod writer;

pub use block::{Block, BlockError};
pub use code::{Code, InvalidCode};
pub use content_format::ContentFormat;
pub(crate) use getters::path_segments;
pub use getters::{Strings, ValueError};
pub use header::{Header, Type};
pub use message::Message;
pub use no_response::NoResponse;
pub use number::{OptionFormat, OptionNumber, OptionShape};
pub use option::{MAX_LENGTH, Options, OptionsOf};
pub(crate) use option::{SMALL, same};
pub use parse_error::{ParseError, ParseErrorKind};
pub use token::{Token, TokenTooLong};
pub use unrecognised::Unrecognised;
#[cfg(feature = "alloc")]
pub use vec::to_vec;
pub use write_error::WriteError;
pub(crate) use writer::Draft;
pub use writer::Writer;

// `defmt::Format` on every public type, said once more for the compiler to check.
#[cfg(feature = "defmt")]
const _: fn() = || {
    fn format<T: defmt::Format>() {}
    let _ = [
        format::<Block>,
        format::<BlockError>,
        format::<Code>,
        format::<InvalidCode>,
        format::<ContentFormat>,
        format::<Strings<'_>>,
        format::<ValueError>,
        format::<Header>,
        format::<Type>,
        format::<Message<'_>>,
        format::<NoResponse>,
        format::<OptionFormat>,
        format::<OptionNumber>,
        format::<OptionShape>,
        format::<Options<'_>>,
        format::<OptionsOf<'_>>,
        format::<ParseError>,
        format::<ParseErrorKind>,
        format::<Token>,
        format::<TokenTooLong>,
        format::<Unrecognised<'_, fn(OptionNumber) -> bool>>,
        format::<WriteError>,
        format::<Writer<'_>>,
        format::<uint::Encoded>,
    ];
};
