//! embedded-nal: the driver of sockets that never wait.

use crate::house::{House, routes};
use coaplet::endpoint::{Failure, Handle, Output, Request};
use coaplet::io::embedded_nal::{Bound, Connected, Nal, Pass};
use coaplet::io::{Ask, Node, Serve, Told};
use coaplet::{Code, Config, Endpoint, Fixed, Instant, Message, Server};
use embedded_nal::{UdpClientStack, UdpFullStack, nb};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

/// A network in memory, on which each has one address, and a stack of one of them.
struct Stack<'n> {
    network: &'n Network,
    address: SocketAddr,
    /// How often in a row it does not take a datagram, and how often it has not taken this one.
    blocks: u32,
    blocked: u32,
    refuses: bool,
    closed: Rc<Cell<u32>>,
}

/// Who has sent it, and its bytes.
type Datagram = (SocketAddr, Vec<u8>);

#[derive(Default)]
struct Network {
    waiting: RefCell<HashMap<SocketAddr, VecDeque<Datagram>>>,
    sent: Cell<u32>,
    clock: Cell<u64>,
}

impl Network {
    fn now(&self) -> Instant {
        Instant::from_millis(self.clock.get())
    }

    fn stack(&self, address: &str, blocks: u32) -> Stack<'_> {
        let address = address.parse().expect("an address");
        Stack { network: self, address, blocks, blocked: 0, refuses: false, closed: Rc::default() }
    }

    fn put(&self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        self.sent.set(self.sent.get() + 1);
        self.waiting.borrow_mut().entry(to).or_default().push_back((from, datagram.into()));
    }

    fn take(&self, at: SocketAddr) -> Option<Datagram> {
        self.waiting.borrow_mut().get_mut(&at)?.pop_front()
    }
}

#[derive(Debug)]
struct Refused;

impl UdpClientStack for Stack<'_> {
    type UdpSocket = Option<SocketAddr>;
    type Error = Refused;

    fn socket(&mut self) -> Result<Option<SocketAddr>, Refused> {
        Ok(None)
    }

    fn connect(&mut self, socket: &mut Option<SocketAddr>, remote: SocketAddr) -> Result<(), Refused> {
        *socket = Some(remote);
        if self.refuses { Err(Refused) } else { Ok(()) }
    }

    fn send(&mut self, socket: &mut Option<SocketAddr>, buffer: &[u8]) -> nb::Result<(), Refused> {
        let to = socket.expect("it is connected");
        self.send_to(socket, to, buffer)
    }

    fn receive(&mut self, _: &mut Option<SocketAddr>, buffer: &mut [u8]) -> nb::Result<(usize, SocketAddr), Refused> {
        let (from, datagram) = self.network.take(self.address).ok_or(nb::Error::WouldBlock)?;
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok((length, from))
    }

    fn close(&mut self, _: Option<SocketAddr>) -> Result<(), Refused> {
        self.closed.set(self.closed.get() + 1);
        Ok(())
    }
}

impl UdpFullStack for Stack<'_> {
    fn bind(&mut self, _: &mut Option<SocketAddr>, port: u16) -> Result<(), Refused> {
        if port == self.address.port() { Ok(()) } else { Err(Refused) }
    }

    fn send_to(&mut self, _: &mut Option<SocketAddr>, to: SocketAddr, buffer: &[u8]) -> nb::Result<(), Refused> {
        if self.refuses {
            return Err(nb::Error::Other(Refused));
        }
        if self.blocked < self.blocks {
            self.blocked += 1;
            return Err(nb::Error::WouldBlock);
        }
        self.blocked = 0;
        self.network.put(self.address, to, buffer);
        Ok(())
    }
}

type Store = Fixed<SocketAddr, 4, 8, 1024, 2, 2>;

const SERVER: &str = "10.0.0.1:5683";
const CLIENT: &str = "10.0.0.2:61616";

fn endpoint(seed: u8) -> Endpoint<Store> {
    Endpoint::new(Config::DEFAULT, [seed; 16], Store::new())
}

/// How a request has ended.
#[derive(Default, Clone, PartialEq, Debug)]
struct Outcome(Rc<RefCell<Vec<Result<String, Failure>>>>);

impl Outcome {
    /// Waits for the end of all of these.
    fn of(&self, handles: Vec<Handle>) -> impl FnMut(Told<'_, SocketAddr>) -> bool + use<> {
        let outcome = self.clone();
        move |told| {
            let mut outcome = outcome.0.borrow_mut();
            match told {
                Told::Response(response) if handles.contains(&response.handle) => {
                    outcome.push(Ok(String::from_utf8_lossy(response.message.payload()).into_owned()));
                }
                Told::Output(Output::Failed(handle, why)) if handles.contains(&handle) => outcome.push(Err(why)),
                _ => {}
            }
            outcome.len() == handles.len()
        }
    }

