//! By what the application names an exchange: free of lifetimes, and stale once it is over.

/// A request of ours, until it ends. Free of lifetimes; a stale one is an error, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Handle {
    pub(crate) index: u32,
    pub(crate) generation: u16,
    /// Of the endpoint: that of another one is stale here.
    pub(crate) brand: u16,
}

impl Handle {
    /// Stale from the beginning.
    pub(crate) const NONE: Handle = Handle { index: u32::MAX, generation: 0, brand: 0 };
}

/// A request of a peer's, until it is answered. Free of lifetimes; a stale one is an error, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestId(pub(crate) Handle);
