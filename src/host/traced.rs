//! A socket, and who wants to see what passes it.

use super::builder::{Passed, Trace, Way};
use crate::endpoint::Transmit;
use crate::io::{Address, Received, Udp, UdpError};
use crate::time::Instant;
use std::fmt;

/// What every peer can be expected to take (RFC 7252 4.6).
pub(super) const MAX_MESSAGE: usize = 1152;

/// A socket each of whose datagrams is shown.
pub(super) struct Traced {
    pub(super) udp: Udp,
    pub(super) trace: Option<Trace>,
}

impl Traced {
    /// The clock.
    pub(super) fn now(&self) -> Instant {
        self.udp.now()
    }

    pub(super) fn send(&mut self, due: Transmit<Address>, way: Way, tx: &[u8]) -> Result<(), UdpError> {
        self.show(way, due.to, tx.get(..due.len).unwrap_or_default());
        self.udp.send(due, tx)
    }

    pub(super) fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received, UdpError> {
        let received = self.udp.receive(until, rx)?;
        let (way, peer, len) = match received {
            Received::Nothing => return Ok(received),
            Received::Datagram { from, len, .. } => (Way::Received, from, len),
            Received::Unreachable { to, len } => (Way::Unreachable, to, len),
        };
        self.show(way, peer, rx.get(..len).unwrap_or_default());
        Ok(received)
    }

    fn show(&mut self, way: Way, peer: Address, datagram: &[u8]) {
        if let Some(trace) = &mut self.trace {
            trace(&Passed { at: self.udp.now(), way, peer, datagram });
        }
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").field("udp", &self.udp).finish_non_exhaustive()
    }
}