    fn take(&self) -> Vec<Result<String, Failure>> {
        self.0.take()
    }
}

/// Makes a request and has it sent.
fn ask<C: FnMut() -> Instant>(
    nal: &mut Nal<'_, Stack<'_>, Connected, C>,
    endpoint: &mut Endpoint<Store>,
    now: Instant,
    path: &str,
) -> Handle {
    let request = Request::get();
    let room = nal.tx().expect("nothing waits");
    let made = endpoint.request(now, SERVER.parse().expect("an address"), request, room, |w| {
        w.path(path);
    });
    let (handle, sent) = made.expect("it can be made");
    if let Some(sent) = sent {
        nal.send(sent);
        assert!(nal.tx().is_none(), "it lies there");
    }
    handle
}

/// With a stack that takes each datagram at once, and one that takes it at the fourth try: nothing is lost or sent twice.
#[test]
fn it_waits_until_a_datagram_is_taken() {
    for blocks in [0, 3] {
        let network = Network::default();
        let now = || network.now();
        let (mut here, mut there) = (network.stack(CLIENT, blocks), network.stack(SERVER, blocks));
        let (mut buffers, mut others) = ([[0; 256]; 2], [[0; 256]; 2]);
        let ([rx, tx], [their_rx, their_tx]) = (&mut buffers, &mut others);
        let mut client = Nal::connect(&mut here, there.address, now, rx, tx).expect("a socket");
        let mut server = Nal::<_, Bound, _>::bind(&mut there, 5683, now, their_rx, their_tx).expect("a socket");
        let routes = routes();
        let served = Endpoint::new(Config::DEFAULT.serving(), [1; 16], Store::new());
        let (mut served, mut house) = (Server::new(served, &routes), House::default());
        let mut served = Serve::new(&mut served, &mut house);

        let (mut asking, outcome) = (endpoint(2), Outcome::default());
        let first = ask(&mut client, &mut asking, now(), "later");
        let mut asked = Ask::new(&mut asking, outcome.of(vec![first]));
        for step in 0.. {
            assert!(step < 10_000, "it ends");
            network.clock.set(step);
            if step == 20 {
                let later = served.state.later.pop().expect("it was put off");
                let room = server.tx().expect("nothing waits");
                let sent = served.server.complete(now(), &later, room, |reply| Ok(reply.text("at last")));
                server.send(sent.expect("it waits").expect("it is not too early"));
            }
            assert_ne!(server.step(&mut there, &mut served).expect("it works"), Pass::Over);
            if client.step(&mut here, &mut asked).expect("it works") == Pass::Over {
                break;
            }
        }
        assert_eq!(outcome.take(), [Ok("at last".into())]);

        // Whatever is under way ends: their answer is acknowledged. Then it stops.
        served.stop();
        while server.step(&mut there, &mut served).expect("it works") != Pass::Over {
            let _ = client.step(&mut here, &mut Ask::new(&mut asking, |_| false)).expect("it works");
        }
        // The request, its acknowledgement, the answer, its acknowledgement.
        assert_eq!(network.sent.get(), 4, "{blocks}");
        client.close(&mut here).expect("it closes");
        server.close(&mut there).expect("it closes");
        assert_eq!((here.closed.get(), there.closed.get()), (1, 1));
    }
}

#[test]
fn what_is_lost_is_sent_again_when_it_is_due() {
    let network = Network::default();
    let now = || network.now();
    let mut here = network.stack(CLIENT, 0);
    let (mut rx, mut tx) = ([0; 64], [0; 64]);
    let server: SocketAddr = SERVER.parse().expect("an address");
    let mut client = Nal::connect(&mut here, server, now, &mut rx, &mut tx).expect("a socket");
    let (mut asking, outcome) = (endpoint(2), Outcome::default());
    let asked = ask(&mut client, &mut asking, now(), "temp");
    let mut asked = Ask::new(&mut asking, outcome.of(vec![asked]));
    let mut sent = Vec::new();
    loop {
        match client.step(&mut here, &mut asked).expect("it works") {
            Pass::Wait(until) => network.clock.set(until.expect("there is something to wait for").as_millis()),
            Pass::Again => {}
            Pass::Over => break,
        }
        sent.extend(network.take(server).map(|(_, datagram)| datagram));
    }
    assert_eq!(outcome.take(), [Err(Failure::TimedOut)]);
    // RFC 7252 4.8: MAX_RETRANSMIT is 4, and they are all the same.
    assert!(sent.len() == 5 && sent.iter().all(|datagram| *datagram == sent[0]));
    assert!(network.clock.get() > 62_000, "{}", network.clock.get());
}

