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
    #[cfg(feature = "embassy")]
    embassy::due();
}

/// The same as Embassy's clock: its ticks are milliseconds.
#[cfg(feature = "embassy")]
mod embassy {
    use core::cell::RefCell;
    use core::task::Waker;
    use critical_section::Mutex;
    use embassy_time_driver::Driver;
    use embassy_time_queue_utils::Queue;

    struct Clock(Mutex<RefCell<Queue>>);

    embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock(Mutex::new(RefCell::new(Queue::new()))));

    impl Driver for Clock {
        fn now(&self) -> u64 {
            super::now()
        }

        fn schedule_wake(&self, at: u64, waker: &Waker) {
            critical_section::with(|token| {
                // No alarm is to be set: each tick looks.
                let _ = self.0.borrow_ref_mut(token).schedule_wake(at, waker);
            });
        }
    }

    /// Wakes whose time has come.
    pub(super) fn due() {
        critical_section::with(|token| {
            let _ = CLOCK.0.borrow_ref_mut(token).next_expiration(super::now());
        });
    }
}
