//! The Ethernet card of the Stellaris LM3S6965, as smoltcp wants it.
//!
//! The card keeps frames in a queue of its own and is read and written a word at a time. A word more or less, and all that
//! follows is out of step, so each frame is drained to its last word, whether somebody wants it or not.

use core::ptr;
use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::peripheral::NVIC;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

/// The longest frame, in bytes, with its header of 14 and without its checksum. What is longer is dropped. It leaves 558 bytes
/// to a datagram over IPv4, and 538 over IPv6: enough for a block of 512 and its options.
pub const FRAME: usize = 600;

/// The card among the interrupts. It wakes the core and is never taken ([`sleep`]), so that the table of interrupts can be empty.
#[derive(Clone, Copy)]
struct Card;

// SAFETY: the number of this card on this device, always.
unsafe impl InterruptNumber for Card {
    fn number(self) -> u16 {
        42
    }
}

/// What each interrupt of the device calls: none is ever taken. cortex-m-rt wants at least one.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [usize; 1] = [0];

const BASE: usize = 0x4004_8000;

/// The registers that are used, by their names in the data sheet.
#[derive(Clone, Copy)]
enum Register {
    /// What has happened; writing a bit forgets it.
    Ris = 0x00,
    /// What interrupts.
    Im = 0x04,
    Rctl = 0x08,
    Tctl = 0x0C,
    Data = 0x10,
    Ia0 = 0x14,
    Ia1 = 0x18,
    Thr = 0x1C,
    /// How many frames wait.
    Np = 0x34,
    Tr = 0x38,
}

fn read(register: Register) -> u32 {
    // SAFETY: a register of the device: aligned, and reading it has no effect on memory.
    unsafe { ptr::read_volatile((BASE + register as usize) as *const u32) }
}

fn write(register: Register, value: u32) {
    // SAFETY: as in `read`; none of these registers makes the card write to memory.
    unsafe { ptr::write_volatile((BASE + register as usize) as *mut u32, value) }
}

/// A frame has come.
const RECEIVED: u32 = 1;

/// Bits of the registers that control receiving and sending.
const RECEIVE: u32 = 1;
const ALL_GROUPS: u32 = 1 << 1;
const REFUSE_BAD: u32 = 1 << 3;
const EMPTY_QUEUE: u32 = 1 << 4;
const SEND: u32 = 1;
const PAD: u32 = 1 << 1;
const CHECKSUM: u32 = 1 << 2;
const DUPLEX: u32 = 1 << 4;

/// A frame as the card has it, in whole words: two bytes of length, the frame, and when it comes in the checksum.
type Words = [u8; (2 + FRAME + 4).next_multiple_of(4)];

/// The card, and a frame in each direction.
pub struct Ethernet {
    received: Words,
    sent: Words,
}

/// From the first word of the last frame in to the last word of the next one out: ticks of the system timer, less than a
/// millisecond of them.
#[cfg(feature = "count")]
pub mod count {
    use crate::clock::TICKS;
    use core::sync::atomic::{AtomicU32, Ordering};
    use cortex_m::peripheral::SYST;

    static SINCE: AtomicU32 = AtomicU32::new(0);
    static TOOK: AtomicU32 = AtomicU32::new(0);

    pub(super) fn begin() {
        SINCE.store(SYST::get_current(), Ordering::Relaxed);
    }

    pub(super) fn end() {
        let (since, now) = (SINCE.load(Ordering::Relaxed), SYST::get_current());
        TOOK.store(if since >= now { since - now } else { since + TICKS - now }, Ordering::Relaxed);
    }

    /// What it was before the present frame.
    pub fn ticks() -> u32 {
        TOOK.load(Ordering::Relaxed)
    }
}

impl Ethernet {
    /// The card, off. There is one: [`start`](Ethernet::start) it once.
    pub const OFF: Ethernet = Ethernet { received: [0; _], sent: [0; _] };

    /// Switches the card on, and tells its address.
    pub fn start(&mut self) -> EthernetAddress {
        write(Register::Rctl, EMPTY_QUEUE);
        write(Register::Ris, !0);
        write(Register::Tctl, SEND | PAD | CHECKSUM | DUPLEX);
        write(Register::Rctl, RECEIVE | ALL_GROUPS | REFUSE_BAD);
        // A frame goes out when it is asked for, however much of it is there.
        write(Register::Thr, 0x3f);
        write(Register::Im, RECEIVED);
        let [a, b, c, d] = read(Register::Ia0).to_le_bytes();
        let [e, f, ..] = read(Register::Ia1).to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    /// Takes the next frame out of the card's queue, as much of it as there is room for, and tells how long it is.
    fn fetch(&mut self) -> usize {
        #[cfg(feature = "count")]
        count::begin();
        // The first word has the length in its lower half, which counts itself and the checksum.
        let word = read(Register::Data);
        let length = usize::from(word as u16);
        let mut room = self.received.as_chunks_mut().0.iter_mut();
        let mut put = |word: u32| {
            if let Some(to) = room.next() {
                *to = word.to_le_bytes();
            }
        };
        put(word);
        for _ in 1..length.div_ceil(4) {
            put(read(Register::Data));
        }
        length.saturating_sub(6)
    }

    /// Room for one datagram, while the interface is not asked to do anything.
    pub fn scratch(&mut self) -> &mut [u8] {
        self.sent.get_mut(2..).unwrap_or_default()
    }
}

/// Sleeps until a frame comes, unless one waits, or until the clock ticks. Interrupts are off meanwhile: what is pending ends
/// the sleep all the same, and nothing can come unseen between the last look and the sleep.
pub fn sleep() {
    interrupt::free(|_| {
        write(Register::Ris, RECEIVED);
        NVIC::unpend(Card);
        if !waits() {
            // SAFETY: no interrupt is taken in this critical section, and none of the card's outside of it.
            unsafe { NVIC::unmask(Card) };
            cortex_m::asm::wfi();
            NVIC::mask(Card);
        }
    });
}

/// Whether a frame waits.
pub fn waits() -> bool {
    read(Register::Np) != 0
}

impl Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        let length = loop {
            if !waits() {
                return None;
            }
            let length = self.fetch();
            if length <= FRAME {
                break length;
            }
        };
        Some((Received(self.received.get(2..2 + length)?), Sent(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        Some(Sent(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }
}

/// A frame that has come.
pub struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to be sent.
pub struct Sent<'a>(&'a mut Words);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        // smoltcp keeps to what the card takes.
        let result = f(self.0.get_mut(2..2 + length).unwrap_or_default());
        // The length leaves out the header.
        let [low, high] = (length as u16).saturating_sub(14).to_le_bytes();
        [self.0[0], self.0[1]] = [low, high];
        for word in self.0.as_chunks().0.iter().take((2 + length).div_ceil(4)) {
            write(Register::Data, u32::from_le_bytes(*word));
        }
        write(Register::Tr, 1);
        #[cfg(feature = "count")]
        count::end();
        result
    }
}
