//! The device under every image: vector table, reset, panic handler, where datagrams come from and where results go.
//!
//! `empty` has all of this and uses it, so that what another image has more than `empty` is Coaplet and the code of its
//! own `src/bin/` file. Nothing of Coaplet is in here. All `unsafe` of the package is here.
//!
//! Input comes out of volatile memory and results go to a volatile register, so the compiler can neither guess a datagram
//! nor leave out work. The lengths and addresses handed to [`firmware`] pass through [`black_box`], so that it cannot
//! fit the code to the size of these buffers either.
//!
//! An image runs. Whoever wants to see it work writes a datagram with its length
//! in front (u32, little endian) into the RAM and reads the results from the serial port, one byte for each [`put`]:
//!
//! ```sh
//! printf '\x08\0\0\0\x41\x01\x12\x34\x53\xb1\x61\xff' > in.bin    # a payload marker with nothing behind it
//! timeout 2 qemu-system-arm -M lm3s6965evb -display none -serial stdio -monitor none \
//!     -device loader,file=in.bin,addr=0x20000000,force-raw=on -kernel target/thumbv7m-none-eabi/release/codec | xxd
//! ```

#![no_std]

use core::{cell::UnsafeCell, hint::black_box, panic::PanicInfo, ptr, slice};

/// The longest datagram, bytes. RFC 7252 4.6 gives 1152; its size is no part of a figure, every image has it.
const ROOM: usize = 1152;

unsafe extern "C" {
    /// Nobody defines this. An image links only if no panic is reachable in it.
    #[link_name = "A_PANIC_IS_REACHABLE_IN_THIS_IMAGE"]
    fn a_panic_is_reachable() -> !;

    // Of firmware.ld.
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

/// Memory that something else than the program writes or reads.
#[repr(transparent)]
struct Volatile<T>(UnsafeCell<T>);

// SAFETY: one core, no interrupt handler but an endless loop.
unsafe impl<T> Sync for Volatile<T> {}

impl<T: Copy> Volatile<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline(always)]
    fn get(&self) -> T {
        // SAFETY: `self.0` is valid, aligned and initialised.
        unsafe { ptr::read_volatile(self.0.get()) }
    }
}

/// A datagram, as a network controller would leave it.
#[repr(C)]
struct Input {
    length: Volatile<u32>,
    bytes: [Volatile<u8>; ROOM],
    word: Volatile<u32>,
}

#[unsafe(link_section = ".uninit")]
static INPUT: Input = Input { length: Volatile::new(0), bytes: [const { Volatile::new(0) }; ROOM], word: Volatile::new(0) };

/// The data register of the first serial port (UART0) of a LM3S6965.
const SINK: *mut u32 = 0x4000_C000 as *mut u32;

/// A value that the compiler cannot know.
#[inline(never)]
pub fn word() -> u32 {
    INPUT.word.get()
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

/// Copies the datagram out of volatile memory: what is received.
#[inline(never)]
fn receive(buffer: &mut [u8]) -> &[u8] {
    let mut length = 0;
    for (to, from) in buffer.iter_mut().zip(&INPUT.bytes).take(INPUT.length.get() as usize) {
        *to = from.get();
        length += 1;
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
    // SAFETY: reset runs once and is the only one to name these two.
    let (datagram, reply) = unsafe {
        (slice::from_raw_parts_mut((&raw mut DATAGRAM).cast(), ROOM), slice::from_raw_parts_mut((&raw mut REPLY).cast(), ROOM))
    };
    firmware(black_box(receive(black_box(datagram))), black_box(reply));
    stop()
}
