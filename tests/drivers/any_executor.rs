//! embedded-nal-async: the driver of sockets that are waited for, in memory and in virtual time, with no executor but a loop;
//! and over tokio's sockets, as the example has them.

#[path = "../../examples/nal_async_server/stack.rs"]
mod stack;

use crate::house::{House, routes};
use coaplet::endpoint::{Arrival, Failure, Output, Request};
use coaplet::io::embedded_nal_async::{Connected, Unconnected};
use coaplet::io::{Address, Ask, Carrier, Received, Serve, Told, run};
use coaplet::{Config, Endpoint, Fixed, Instant, Server};
use embedded_nal_async::{ConnectedUdp, UdpStack, UnconnectedUdp};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// One direction of a wire.
type Wire = RefCell<VecDeque<Vec<u8>>>;

/// A socket of two directions: what it sends, and what comes.
struct Socket<'w>(&'w Wire, &'w Wire, [SocketAddr; 2]);

async fn next(wire: &Wire, buffer: &mut [u8]) -> usize {
    let datagram = poll_fn(|_| wire.borrow_mut().pop_front().map_or(Poll::Pending, Poll::Ready)).await;
    let kept = datagram.len().min(buffer.len());
    buffer[..kept].copy_from_slice(&datagram[..kept]);
    datagram.len()
}

impl ConnectedUdp for Socket<'_> {
    type Error = Infallible;

    async fn send(&mut self, data: &[u8]) -> Result<(), Infallible> {
        self.0.borrow_mut().push_back(data.into());
        Ok(())
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(next(self.1, buffer).await)
    }
}

impl UnconnectedUdp for Socket<'_> {
    type Error = Infallible;

    async fn send(&mut self, local: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Infallible> {
        assert_eq!((local.port(), remote), (self.2[0].port(), self.2[1]));
        assert!(!local.ip().is_multicast(), "nobody sends from a group");
        self.0.borrow_mut().push_back(data.into());
        Ok(())
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr, SocketAddr), Infallible> {
        Ok((next(self.1, buffer).await, self.2[0], self.2[1]))
    }
}

/// A clock that goes on when nothing else does.
#[derive(Default)]
struct Clock {
    now: Cell<u64>,
    next: Cell<Option<u64>>,
}

impl Clock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.now.get())
    }

    fn timer(&self, until: Instant) -> impl Future<Output = ()> + use<'_> {
        poll_fn(move |_| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.next.set(Some(self.next.get().map_or(until.as_millis(), |next| next.min(until.as_millis()))));
            Poll::Pending
        })
    }

    /// Polls one future until it is done, and the other one beside it. That is all the executor there is.
    fn drive<T>(&self, one: impl Future<Output = T>, other: impl Future) -> T {
        let (mut one, mut other, mut context) = (pin!(one), pin!(other), Context::from_waker(Waker::noop()));
        let (mut over, mut turns) = (false, 0);
        loop {
            self.next.set(None);
            // Twice, so that what one of them has sent the other has seen before the clock goes on.
            for _ in 0..2 {
                if let Poll::Ready(outcome) = one.as_mut().poll(&mut context) {
                    return outcome;
                }
                over = over || other.as_mut().poll(&mut context).is_ready();
            }
            turns += 1;
            assert!(turns < 1_000_000, "it ends");
            self.now.set(self.next.get().map_or(self.now.get() + 1, |next| next.max(self.now.get() + 1)));
        }
    }
}

const HERE: [&str; 2] = ["10.0.0.2:61616", "10.0.0.1:5683"];

fn addresses([one, other]: [&str; 2]) -> [SocketAddr; 2] {
    [one, other].map(|address| address.parse().expect("an address"))
}

/// Asks for a path, and gives the payload of the answer.
async fn get<C: Carrier<Peer: Copy + Eq + std::hash::Hash>>(
    carrier: &mut C,
    peer: C::Peer,
    path: &str,
) -> Result<String, Failure> {
    let mut endpoint = Endpoint::new(Config::DEFAULT, [2; 16], Fixed::<C::Peer, 1, 4, 512>::new());
    let (mut rx, mut tx) = ([0; 257], [0; 256]);
    let made = endpoint.request(carrier.now(), peer, Request::get(), &mut tx, |w| {
        w.path(path);
    });
    let (asked, sent) = made.expect("it can be made");
    let sent = carrier.send(sent.expect("nothing is in front of it"), &tx).await;
    assert!(sent.is_ok());
    let mut outcome = None;
    let mut node = Ask::new(&mut endpoint, |told| {
        match told {
            Told::Response(response) if response.handle == asked => {
                outcome = Some(Ok(String::from_utf8_lossy(response.message.payload()).into_owned()));
            }
            Told::Output(Output::Failed(handle, why)) if handle == asked => outcome = Some(Err(why)),
            _ => {}
        }
        outcome.is_some()
    });
    let ran = run(carrier, &mut node, std::future::pending::<()>(), &mut rx, &mut tx).await;
    assert!(ran.is_ok());
    outcome.expect("it has ended")
}

