//! The device under every image: vector table, reset, panic handler, clock, where datagrams come from and where results
//! go.
//!
//! `empty` has all of this, so that what another image has more than `empty` is Coaplet, the memory functions of
//! compiler-builtins that it pulls in, and the code of its own file in `src/bin/`, less the 52 bytes of that file in
//! `empty`. Nothing of Coaplet is in here. All `unsafe` of the package is here.
//!
//! Input comes out of volatile memory and results go to a volatile register, so the compiler can neither guess a
//! datagram nor leave out work. Addresses and lengths pass through [`black_box`] on their way into [`firmware`], so
//! that it cannot fit the code to the size of these buffers either; and [`PARTS`] keeps each part in every image,
//! whether that calls it or not, in the shape that is written here.
//!
//! The images run in QEMU. In the first bytes of the RAM they find a script: a number for [`word`], a [`seed`], and
//! then, in the order of their times, what happens, each a [`Record`] with its datagram behind it, in whole words.
//! Nobody waits: the clock jumps to whatever comes next, a record or the time until which the image sleeps. What is
//! [`put`] comes out of the serial port, the lowest byte of each. When the image is done, reset says how much stack it
//! took and restarts the device, which ends QEMU. `.ci/footprint` writes such scripts, from `scripts/`, and reads what
//! comes out.
//!
//! The stack is measured by painting it: what lies between `.bss` and the stack pointer of reset is filled with a
//! pattern, and the deepest word that has another value afterwards was used.

#![no_std]

use core::cell::{Cell, UnsafeCell};
use core::{hint::black_box, panic::PanicInfo, ptr};

/// The longest datagram, bytes. RFC 7252 4.6 gives 1152; its size is no part of a figure, every image has it.
const ROOM: usize = 1152;

/// The words of a script's records. With what stands in front, 4 KB.
const RECORDS: usize = 1019;

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
    /// What the image does, once: each file in `src/bin/` defines it. The first datagram, and room for a reply; the
    /// device is for an image that waits for more than that one.
    safe fn firmware(datagram: &[u8], room: &mut [u8], device: &mut Device);
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never runs: an image in which it is reachable does not link.
    unsafe { a_panic_is_reachable() }
}

/// The script. In memory of its own, that is no part of the image.
#[repr(C)]
struct Input {
    word: u32,
    seed: [u32; 4],
    records: [u32; RECORDS],
}

/// What happens at a time.
#[repr(C)]
struct Record {
    /// When, in milliseconds. 0 ends the script.
    at: u32,
    /// Whether the input pin is up from now on.
    pin: u32,
    /// Who sends the datagram.
    from: u32,
    /// Its bytes; all ones: there is none, only the pin is read.
    length: u32,
}

/// The words of a [`Record`].
const HEAD: usize = size_of::<Record>() / 4;

/// The data register of the first serial port (UART0) of a LM3S6965.
const SINK: *mut u32 = 0x4000_C000 as *mut u32;

/// A value that the compiler cannot know.
#[inline(never)]
pub fn word() -> u32 {
    // SAFETY: memory of the device, aligned, only read, and any bits are a number.
    unsafe { ptr::read_volatile(&raw const input.word) }
}

/// Bytes that nobody can guess.
#[inline(never)]
pub fn seed() -> [u8; 16] {
    // SAFETY: as in `word`.
    unsafe { ptr::read_volatile((&raw const input.seed).cast()) }
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

/// Sends the first so many bytes of a buffer to a peer: its time and the peer's address come out in front of them.
#[inline(never)]
pub fn emit(now: u64, to: [u8; 4], buffer: &[u8], length: usize) {
    send(&(now as u32).to_le_bytes());
    send(&to);
    send(&(length as u16).to_le_bytes());
    transmit(buffer, length);
}

/// The address under which an image tells what it has found out.
pub const CONSOLE: [u8; 4] = [0; 4];

/// The address under which reset tells how much stack was used.
const STACK: [u8; 4] = [0xff; 4];

/// The clock, and what receives datagrams.
pub struct Device {
    now: u64,
    /// How many words of the script's records are over.
    over: usize,
    buffer: [u8; ROOM],
}

/// Why a main loop goes on.
pub struct Wake<'d> {
    /// The time, in milliseconds.
    pub now: u64,
    /// Whether the input pin is up.
    pub pin: bool,
    /// Who has sent the datagram.
    pub from: [u8; 4],
    /// What has come; `None`: the time is over, or the pin has changed.
    pub datagram: Option<&'d [u8]>,
}

impl Device {
    const NEW: Device = Device { now: 0, over: 0, buffer: [0; ROOM] };

