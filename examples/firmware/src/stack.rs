//! How much of the stack was ever used: cortex-m-rt paints it at the start, and what has another colour was used.

use core::ptr;
use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static mut _stack_start: u32;
    static mut _stack_end: u32;
}

/// The deepest that the stack has reached, in bytes. It looks at each word that was not.
pub fn depth() -> usize {
    let (top, end) = (&raw const _stack_start, &raw const _stack_end);
    let mut word = end;
    // SAFETY: from the end of the statics to the top of the memory all is the stack's; aligned, and only read.
    while word < top && unsafe { ptr::read_volatile(word) } == STACK_PAINT_VALUE {
        word = word.wrapping_add(1);
    }
    (top as usize).wrapping_sub(word as usize)
}
