//! The loop of the drivers that are asynchronous.

use super::{Due, Node, Received};
use crate::endpoint::Transmit;
use crate::time::Instant;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

/// A socket and a clock that can be waited for. No executor is asked for.
// Who spawns a task does so with a carrier that is known, of whose futures the compiler sees whether they can be sent.
#[allow(async_fn_in_trait)]
pub trait Carrier {
    /// An address.
    type Peer: Copy;
    /// What may go wrong with the socket.
    type Error;

    /// The clock.
    fn now(&self) -> Instant;

    /// Sends `tx[..due.len]`.
    async fn send(&mut self, due: Transmit<Self::Peer>, tx: &[u8]) -> Result<(), Self::Error>;

    /// Waits for a datagram until a moment, or, with `None`, for ever. A future of it that is dropped has lost nothing
    /// that another one will not find.
    async fn receive(&mut self, until: Option<Instant>, rx: &mut [u8]) -> Result<Received<Self::Peer>, Self::Error>;
}

/// Does what is due, waits for what comes next, and takes that in. False: the node is over.
///
/// A future of it that is dropped ends nothing: at most a datagram that was to be sent is lost, as the network loses some.
/// So a program can wait for something of its own at the same time, and tell the endpoint of it.
///
/// # Errors
///
/// The socket cannot be read. That a datagram cannot be sent [the node is told](Node::unsent).
pub async fn step<N: Node, C: Carrier<Peer = N::Peer>>(
    carrier: &mut C,
    node: &mut N,
    rx: &mut [u8],
    tx: &mut [u8],
) -> Result<bool, C::Error> {
    let until = loop {
        match node.due(carrier.now(), tx) {
            Due::Send(due) => send(carrier, node, due, tx).await,
            Due::Wait(until) => break until,
            Due::Over => return Ok(false),
        }
    };
    let received = carrier.receive(until, rx).await?;
    if let Some(reply) = node.received(carrier.now(), received, rx, tx) {
        send(carrier, node, reply, tx).await;
    }
    Ok(true)
}

async fn send<N: Node, C: Carrier<Peer = N::Peer>>(carrier: &mut C, node: &mut N, due: Transmit<N::Peer>, tx: &[u8]) {
    if carrier.send(due, tx).await.is_err() {
        node.unsent(carrier.now(), due.to, tx.get(..due.len).unwrap_or_default());
    }
}

/// [Steps](step) until the node is over. Once `stop` is, the node begins nothing new, and what is under way ends:
/// [`pending`](core::future::pending) for who never stops.
///
/// # Errors
///
/// As [`step`].
pub async fn run<N: Node, C: Carrier<Peer = N::Peer>>(
    carrier: &mut C,
    node: &mut N,
    stop: impl Future,
    rx: &mut [u8],
    tx: &mut [u8],
) -> Result<(), C::Error> {
    let mut stop = pin!(stop);
    loop {
        // In this order: whoever sends without end does not keep it from stopping.
        match first(stop.as_mut(), step(carrier, node, rx, tx)).await {
            First::One(_) => break,
            First::Other(more) => {
                if !more? {
                    return Ok(());
                }
            }
        }
    }
    node.stop();
    while step(carrier, node, rx, tx).await? {}
    Ok(())
}

/// Which of two futures came first.
pub(crate) enum First<A, B> {
    One(A),
    Other(B),
}

/// Waits for the first of two; of two at a time, it is the one that is named first. The other is dropped.
pub(crate) async fn first<A: Future, B: Future>(one: A, other: B) -> First<A::Output, B::Output> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match (one.as_mut().poll(context), &mut other) {
        (Poll::Ready(one), _) => Poll::Ready(First::One(one)),
        (Poll::Pending, other) => other.as_mut().poll(context).map(First::Other),
    })
    .await
}
