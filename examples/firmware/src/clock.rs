//! Milliseconds since the start, by the system timer of the core.

use core::cell::Cell;
use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

/// The frequency of the processor after reset.
const HERTZ: u32 = 12_000_000;

static MILLISECONDS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Lets the clock run.
pub fn start(timer: &mut SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(HERTZ / 1000 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// What the timer counts down in, so many to a millisecond.
#[cfg(feature = "count")]
pub const TICKS: u32 = HERTZ / 1000;

/// The time.
pub fn now() -> u64 {
    interrupt::free(|token| MILLISECONDS.borrow(token).get())
}

#[exception]
fn SysTick() {
    interrupt::free(|token| {
        let milliseconds = MILLISECONDS.borrow(token);
        milliseconds.set(milliseconds.get().wrapping_add(1));
    });
}
