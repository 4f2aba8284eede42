//! What the device offers, and the state that it is about.

use coaplet::endpoint::TransferId;
use coaplet::endpoint::Usage;
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
use coaplet::{Code, ContentFormat};
use core::fmt::Write;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// CRC-32 as in zip and Ethernet, without a table of 1 KB.
static CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// The largest image that `/firmware` takes.
const IMAGE: u32 = 1 << 20;

const TEXT: &[ContentFormat] = &[ContentFormat::TEXT_PLAIN];

/// The state of the device.
pub struct Board {
    /// Seconds since the start.
    pub seconds: u32,
    pub led: bool,
    /// The image that is coming in: which body it is, how much of it has come, and the checksum of that.
    image: Option<TransferId>,
    received: u32,
    checksum: u32,
    /// Who has asked for what the main loop alone knows.
    pub asked: Option<Later>,
}

impl Board {
    pub const NEW: Board = Board { seconds: 0, led: false, image: None, received: 0, checksum: 0, asked: None };
}

/// The resources, for a network with these addresses.
pub const fn routes<P: Copy>() -> [Route<Board, P>; 4] {
    [
        Route::new("sensors/temp")
            .get(temperature)
            .observable()
            .rt("temperature")
            .interface("sensor")
            .formats(TEXT)
            .max_age(5),
        Route::new("led").get(led).put(switch).rt("light").interface("actuator").formats(TEXT),
        Route::new("firmware")
            .put(program)
            .uploads(IMAGE)
            .rt("firmware")
            .title("Takes an image and answers with its CRC-32"),
        Route::new("info").get(info).rt("status").formats(TEXT).max_age(0),
    ]
}

type Handled = Result<Answer, Error>;

/// In decimal digits. `write!` would do, and link the formatting of `core`.
fn number(reply: &mut Reply, number: u32) -> core::fmt::Result {
    let mut unit = 1_000_000_000;
    while unit > number && unit > 1 {
        unit /= 10;
    }
    while unit > 0 {
        reply.write_char(char::from(b'0' + (number / unit % 10) as u8))?;
        unit /= 10;
    }
    Ok(())
}

/// There is no sensor: it goes up and down between 20.0 and 25.0, a tenth of a degree each second.
fn temperature<P: Copy>(board: &mut Board, _: &Request<P>, reply: Reply) -> Handled {
    let phase = board.seconds % 100;
    let tenths = 200 + if phase < 50 { phase } else { 100 - phase };
    let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN);
    number(&mut reply, tenths / 10)?;
    reply.write_str(".")?;
    number(&mut reply, tenths % 10)?;
    Ok(reply.done())
}

fn led<P: Copy>(board: &mut Board, _: &Request<P>, reply: Reply) -> Handled {
    Ok(reply.content_format(ContentFormat::TEXT_PLAIN).text(if board.led { "on" } else { "off" }))
}

fn switch<P: Copy>(board: &mut Board, request: &Request<P>, reply: Reply) -> Handled {
    #[cfg(feature = "canary")]
    core::hint::black_box({
        // An empty payload panics here, and one of another length within `core`.
        let mut room = [0; 4];
        room[..usize::from(request.payload()[0] & 3)].copy_from_slice(request.payload());
        room
    });
    board.led = match request.payload() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
    };
    defmt::info!("the lamp is {}", if board.led { "on" } else { "off" });
    Ok(reply.done())
}

/// A device would write each piece to its flash. This one keeps the checksum of what has come, in the memory of one piece,
/// and takes one image at a time.
fn program<P: Copy>(board: &mut Board, request: &Request<P>, reply: Reply) -> Handled {
    if request.offset() == 0 {
        (board.image, board.received, board.checksum) = (request.transfer(), 0, 0);
    } else if request.transfer() != board.image || request.offset() != board.received {
        return Err(Error::new(Code::SERVICE_UNAVAILABLE, "another image is coming in"));
    }
    // Goes on from the checksum of what came before: the initial value is the reversed final one.
    let mut digest = CRC.digest_with_initial((!board.checksum).reverse_bits());
    digest.update(request.payload());
    board.checksum = digest.finalize();
    board.received = board.received.saturating_add(request.payload().len() as u32);
    let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN);
    if request.is_last() {
        board.image = None;
        number(&mut reply, board.received)?;
        reply.write_str(" bytes, CRC-32 ")?;
        for digit in (0..8).rev() {
            reply.write_char(char::from_digit(board.checksum >> (4 * digit) & 15, 16).unwrap_or('?'))?;
        }
        defmt::info!("an image of {} bytes", board.received);
    }
    Ok(reply.done())
}

/// The tables are the endpoint's, so that the main loop answers.
fn info<P: Copy>(board: &mut Board, request: &Request<P>, _: Reply) -> Handled {
    board.asked = Some(request.later());
    Ok(Answer::Later(request.id()))
}

/// What the device has to say of its memory.
pub struct Info {
    pub usage: Usage,
    /// The most slots that were in use, and bytes of the stack.
    pub most: Usage,
    pub stack: usize,
    pub recycled: u32,
}

/// What it says, with `#` for the numbers.
const INFO: &str = "seconds #
live #
remembered # most #
recycled #
peers # most #
observers # most #
transfers # most #
blocks # most #
stack #
";

impl Info {
    pub fn write(&self, seconds: u32, reply: Reply) -> Handled {
        let Info { usage, most, stack, recycled } = self;
        let values = [
            seconds,
            usage.exchanges.saturating_sub(usage.remembered),
            usage.remembered,
            most.exchanges,
            *recycled,
            usage.peers,
            most.peers,
            usage.observers,
            most.observers,
            usage.transfers,
            most.transfers,
            usage.blocks,
            most.blocks,
            *stack as u32,
        ];
        let mut values = values.iter();
        let mut reply = reply.content_format(ContentFormat::TEXT_PLAIN).max_age(0);
        for letter in INFO.chars() {
            match letter {
                '#' => number(&mut reply, *values.next().unwrap_or(&0))?,
                _ => reply.write_char(letter)?,
            }
        }
        #[cfg(feature = "count")]
        {
            reply.write_str("ticks ")?;
            number(&mut reply, crate::ethernet::count::ticks())?;
        }
        Ok(reply.done())
    }
}