    /// Sleeps until a time, in milliseconds, or until something happens before. `None`: nothing ever will.
    #[inline(never)]
    pub fn wait(&mut self, until: u64) -> Option<Wake<'_>> {
        let at = u64::from(record(self.over));
        let mut pin = false;
        let mut from = [0; 4];
        let mut datagram = None;
        if at == 0 {
            return None;
        } else if until < at {
            self.now = self.now.max(until);
        } else {
            self.now = at;
            pin = record(self.over + 1) != 0;
            from = record(self.over + 2).to_le_bytes();
            let length = record(self.over + 3) as usize;
            let bytes = self.over + HEAD;
            self.over = bytes;
            if length <= ROOM {
                self.over += length.div_ceil(4);
                datagram = Some(receive(&mut self.buffer, bytes, length));
            }
        }
        Some(Wake { now: self.now, pin, from, datagram })
    }
}

/// A word of the script's records; 0 beyond them.
#[inline(never)]
fn record(index: usize) -> u32 {
    if index >= RECORDS {
        return 0;
    }
    // SAFETY: as in `word`; the index is in bounds.
    unsafe { ptr::read_volatile((&raw const input.records).cast::<u32>().add(index)) }
}

/// Copies a datagram out of the script: what is received.
#[inline(never)]
fn receive(buffer: &mut [u8; ROOM], words: usize, length: usize) -> &[u8] {
    for (i, to) in buffer.iter_mut().take(length).enumerate() {
        *to = (record(words + i / 4) >> (i % 4 * 8)) as u8;
    }
    buffer.get(..length).unwrap_or_default()
}

/// A place for a value that lives as long as the device: in `.bss` if it begins as zeros, or as nothing.
pub struct Place<T> {
    lent: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: there is one thread, and no interrupt is enabled.
unsafe impl<T> Sync for Place<T> {}

impl<T> Place<T> {
    /// Holds this.
    pub const fn new(value: T) -> Place<T> {
        Place { lent: Cell::new(false), value: UnsafeCell::new(value) }
    }

    /// Lends it for good. A second call stops the device.
    #[allow(clippy::mut_from_ref)] // Lent once.
    pub fn lend(&'static self) -> &'static mut T {
        if self.lent.replace(true) {
            stop()
        }
        // SAFETY: nobody else has or will have a reference, as the first call alone comes by here.
        unsafe { &mut *self.value.get() }
    }
}

static mut DATAGRAM: [u8; ROOM] = [0; ROOM];
static mut REPLY: [u8; ROOM] = [0; ROOM];
static mut DEVICE: Device = Device::NEW;

/// Keeps what an image may call in every image. As its address is taken, no image gets a version of its own.
#[used]
#[allow(clippy::type_complexity)]
static PARTS: (
    fn() -> u32,
    fn() -> [u8; 16],
    fn(u32),
    fn(&[u8]),
    fn(&[u8], usize),
    fn(u64, [u8; 4], &[u8], usize),
    for<'d> fn(&'d mut Device, u64) -> Option<Wake<'d>>,
) = (word, seed, put, send, transmit, emit, Device::wait);

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
    let top = stack_pointer();
    // SAFETY: free memory, whole words: nothing is between the end of `.bss` and the stack pointer.
    unsafe {
        let mut to = &raw mut bss_end;
        while to < top {
            ptr::write_volatile(to, PAINT);
            to = to.add(1);
        }
    }
    let (datagram, reply, device) = (&raw mut DATAGRAM, &raw mut REPLY, &raw mut DEVICE);
    // SAFETY: reset runs once and is the only one to name these three.
    let (datagram, reply, device) = unsafe { (&mut *datagram, &mut *reply, &mut *device) };
    let length = (record(3) as usize).min(ROOM);
    let datagram = receive(black_box(datagram), HEAD, length);
    firmware(black_box(datagram), black_box(reply.as_mut_slice()), black_box(device));

    // SAFETY: as above, and only read.
    let used = unsafe {
        let mut from = &raw mut bss_end;
        while from < top && ptr::read_volatile(from) == PAINT {
            from = from.add(1);
        }
        top.addr() - from.addr()
    };
    emit(0, STACK, &(used as u32).to_le_bytes(), 4);
    // SAFETY: a register of the core. It asks for a restart.
    unsafe { ptr::write_volatile(RESTART, 0x05fa_0004) }
    stop()
}

/// What the free stack is filled with: no address and no likely value.
const PAINT: u32 = 0xa5c3_965a;

/// The register of the core by which it can be restarted (AIRCR).
const RESTART: *mut u32 = 0xe000_ed0c as *mut u32;

/// The stack pointer of the caller.
#[inline(always)]
fn stack_pointer() -> *mut u32 {
    let pointer;
    // SAFETY: reads a register.
    #[cfg(target_arch = "arm")]
    unsafe {
        core::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    // Only checked there, never run.
    #[cfg(not(target_arch = "arm"))]
    {
        pointer = ptr::null_mut();
    }
    pointer
}
