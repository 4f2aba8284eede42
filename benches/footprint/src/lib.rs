//! The device under every image: vector table, reset, panic handler, where datagrams come from and where results go.
//!
//! `empty` has all of this and calls each part once, so that what another image has more than `empty` is Coaplet, the
//! memory functions of compiler-builtins that it pulls in, and the code of its own file in `src/bin/`, less the 52 bytes
//! of that file in `empty`. Nothing of Coaplet is in here. All `unsafe` of the package is here.
//!
//! Input comes out of volatile memory and results go to a volatile register, so the compiler can neither guess a
//! datagram nor leave out work. Addresses and lengths pass through [`black_box`] on their way into [`firmware`], so that
//! it cannot fit the code to the size of these buffers either.
//!
//! The images run: QEMU takes a datagram with its length in front (u32, little endian) in the first bytes of the RAM,
//! and what is [`put`] comes out of the serial port, the lowest byte of each.
//!
//! ```sh
//! printf '\x08\0\0\0\x41\x01\x12\x34\x53\xb1\x61\xff' > in.bin    # a payload marker with nothing behind it
//! timeout 2 qemu-system-arm -M lm3s6965evb -display none -serial stdio -monitor none \
//!     -device loader,file=in.bin,addr=0x20000000,force-raw=on -kernel target/thumbv7m-none-eabi/release/codec | xxd
//! ```

#![no_std]

use core::{hint::black_box, panic::PanicInfo, ptr};

/// The longest datagram, bytes. RFC 7252 4.6 gives 1152; its size is no part of a figure, every image has it.
const ROOM: usize = 1152;

unsafe extern "C" {
    /// Nobody defines this. An image links only if no panic is reachable in it.
    #[link_name = "A_PANIC_IS_REACHABLE_IN_THIS_IMAGE"]
    fn a_panic_is_reachable() -> !;

    // Of firmware.ld.
    static input: Input;
    static mut stack_top: u32;
    static mut bss_start: u32;
    static mut bss_end: u32;
    static mut data_start: u32;
    static mut data_end: u32;
    static data_load: u32;
}

unsafe extern "Rust" {
    /// What the image does, once: each file in `src/bin/` defines it. The datagram received, and room for a reply.
    safe fn firmware(datagram: &[u8], room: &mut [u8]);
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never runs: an image in which it is reachable does not link.
    unsafe { a_panic_is_reachable() }
}

/// A datagram, as a network controller would leave it, and a number. In memory of its own, that is no part of the image.
#[repr(C)]
struct Input {
    length: u32,
    bytes: [u8; ROOM],
    word: u32,
}

/// The data register of the first serial port (UART0) of a LM3S6965.
const SINK: *mut u32 = 0x4000_C000 as *mut u32;

/// A value that the compiler cannot know.
#[inline(never)]
pub fn word() -> u32 {
    // SAFETY: memory of the device, aligned, only read, and any bits are a number.
    unsafe { ptr::read_volatile(&raw const input.word) }
}

/// Gives a value away, so that it must have been computed.
#[inline(never)]
pub fn put(value: u32) {
    // SAFETY: a register of the device, aligned, never read or referenced.
    unsafe { ptr::write_volatile(SINK, value) }
}

/// Gives every byte away.
#[inline(never)]
pub fn send(bytes: &[u8]) {
    for byte in bytes {
        put(u32::from(*byte));
    }
}

/// Gives away the first so many bytes of a buffer: what is sent.
#[inline(never)]
pub fn transmit(buffer: &[u8], length: usize) {
    send(buffer.get(..length).unwrap_or_default());
}

/// Copies the datagram out of volatile memory: what is received. A length that cannot be gives an empty one.
#[inline(never)]
fn receive(buffer: &mut [u8; ROOM]) -> &[u8] {
    // SAFETY: as in `word`.
    let (length, mut from) =
        unsafe { (ptr::read_volatile(&raw const input.length) as usize, (&raw const input.bytes).cast()) };
    for to in buffer.iter_mut().take(length) {
        // SAFETY: as in `word`; the buffer is as long as `bytes`.
        unsafe {
            *to = ptr::read_volatile(from);
            from = from.add(1);
        }
    }
    buffer.get(..length).unwrap_or_default()
}

static mut DATAGRAM: [u8; ROOM] = [0; ROOM];
static mut REPLY: [u8; ROOM] = [0; ROOM];

/// An entry of the vector table.
#[repr(C)]
union Vector {
    stack: *const u32,
    handler: unsafe extern "C" fn() -> !,
    reserved: usize,
}

// SAFETY: read by the core alone.
unsafe impl Sync for Vector {}

/// The sixteen system vectors of an ARMv7-M.
#[used]
#[unsafe(link_section = ".vector_table")]
static VECTORS: [Vector; 16] = [
    Vector { stack: &raw const stack_top },
    Vector { handler: reset },
    Vector { handler: stop }, // NMI
    Vector { handler: stop }, // HardFault
    Vector { handler: stop }, // MemManage
    Vector { handler: stop }, // BusFault
    Vector { handler: stop }, // UsageFault
    Vector { reserved: 0 },
    Vector { reserved: 0 },
    Vector { reserved: 0 },
    Vector { reserved: 0 },
    Vector { handler: stop }, // SVCall
    Vector { handler: stop }, // DebugMonitor
    Vector { reserved: 0 },
    Vector { handler: stop }, // PendSV
    Vector { handler: stop }, // SysTick
];

#[inline(never)]
extern "C" fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    // SAFETY: the bounds are those of firmware.ld, whole words, and nothing has been read from them yet. Volatile, so
    // that the loops stay loops and no image is charged for a `memcpy` or `memset` of this file.
    unsafe {
        let mut to = &raw mut bss_start;
        while to < &raw mut bss_end {
            ptr::write_volatile(to, 0);
            to = to.add(1);
        }
        let mut to = &raw mut data_start;
        let mut from = &raw const data_load;
        while to < &raw mut data_end {
            ptr::write_volatile(to, ptr::read_volatile(from));
            to = to.add(1);
            from = from.add(1);
        }
    }
    let (datagram, reply) = (&raw mut DATAGRAM, &raw mut REPLY);
    // SAFETY: reset runs once and is the only one to name these two.
    let (datagram, reply) = unsafe { (&mut *datagram, &mut *reply) };
    firmware(black_box(receive(black_box(datagram))), black_box(reply.as_mut_slice()));
    stop()
}