/// Serves until it is told to stop, and gives what it has served.
async fn serve<C: Carrier<Peer: Copy + Eq + std::hash::Hash>>(carrier: &mut C, stop: impl Future) -> House {
    let routes = routes();
    let endpoint = Endpoint::new(Config::DEFAULT.serving(), [1; 16], Fixed::<C::Peer, 4, 8, 1024>::new());
    let (mut server, mut house) = (Server::new(endpoint, &routes), House::default());
    let (mut rx, mut tx) = ([0; 257], [0; 256]);
    let ran = run(carrier, &mut Serve::new(&mut server, &mut house), stop, &mut rx, &mut tx).await;
    assert!(ran.is_ok());
    house
}

#[test]
fn a_client_of_one_peer_and_a_server_of_all_without_an_executor() {
    let (clock, there, back) = (Clock::default(), Wire::default(), Wire::default());
    let [us, them] = addresses(HERE);
    let timer = |until| clock.timer(until);
    let mut client = Connected::new(Socket(&there, &back, [us, them]), (), || clock.now(), timer);
    let mut server = Unconnected::new(Socket(&back, &there, [them, us]), them, || clock.now(), timer);
    let answer = clock.drive(get(&mut client, (), "hello"), serve(&mut server, std::future::pending::<()>()));
    assert_eq!(answer, Ok("hello".into()));
    assert_eq!(clock.now.get(), 0, "nothing had to be waited for");
}

#[test]
fn the_timer_is_the_callers() {
    let (clock, there, back) = (Clock::default(), Wire::default(), Wire::default());
    let [us, them] = addresses(HERE);
    let mut client =
        Connected::new(Socket(&there, &back, [us, them]), 7_u8, || clock.now(), |until| clock.timer(until));
    let failed = clock.drive(get(&mut client, 7, "hello"), std::future::pending::<()>());
    assert_eq!((failed, there.borrow().len()), (Err(Failure::TimedOut), 5));
    assert!(clock.now.get() > 62_000, "{}", clock.now.get());

    // The first request is lost: it takes an ACK_TIMEOUT, and no more.
    there.borrow_mut().clear();
    let begun = clock.now.get();
    let mut server =
        Unconnected::new(Socket(&back, &there, [them, us]), them, || clock.now(), |until| clock.timer(until));
    let serving = async {
        poll_fn(|_| there.borrow_mut().pop_front().map_or(Poll::Pending, Poll::Ready)).await;
        serve(&mut server, std::future::pending::<()>()).await
    };
    assert_eq!(clock.drive(get(&mut client, 7, "hello"), serving), Ok("hello".into()));
    assert!((2000..=3000).contains(&(clock.now.get() - begun)), "{}", clock.now.get() - begun);
}

#[test]
fn what_comes_to_a_group_or_is_too_long() {
    let (clock, there, back) = (Clock::default(), Wire::default(), Wire::default());
    let timer = |until| clock.timer(until);
    for (local, to, kept, arrival) in [
        ("0.0.0.0:5683", "10.0.0.1:5683", Some("10.0.0.1"), Arrival::Unicast),
        ("10.0.0.1:5683", "10.0.0.1:5683", None, Arrival::Unicast),
        ("0.0.0.0:5683", "224.0.1.187:5683", None, Arrival::Group),
        ("0.0.0.0:5683", "255.255.255.255:5683", None, Arrival::Group),
        ("[::]:5683", "[ff02::fd]:5683", None, Arrival::Group),
        ("[::]:5683", "[fe80::1]:5683", Some("fe80::1"), Arrival::Unicast),
    ] {
        let [to, us] = addresses([to, HERE[0]]);
        let local = local.parse().expect("an address");
        let mut carrier = Unconnected::new(Socket(&back, &there, [to, us]), local, || clock.now(), timer);
        let mut rx = [0; 8];
        for (datagram, len) in [(&[1; 7][..], Some(7)), (&[1; 8], None), (&[1; 9], None)] {
            there.borrow_mut().push_back(datagram.into());
            let received = clock.drive(carrier.receive(None, &mut rx), std::future::pending::<()>());
            let from = Address { remote: us, local: kept.map(|kept| kept.parse().expect("an address")) };
            let expected = len.map_or(Received::Nothing, |len| Received::Datagram { from, arrival, len });
            assert_eq!(received, Ok(expected), "{to}");
        }
        let until = clock.now() + std::time::Duration::from_secs(5);
        let received = clock.drive(carrier.receive(Some(until), &mut rx), std::future::pending::<()>());
        assert_eq!((received, clock.now()), (Ok(Received::Nothing), until));
    }
}

#[test]
fn over_sockets_of_an_operating_system() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let start = tokio::time::Instant::now();
        let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
        let timer = |until: Instant| tokio::time::sleep_until(start + until.since(Instant::ZERO));
        let any = "127.0.0.1:0".parse().expect("an address");
        let (address, socket) = stack::Stack.bind_single(any).await.expect("a port");
        let mut server = Unconnected::new(socket, address, clock, timer);
        let (_, socket) = stack::Stack.connect(address).await.expect("a socket");
        let mut client = Connected::new(socket, (), clock, timer);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let asked = async {
            let answer = get(&mut client, (), "hello").await;
            stop.send(()).expect("it runs");
            answer
        };
        let both = async { tokio::join!(asked, serve(&mut server, stopped)) };
        let (answer, _) = tokio::time::timeout(std::time::Duration::from_secs(60), both).await.expect("it ends");
        assert_eq!(answer, Ok("hello".into()));
    });
}
