//! How many entries the tables are meant for, as a type, so that firmware does not link what it does not use.

use super::list::List;
use super::table::{Heads, Link};
use super::wheel::Level;

/// How many entries a store is meant for: [`Scan`] or [`Indexed`].
pub trait Scale: sealed::Sealed + Copy + core::fmt::Debug + 'static {
    /// Whether there are hash indexes, lists and a timer wheel. If not, a table is looked through.
    #[doc(hidden)]
    const INDEXED: bool;

    /// The heads of the buckets of `N` slots with one index, where there are any.
    #[doc(hidden)]
    type One<const N: usize>: Zeros<Heads<1>>;

    /// The heads of the buckets of `N` slots with two indexes, where there are any.
    #[doc(hidden)]
    type Two<const N: usize>: Zeros<Heads<2>>;

    /// The levels of the timer wheel, where there are any.
    #[doc(hidden)]
    type Levels: Zeros<Level>;

    /// The lists of what has a lifetime that is the same for all in one, where there are any.
    #[doc(hidden)]
    type Lists: Zeros<List>;
}

/// For few entries: each look-up goes through all of them. With eight that is faster than an index, and some kilobytes
/// of flash smaller; from about thirty on it is slower.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scan {}

/// For many entries, up to millions: hash indexes, lists and a timer wheel. No look-up grows with what is held.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Indexed {}

impl Scale for Scan {
    const INDEXED: bool = false;
    type One<const N: usize> = [Heads<1>; 0];
    type Two<const N: usize> = [Heads<2>; 0];
    type Levels = [Level; 0];
    type Lists = [List; 0];
}

impl Scale for Indexed {
    const INDEXED: bool = true;
    type One<const N: usize> = [Heads<1>; N];
    type Two<const N: usize> = [Heads<2>; N];
    type Levels = [Level; LEVELS];
    type Lists = [List; LISTS];
}

/// One for each lifetime, of what may be processed twice and what may not; and that of requests to be acknowledged in
/// time.
const LISTS: usize = 5;

/// Five levels of milliseconds reach 12 days.
pub(super) const LEVELS: usize = 5;

/// Memory for some of a kind: an array, a slice, or what a heap has given.
#[doc(hidden)]
pub trait Lend<T> {
    /// All of it.
    fn lent(&self) -> &[T];
    /// All of it, to change it.
    fn lend(&mut self) -> &mut [T];
}

impl<T, const N: usize> Lend<T> for [T; N] {
    #[inline(always)]
    fn lent(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn lend(&mut self) -> &mut [T] {
        self
    }
}

impl<T> Lend<T> for &mut [T] {
    #[inline(always)]
    fn lent(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn lend(&mut self) -> &mut [T] {
        self
    }
}

#[cfg(any(feature = "alloc", test))]
impl<T> Lend<T> for alloc::vec::Vec<T> {
    #[inline(always)]
    fn lent(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn lend(&mut self) -> &mut [T] {
        self
    }
}

#[cfg(any(feature = "alloc", test))]
impl<T> Lend<T> for alloc::boxed::Box<[T]> {
    #[inline(always)]
    fn lent(&self) -> &[T] {
        self
    }

    #[inline(always)]
    fn lend(&mut self) -> &mut [T] {
        self
    }
}

/// An array in which nothing is held.
#[doc(hidden)]
pub trait Zeros<T>: Lend<T> + Clone + core::fmt::Debug {
    /// Nothing is held.
    const EMPTY: Self;
}

impl<const N: usize> Zeros<List> for [List; N] {
    const EMPTY: Self = [List::EMPTY; N];
}

impl<const N: usize, const I: usize> Zeros<[Link; I]> for [[Link; I]; N] {
    const EMPTY: Self = [[0; I]; N];
}

impl<const N: usize> Zeros<Level> for [Level; N] {
    const EMPTY: Self = [Level::EMPTY; N];
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Scan {}
    impl Sealed for super::Indexed {}
}
