//! The network as embedded-nal-async has it: UDP that is not connected, for the asynchronous driver.

use crate::network::Network;
use crate::{clock, ethernet};
use core::cell::RefCell;
use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::Poll;
use embassy_sync::waitqueue::AtomicWaker;
use embedded_nal_async::UnconnectedUdp;

/// Who waits for a frame.
static WAITS: AtomicWaker = AtomicWaker::new();

/// A frame has come, or a millisecond has passed: what waits for a neighbour's address is looked at again.
pub fn wake() {
    WAITS.wake();
}

/// A socket on the port of the network.
pub struct Udp<'n>(pub &'n RefCell<Network>);

/// The stack has no errors: what it cannot send is lost, as a datagram may be.
#[derive(Debug)]
pub enum Never {}

impl core::fmt::Display for Never {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {}
    }
}

impl core::error::Error for Never {}

impl embedded_io_async::Error for Never {
    fn kind(&self) -> embedded_io_async::ErrorKind {
        match *self {}
    }
}

impl UnconnectedUdp for Udp<'_> {
    type Error = Never;

    async fn send(&mut self, local: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Never> {
        let mut network = self.0.borrow_mut();
        network.send_to(local, remote, data);
        network.transmit(clock::now());
        Ok(())
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr, SocketAddr), Never> {
        poll_fn(|context| {
            WAITS.register(context.waker());
            let mut network = self.0.borrow_mut();
            loop {
                let taken = network.receive(clock::now());
                network.transmit(clock::now());
                if let Some(came) = network.take(buffer) {
                    return Poll::Ready(Ok(came));
                }
                if !taken && !ethernet::waits() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}
