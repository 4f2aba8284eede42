//! What a slot for observers holds: an observer of a resource (RFC 7641), or a resource that has some.
//!
//! What it guarantees: with the heads of its indexes it takes 56 bytes.
//!
//! Why it is built so: a resource has one slot of its own among those of its observers, so that they hang in rings of
//! which it holds the ends, and so that `notify` is a matter of three links however many there are. The last four
//! Message IDs of an observer are one, and how far back the three before it lie.

use super::table::{Entry, Untimed};

/// An observer of a resource, or a resource that has some.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "the verbs come with the next change")]
pub struct Observer {
    /// Of the registration. Of a resource: the ends of two rings.
    token: [u8; 8],
    /// Who observes. Of a resource: the end of a ring.
    peer: u32,
    /// The slot of the resource. Of a resource: its number.
    pub(crate) resource: u32,
    /// What the application has given along. Of a resource: since when it is quiet.
    pub(crate) tag: u32,
    /// The last Message ID (16 bits), how many NON notifications in a row (8), how long the token is (4), marks (4).
    counts: u32,
    /// How far the Message IDs before the last one are back (6 bits each), the hour of the last CON (11), the size of a
    /// block (3).
    history: u32,
}

impl Observer {
    pub(crate) const NONE: Observer = Observer { token: [0; 8], peer: 0, resource: 0, tag: 0, counts: 0, history: 0 };
}

impl Entry for Observer {
    type Timing = Untimed;
}