#[test]
fn what_is_not_for_us_is_ignored() {
    let network = Network::default();
    let now = || network.now();
    let mut here = network.stack(CLIENT, 0);
    let (server, us): (SocketAddr, SocketAddr) = (SERVER.parse().expect("an address"), here.address);
    let (mut rx, mut tx) = ([0; 32], [0; 64]);
    let mut client = Nal::connect(&mut here, server, now, &mut rx, &mut tx).expect("a socket");
    let (mut asking, outcome) = (endpoint(2), Outcome::default());
    let asked = ask(&mut client, &mut asking, now(), "temp");
    let mut asked = Ask::new(&mut asking, outcome.of(vec![asked]));
    assert!(matches!(client.step(&mut here, &mut asked), Ok(Pass::Wait(Some(_)))));
    let (_, request) = network.take(server).expect("it is sent");
    let request = Message::parse(&request).expect("a message");
    let answer = |payload: &[u8]| {
        let head = [0x60 | request.token().len() as u8, Code::CONTENT.to_byte()];
        [&head, &request.message_id().to_be_bytes(), request.token(), &[0xff], payload].concat()
    };
    // Somebody else's, one that may have been longer than the buffer, and one that is no message.
    network.put("10.0.0.3:5683".parse().expect("an address"), us, &answer(b"no"));
    network.put(server, us, &answer(&[b'n'; 32]));
    network.put(server, us, &[0xff; 20]);
    for _ in 0..3 {
        assert!(matches!(client.step(&mut here, &mut asked), Ok(Pass::Again)));
        assert_eq!(outcome.0.borrow().len(), 0);
    }
    network.put(server, us, &answer(b"yes"));
    assert!(matches!(client.step(&mut here, &mut asked), Ok(Pass::Again)));
    assert!(matches!(client.step(&mut here, &mut asked), Ok(Pass::Over)));
    assert_eq!(outcome.take(), [Ok("yes".into())]);
}

#[test]
fn what_the_stack_refuses_is_an_error_or_told() {
    let network = Network::default();
    let now = || network.now();
    let mut here = network.stack(CLIENT, 0);
    here.refuses = true;
    let server: SocketAddr = SERVER.parse().expect("an address");
    let (mut rx, mut tx) = ([0; 64], [0; 64]);
    assert!(Nal::connect(&mut here, server, now, &mut rx, &mut tx).is_err());
    assert!(Nal::bind(&mut here, 1, now, &mut rx, &mut tx).is_err());
    assert_eq!(here.closed.get(), 2, "no socket is left");

    here.refuses = false;
    let mut client = Nal::connect(&mut here, server, now, &mut rx, &mut tx).expect("a socket");
    let (mut asking, outcome) = (endpoint(2), Outcome::default());
    let asked = ask(&mut client, &mut asking, now(), "temp");
    here.refuses = true;
    // It is told at once, and not after a minute.
    let ended =
        client.run(&mut here, &mut Ask::new(&mut asking, outcome.of(vec![asked])), |_| panic!("it does not wait"));
    assert!(ended.is_ok());
    assert_eq!(outcome.take(), [Err(Failure::Unreachable)]);
}

/// Over the operating system's sockets.
#[test]
fn over_std_embedded_nal() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let server = peer.local_addr().expect("an address");
    let answering = std::thread::spawn(move || {
        let mut request = [0; 64];
        let (_, from) = peer.recv_from(&mut request).expect("a request");
        let token = usize::from(request[0] & 15);
        let answer =
            [&[0x60 | token as u8, 0x45, request[2], request[3]], &request[4..4 + token], b"\xffhere"].concat();
        peer.send_to(&answer, from).expect("sent");
    });
    let start = std::time::Instant::now();
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let (mut stack, mut rx, mut tx) = (std_embedded_nal::Stack, [0; 64], [0; 64]);
    let mut client = Nal::connect(&mut stack, server, now, &mut rx, &mut tx).expect("a socket");
    let (mut asking, outcome) = (endpoint(2), Outcome::default());
    let room = client.tx().expect("nothing waits");
    let made = asking.request(now(), server, Request::get(), room, |w| {
        w.path("temp");
    });
    let (asked, sent) = made.expect("it can be made");
    client.send(sent.expect("nothing is in front of it"));
    let mut asked = Ask::new(&mut asking, outcome.of(vec![asked]));
    client.run(&mut stack, &mut asked, |_| std::thread::yield_now()).expect("it works");
    assert_eq!(outcome.take(), [Ok("here".into())]);
    answering.join().expect("it has answered");
}
