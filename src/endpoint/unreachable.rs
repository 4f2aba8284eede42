//! What the network says of a datagram of ours that could not be delivered (RFC 7252 4.2).

use super::Endpoint;
use crate::reliability::{Engine, Outcome};
use crate::roles::Roles;
use crate::store::{State, Store};
use crate::time::Instant;

/// Header and token: as much of a message as is compared.
const COMPARED: usize = 12;

impl<S: Store, R: Roles> Endpoint<S, R> {
    /// Takes in what an ICMP error quotes: that nobody listens at the port of `to` to which `quoted` went, as the
    /// operating system tells it for a socket of ours. `quoted` begins where the CoAP message does; it may be cut off
    /// behind the token.
    ///
    /// If it is a request, a ping or a separate response of ours that is outstanding, by its Message ID and its token,
    /// that ends at once: [`poll`](Endpoint::poll) gives [`Failed`](super::Output::Failed) with
    /// [`Unreachable`](super::Failure::Unreachable), or [`Undelivered`](super::Output::Undelivered). Anything else is
    /// ignored, and false: anybody on the Internet can send an ICMP error, but who does not see what we send knows
    /// neither. What was acknowledged goes on, and so does a notification: an observer that is gone is found out by the
    /// retransmissions (RFC 7641 4.5).
    ///
    /// ```
    /// use coaplet::endpoint::{Failure, Output, Request};
    /// use coaplet::{Config, Endpoint, Fixed, Instant};
    ///
    /// let mut client = Endpoint::new(Config::DEFAULT, [2; 16], Fixed::<u8, 4, 8, 512>::new());
    /// let (now, mut tx) = (Instant::ZERO, [0; 64]);
    /// let (handle, sent) = client.request(now, 1, Request::get(), &mut tx, |w| {
    ///     w.path("temp");
    /// })?;
    /// // Nobody is there, and the network says so.
    /// let quoted = &tx[..sent.unwrap().len].to_vec();
    /// assert!(client.unreachable(now, 1, quoted));
    /// assert_eq!(client.poll(now, &mut tx), Output::Failed(handle, Failure::Unreachable));
    /// # Ok::<(), coaplet::endpoint::RequestError>(())
    /// ```
    pub fn unreachable(&mut self, now: Instant, to: S::Peer, quoted: &[u8]) -> bool {
        self.at(now).unreachable(to, quoted).is_some()
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    /// `None`: it is not of what is outstanding.
    fn unreachable(&mut self, to: S::Peer, quoted: &[u8]) -> Option<()> {
        let (&[first, _, high, low], rest) = quoted.split_first_chunk()?;
        // RFC 7252 section 3: the version, and how long the token is.
        let length = usize::from(first & 15);
        if first >> 6 != 1 {
            return None;
        }
        let peer = self.held.find_peer(to)?;
        let index = self.held.find_local(peer, u16::from_be_bytes([high, low]), R::HAS.nstart_queue)?;
        let exchange = self.held.exchanges.at(index)?;
        match exchange.state {
            State::Sent | State::SentNon
                if R::HAS.client && self.held.has_token(exchange, rest.get(..length)?, R::HAS.observe) =>
            {
                self.end(index, Outcome::Unreachable);
            }
            State::Pinged if R::HAS.client && length == 0 => self.end(index, Outcome::Unreachable),
            State::Confirming if R::HAS.server => {
                // Its token, which may be one of many bytes (RFC 8974), stands in what is kept to be sent again.
                let mut kept = [0; COMPARED];
                self.held.arena.peek(exchange.bytes, 0, &mut kept);
                let compared = length.saturating_add(4).min(COMPARED);
                if quoted.get(..compared)? != kept.get(..compared)? {
                    return None;
                }
                self.confirmed(index, Outcome::Unreachable);
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::endpoint::{Arrival, Event, Failure, Output, Request};
    use crate::store::{Indexed, Scan};
    use crate::{Code, Config, Endpoint, Fixed, Header, Instant, Store, Writer};
    use std::vec::Vec;

    const NOW: Instant = Instant::from_millis(5);

    fn endpoint<C: crate::store::Scale>() -> Endpoint<Fixed<u8, 4, 8, 512, 4, 0, C>>
    where
        Fixed<u8, 4, 8, 512, 4, 0, C>: Store<Peer = u8>,
    {
        Endpoint::new(Config::DEFAULT, [7; 16], Fixed::new())
    }

    macro_rules! in_both {
        ($($name:ident),*) => {
            $(mod $name {
                #[test] fn scan() { super::$name(super::endpoint::<super::Scan>()); }
                #[test] fn indexed() { super::$name(super::endpoint::<super::Indexed>()); }
            })*
        };
    }
    in_both!(
        a_request_ends_by_its_own_quotation_alone,
        what_is_acknowledged_goes_on,
        a_separate_response_ends,
        pings_and_non
    );

    /// RFC 7252 4.2: Message ID and token have to be those of the request, and the peer the one it went to.
    fn a_request_ends_by_its_own_quotation_alone<S: Store<Peer = u8>>(mut ep: Endpoint<S>) {
        let mut tx = [0; 64];
        for request in [Request::get(), Request::get().observe()] {
            let (handle, sent) = ep.request(NOW, 1, request, &mut tx, |w| _ = w.path("temp")).unwrap();
            let quoted: Vec<u8> = tx[..sent.unwrap().len].into();
            for (at, bit) in (0..8).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut other = quoted.clone();
                other[at] ^= 1 << bit;
                // The code and the type are not compared: who knows the rest has seen the message.
                let compared = at > 1 || at == 0 && !matches!(bit, 4 | 5);
                assert!(!compared || !ep.unreachable(NOW, 1, &other), "byte {at}, bit {bit}");
            }
            for short in 0..8 {
                assert!(!ep.unreachable(NOW, 1, &quoted[..short]), "{short} bytes");
            }
            assert!(!ep.unreachable(NOW, 2, &quoted));
            assert!(matches!(ep.poll(NOW, &mut tx), Output::Idle(Some(_))));
            // Cut off behind the token, as short quotations are.
            assert!(ep.unreachable(NOW, 1, &quoted[..8]));
            assert_eq!(ep.poll(NOW, &mut tx), Output::Failed(handle, Failure::Unreachable));
            assert!(!ep.unreachable(NOW, 1, &quoted), "it has ended");
            assert!(matches!(ep.poll(NOW, &mut tx), Output::Idle(_)));
            assert_eq!(ep.usage().exchanges, 0);
        }
    }

    fn what_is_acknowledged_goes_on<S: Store<Peer = u8>>(mut ep: Endpoint<S>) {
        let mut tx = [0; 64];
        let (_, sent) = ep.request(NOW, 1, Request::get(), &mut tx, |_| {}).unwrap();
        let quoted: Vec<u8> = tx[..sent.unwrap().len].into();
        let ack = [0x60, 0, quoted[2], quoted[3]];
        assert!(ep.handle(NOW, 1, Arrival::Unicast, &ack, &mut tx).reply.is_none());
        assert!(!ep.unreachable(NOW, 1, &quoted));
        assert_eq!(ep.usage().exchanges, 1);
    }

    fn a_separate_response_ends<S: Store<Peer = u8>>(mut ep: Endpoint<S>) {
        let (mut rx, mut tx) = ([0; 64], [0; 64]);
        for token in [&b""[..], b"12345678", b"a token of RFC 8974"] {
            let mid = token.len() as u16;
            let length = Writer::new(&mut rx, Header::confirmable(Code::GET, mid), token).finish().unwrap();
            let Event::Request(request) = ep.handle(NOW, 1, Arrival::Unicast, &rx[..length], &mut tx).event else {
                panic!()
            };
            ep.defer(NOW, request.id).unwrap();
            assert!(matches!(ep.poll(NOW, &mut tx), Output::Send(_)));
            let id = request.id.report();
            let sent = ep.respond(NOW, id, &mut tx, |w| _ = w.code(Code::CONTENT)).unwrap().unwrap();
            let quoted: Vec<u8> = tx[..sent.len].into();
            let mut other = quoted.clone();
            let last = (3 + token.len()).min(11);
            other[last] ^= 1;
            assert!(!ep.unreachable(NOW, 1, &other));
            assert!(ep.unreachable(NOW, 1, &quoted));
            let told = ep.poll(NOW, &mut tx);
            assert!(matches!(told, Output::Undelivered(_, Failure::Unreachable)), "{told:?}");
        }
    }

    fn pings_and_non<S: Store<Peer = u8>>(mut ep: Endpoint<S>) {
        let mut tx = [0; 64];
        let (ping, sent) = ep.ping(NOW, 1, &mut tx).unwrap();
        let quoted: Vec<u8> = tx[..sent.unwrap().len].into();
        assert!(ep.unreachable(NOW, 1, &quoted));
        assert_eq!(ep.poll(NOW, &mut tx), Output::Failed(ping, Failure::Unreachable));
        let (non, sent) = ep.request(NOW, 2, Request::get().non(), &mut tx, |_| {}).unwrap();
        let quoted: Vec<u8> = tx[..sent.unwrap().len].into();
        assert!(ep.unreachable(NOW, 2, &quoted));
        assert_eq!(ep.poll(NOW, &mut tx), Output::Failed(non, Failure::Unreachable));
    }
}
