//! What the debugger, here QEMU, does for the device by semihosting: it takes the log, in defmt's frames, and lends its random bytes.
//!
//! These are three calls. The crates defmt-semihosting and semihosting take 500 bytes of flash for them, and can panic.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use cortex_m::asm::semihosting_syscall;
use cortex_m::interrupt;
use cortex_m::register::primask;

/// The calls, by their numbers in Arm's specification.
const OPEN: u32 = 0x01;
const WRITE: u32 = 0x05;
const READ: u32 = 0x06;

/// How a file is opened: `fopen`'s "rb" and "w".
const TO_READ: u32 = 1;
const TO_WRITE: u32 = 4;

/// The file that the host could not open.
const NONE: u32 = u32::MAX;

/// A call with up to three arguments.
///
/// # Safety
///
/// The arguments are those of the call, and what they point to may be read, of READ also written.
unsafe fn call(number: u32, arguments: [u32; 3]) -> u32 {
    // SAFETY: the caller's.
    unsafe { semihosting_syscall(number, arguments.as_ptr() as u32) }
}

fn open(name: &CStr, how: u32) -> u32 {
    // SAFETY: a name with its length, without the zero at its end.
    unsafe { call(OPEN, [name.as_ptr() as u32, how, name.count_bytes() as u32]) }
}

/// Random bytes of the host's. False: it gives none.
pub fn random(bytes: &mut [u8; 16]) -> bool {
    let file = open(c"/dev/urandom", TO_READ);
    // What comes back is how many bytes are missing.
    // SAFETY: room for as many bytes.
    file != NONE && unsafe { call(READ, [file, bytes.as_mut_ptr() as u32, bytes.len() as u32]) } == 0
}

#[defmt::global_logger]
struct Log;

/// The host's standard output; 0 before it is opened.
static OUTPUT: AtomicU32 = AtomicU32::new(0);

/// Whether interrupts were on before the line that is being written.
static WERE_ON: AtomicBool = AtomicBool::new(false);

// SAFETY: interrupts are off from `acquire` to `release`, so that nobody writes in between. A `Format` that logs, which would be
// somebody, garbles the log and nothing else.
unsafe impl defmt::Logger for Log {
    fn acquire() {
        let were_on = primask::read().is_active();
        interrupt::disable();
        WERE_ON.store(were_on, Relaxed);
        if OUTPUT.load(Relaxed) == 0 {
            OUTPUT.store(open(c":tt", TO_WRITE), Relaxed);
        }
    }

    /// The host has what was written.
    unsafe fn flush() {}

    unsafe fn release() {
        if WERE_ON.load(Relaxed) {
            // SAFETY: they were on when `acquire` switched them off.
            unsafe { interrupt::enable() };
        }
    }

    /// As it is (defmt's feature `encoding-raw`): on the way to the host nothing is lost, and no frame has to be found again.
    unsafe fn write(bytes: &[u8]) {
        // SAFETY: so many bytes, to be read. A host without standard output refuses them.
        unsafe { call(WRITE, [OUTPUT.load(Relaxed), bytes.as_ptr() as u32, bytes.len() as u32]) };
    }
}
