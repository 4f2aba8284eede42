//! How a socket stands to its peers, and how a step has gone.

use super::Nal;
use crate::time::Instant;
use ::embedded_nal::{UdpClientStack, UdpFullStack, nb};
use core::fmt;
use core::net::SocketAddr;

/// How a socket stands to its peers.
pub trait Way<T: UdpClientStack> {
    #[doc(hidden)]
    fn send(
        &self,
        stack: &mut T,
        socket: &mut T::UdpSocket,
        to: SocketAddr,
        datagram: &[u8],
    ) -> nb::Result<(), T::Error>;
    #[doc(hidden)]
    fn hears(&self, from: SocketAddr) -> bool;
}

/// There is one, with which all datagrams are exchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connected(pub(super) SocketAddr);

/// Datagrams come from anybody, and go to anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound(pub(super) ());

impl<T: UdpClientStack> Way<T> for Connected {
    fn send(&self, stack: &mut T, socket: &mut T::UdpSocket, to: SocketAddr, data: &[u8]) -> nb::Result<(), T::Error> {
        // To another one it cannot be sent: that is as if it were lost.
        if to == self.0 { stack.send(socket, data) } else { Ok(()) }
    }

    fn hears(&self, from: SocketAddr) -> bool {
        from == self.0
    }
}

impl<T: UdpFullStack> Way<T> for Bound {
    fn send(&self, stack: &mut T, socket: &mut T::UdpSocket, to: SocketAddr, data: &[u8]) -> nb::Result<(), T::Error> {
        stack.send_to(socket, to, data)
    }

    fn hears(&self, _: SocketAddr) -> bool {
        true
    }
}

/// How a step has gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "it says when the next step is due"]
pub enum Pass {
    /// There may be more to be done at once, or the stack does not take a datagram yet.
    Again,
    /// Nothing until then, or, with `None`, until a datagram comes or the endpoint is told something.
    Wait(Option<Instant>),
    /// The node is over.
    Over,
}

impl<T: UdpClientStack, W: fmt::Debug, C> fmt::Debug for Nal<'_, T, W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nal").field("way", &self.way).field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
