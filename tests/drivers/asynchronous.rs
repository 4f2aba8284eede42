//! tokio: the driver, and the client over it.

use crate::house::{House, LONG, routes, told};
use coaplet::endpoint;
use coaplet::host::{AsyncClient, Error};
use coaplet::io::{Address, AsyncUdp, Carrier, Node, Serve, Udp, run, seed, step};
use coaplet::server::{self, Answer, Reply, Request, Resource, Route};
use coaplet::store::Heap;
use coaplet::{Code, Config, Endpoint, Message, Server, Transmission, Type};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn};
use tokio::time::timeout;

/// How long anything may take, on a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(60);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { timeout(LIMIT, future).await.expect("it ends") })
}

/// Waits for the first of two; of both at once, the one that is named first.
async fn race<A: Future, B: Future>(one: A, other: B) -> Result<A::Output, B::Output> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(one) => Poll::Ready(Ok(one)),
        Poll::Pending => other.as_mut().poll(context).map(Err),
    })
    .await
}

fn server<'r, S>(routes: &'r [Route<S, Address>]) -> Server<'r, S, Heap<Address>> {
    let store = Heap::with_bound(64, 1024, 1 << 20).observers(8).transfers(8);
    Server::new(Endpoint::new(Config::DEFAULT.serving(), seed(), store), routes)
}

fn bound() -> (AsyncUdp, SocketAddr) {
    let mut udp = AsyncUdp::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = udp.udp().local_addr().expect("an address");
    (udp, address)
}

/// A server, and what ends it. It gives what it was told.
fn serve() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<House>) {
    let ((mut udp, address), (stop, stopped)) = (bound(), oneshot::channel());
    let task = spawn(async move {
        let routes = routes();
        let (mut server, mut house) = (server(&routes), House::default());
        let mut node = Serve::new(&mut server, &mut house);
        let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
        run(&mut udp, &mut node, stopped, &mut rx, &mut tx).await.expect("it can be read");
        house
    });
    (address, stop, task)
}

/// So many may be outstanding; and nothing is sent again within the test.
fn pace(nstart: u8) -> Transmission {
    Transmission { nstart, ack_timeout: Duration::from_secs(30), ..Transmission::DEFAULT }
}

async fn client(address: SocketAddr, transmission: Transmission) -> AsyncClient {
    AsyncClient::connect_with(&format!("coap://{address}"), transmission).await.expect("a client")
}

/// No other thread may have it.
struct Counter(Rc<Cell<u32>>);

impl Resource<(), Address> for Counter {
    fn post(&mut self, _: &mut (), _: &Request<'_, Address>, reply: Reply<'_, '_>) -> Result<Answer, server::Error> {
        self.0.set(self.0.get() + 1);
        Ok(reply.done())
    }
}

#[test]
fn a_server_with_objects_of_one_thread_is_driven_in_that() {
    block_on(async {
        let count = Rc::new(Cell::new(0));
        let mut counter = Counter(Rc::clone(&count));
        let mut objects = [Route::new("counter").object_of(&mut counter)];
        let mut server = server(&[]).with_objects(&mut objects);
        let (mut udp, address) = bound();
        let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
        let asking = async {
            let client = client(address, Transmission::DEFAULT).await;
            let code = client.post("/counter", "").await.expect("an answer").code();
            client.shutdown().await.expect("it ends well");
            code
        };
        let mut state = ();
        let mut node = Serve::new(&mut server, &mut state);
        let serving = run(&mut udp, &mut node, std::future::pending::<()>(), &mut rx, &mut tx);
        assert!(matches!(race(asking, serving).await, Ok(Code::CHANGED)));
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn many_requests_at_a_time_get_each_its_own_answer() {
    block_on(async {
        let (address, stop, task) = serve();
        let client = std::sync::Arc::new(client(address, pace(16)).await);
        let asked: Vec<_> = (0..300)
            .map(|number| {
                let client = client.clone();
                spawn(async move { (number, client.get(&format!("/echo?say={number}")).await) })
            })
            .collect();
        for asked in asked {
            let (number, reply) = asked.await.expect("it ends");
            let reply = reply.expect("an answer");
            assert_eq!((reply.code(), reply.payload()), (Code::CONTENT, number.to_string().as_bytes()));
        }
        let client = std::sync::Arc::into_inner(client).expect("nobody else has it");
        client.shutdown().await.expect("it ends well");
        stop.send(()).expect("it runs");
        task.await.expect("it ends");
    });
}

#[test]
fn bodies_of_any_length_go_both_ways() {
    block_on(async {
        let (address, stop, task) = serve();
        let client = client(address, Transmission::DEFAULT).await;
        let (there, back) = (client.put("/bytes", vec![7; LONG + 1]), client.get("/long"));
        let back = back.await.expect("an answer");
        assert!(back.payload().len() == LONG && back.payload().iter().all(|byte| *byte == b'x'));
        assert_eq!(there.await.expect("an answer").code(), Code::CHANGED);
        let missing = client.get("/nowhere").await.expect("an answer");
        assert_eq!(missing.code(), Code::NOT_FOUND);
        let refused = client.request(Code::GET, "/hello", &[(coaplet::OptionNumber::ACCEPT, &[50])], None).await;
        assert_eq!(refused.expect("an answer").code(), Code::NOT_ACCEPTABLE);
        assert!(matches!(client.request(Code::CONTENT, "/hello", &[], None).await, Err(Error::Request(_))));
        assert!(matches!(client.get("/a b").await, Err(Error::Uri { .. })));
        stop.send(()).expect("it runs");
        assert_eq!(task.await.expect("it ends").bytes, LONG + 1);
    });
}

/// A peer that is written out.
struct Peer(UdpSocket, [u8; 1500], usize, Option<SocketAddr>);

impl Peer {
    async fn new() -> (Peer, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        (Peer(socket, [0; 1500], 0, None), address)
    }

    /// The next datagram.
    async fn next(&mut self) -> Message<'_> {
        let (length, from) = self.0.recv_from(&mut self.1).await.expect("a datagram");
        (self.2, self.3) = (length, Some(from));
        Message::parse(&self.1[..length]).expect("a message")
    }

    /// An answer to that, of so many bytes of a token.
    async fn answer(&self, payload: &[u8]) {
        let message = Message::parse(&self.1[..self.2]).expect("a message");
        let [high, low] = message.message_id().to_be_bytes();
        let token = message.token();
        let head = [0x60 | token.len() as u8, Code::CONTENT.to_byte(), high, low];
        let answer = [&head, token, &[0xff], payload].concat();
        self.0.send_to(&answer, self.3.expect("somebody has asked")).await.expect("sent");
    }
}

#[test]
fn a_future_that_is_dropped_ends_its_exchange() {
    block_on(async {
        let (mut peer, address) = Peer::new().await;
        let quick = Transmission { ack_timeout: Duration::from_millis(50), ..Transmission::DEFAULT };
        let client = client(address, quick).await;
        {
            // It goes out; and nobody answers.
            let message = race(client.get("/first"), peer.next()).await.expect_err("nobody has answered");
            assert!(message.path_is("first"));
        }
        // With NSTART 1 the second one can only go out if the first has ended; which is not sent again either.
        let second = client.get("/second");
        let answered = async {
            while !peer.next().await.path_is("second") {}
            peer.answer(b"here").await;
        };
        let (second, ()) = tokio::join!(second, answered);
        assert_eq!(second.expect("an answer").payload(), b"here");
        // At most what the second one had sent while nobody ran.
        while let Ok(message) = timeout(Duration::from_millis(300), peer.next()).await {
            assert!(!message.path_is("first"), "nothing of it is sent again");
        }
        client.shutdown().await.expect("nothing is under way");
    });
}

#[test]
fn a_client_that_is_shut_down_lets_its_exchanges_end() {
    block_on(async {
        let (mut peer, address) = Peer::new().await;
        let client = client(address, pace(1)).await;
        let first = client.get("/first");
        // It waits behind NSTART when the client is stopped, and is asked all the same.
        let waiting = client.get("/waiting");
        let stopped = async {
            assert!(peer.next().await.path_is("first"));
            client.stop();
            assert!(matches!(client.get("/late").await, Err(Error::Closed)));
            peer.answer(b"1").await;
            assert!(peer.next().await.path_is("waiting"));
            peer.answer(b"2").await;
        };
        let ((first, waiting), ()) = tokio::join!(async { tokio::join!(first, waiting) }, stopped);
        assert_eq!(first.expect("an answer").payload(), b"1");
        assert_eq!(waiting.expect("an answer").payload(), b"2");
        client.shutdown().await.expect("it ends well");
    });
}

#[test]
fn a_server_that_is_stopped_answers_what_it_has_put_off() {
    block_on(async {
        let (mut udp, address) = bound();
        enum Todo {
            Stop,
            Complete,
        }
        let (tell, mut todo) = mpsc::channel(1);
        let serving = spawn(async move {
            let routes = routes();
            let (mut server, mut house) = (server(&routes), House::default());
            let mut node = Serve::new(&mut server, &mut house);
            let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
            // As a program that waits for something of its own beside the socket.
            loop {
                match race(todo.recv(), step(&mut udp, &mut node, &mut rx, &mut tx)).await {
                    Err(more) => {
                        if !more.expect("it can be read") {
                            break;
                        }
                    }
                    Ok(Some(Todo::Stop)) => node.stop(),
                    Ok(_) => {
                        let later = node.state.later.pop().expect("it was put off");
                        let now = udp.now();
                        let sent = node.server.complete(now, &later, &mut tx, |reply| Ok(reply.text("at last")));
                        if let Some(sent) = sent.expect("it waits") {
                            udp.send(sent, &tx).await.expect("sent");
                        }
                    }
                }
            }
            house
        });
        let client = client(address, pace(4)).await;
        let asked = client.get("/later");
        let ended = async {
            // Asked after the first, so that it has come by then.
            assert_eq!(client.get("/hello").await.expect("an answer").payload(), b"hello");
            tell.send(Todo::Stop).await.expect("it runs");
            while client.get("/hello").await.expect("an answer").code() != Code::SERVICE_UNAVAILABLE {}
            assert!(!serving.is_finished(), "it waits for the answer");
            tell.send(Todo::Complete).await.expect("it runs");
        };
        let (asked, ()) = tokio::join!(asked, ended);
        assert_eq!(asked.expect("an answer").payload(), b"at last");
        assert!(serving.await.expect("it ends").later.is_empty());
    });
}

#[test]
fn what_is_observed_comes_whole_beside_all_else() {
    block_on(async {
        let (address, stop, task) = serve();
        let client = client(address, pace(4)).await;
        let mut state = client.observe("/state").expect("it can be asked");
        let next = state.next().await.expect("it goes on").expect("a state");
        assert_eq!((next.code(), next.payload()), (Code::CONTENT, &b""[..]));
        let long = vec![b'y'; LONG];
        for body in [b"on".to_vec(), long, b"off".to_vec()] {
            assert_eq!(client.put("/state", body.clone()).await.expect("an answer").code(), Code::CHANGED);
            // While a long one is sent, the parts of it that are there may be told, too.
            while state.next().await.expect("it goes on").expect("a state").payload() != body {}
            assert_eq!(client.get("/hello").await.expect("an answer").payload(), b"hello");
        }
        for (path, code) in [("/hello", Code::CONTENT), ("/nowhere", Code::NOT_FOUND), ("/long", Code::CONTENT)] {
            let mut not = client.observe(path).expect("it can be asked");
            let reply = not.next().await.expect("an answer").expect("an answer");
            assert_eq!(reply.code(), code);
            assert_eq!(reply.payload().len() == LONG, path == "/long");
            assert!(not.next().await.is_none(), "{path} is not observed");
        }
        // A future that is dropped has taken nothing.
        assert!(timeout(Duration::from_millis(20), state.next()).await.is_err());
        client.put("/state", "last").await.expect("an answer");
        assert_eq!(state.next().await.expect("it goes on").expect("a state").payload(), b"last");
        client.stop();
        assert!(state.next().await.is_none() && matches!(client.observe("/state"), Err(Error::Closed)));
        drop(state);
        client.shutdown().await.expect("it ends well");
        stop.send(()).expect("it runs");
        task.await.expect("it ends");
    });
}

/// RFC 7641 3.6: the next notification is reset. And of those that nobody asks for, the last ones are kept.
#[test]
fn an_observation_that_is_dropped_is_rejected() {
    block_on(async {
        let (mut peer, address) = Peer::new().await;
        let client = client(address, pace(1)).await;
        let mut observation = client.observe("/state").expect("it can be asked");
        let token = peer.next().await.token().to_vec();
        let from = peer.3.expect("somebody has asked");
        for number in 0..40_u8 {
            let head = [0x50 | token.len() as u8, Code::CONTENT.to_byte(), 1, number];
            let notification = [&head[..], &token, &[0x61, number + 1, 0xff, number]].concat();
            peer.0.send_to(&notification, from).await.expect("sent");
        }
        // The last one has come.
        let mut seen = Vec::new();
        while seen.last() != Some(&39) {
            seen.push(observation.next().await.expect("it goes on").expect("a state").payload()[0]);
        }
        assert!(seen.is_sorted(), "{seen:?}");
        drop(observation);
        let head = [0x40 | token.len() as u8, Code::CONTENT.to_byte(), 2, 0];
        peer.0.send_to(&[&head[..], &token, &[0x61, 50, 0xff, 50]].concat(), from).await.expect("sent");
        let reset = peer.next().await;
        assert_eq!((reset.message_type(), reset.message_id()), (Type::Reset, 0x0200));
        client.shutdown().await.expect("nothing is under way");
    });
}

/// Where ICMP's news come to it, the driver tells the endpoint at once.
#[cfg(target_os = "linux")]
#[test]
fn a_port_at_which_nobody_listens() {
    block_on(async {
        let closed = Peer::new().await.1;
        let client = client(closed, pace(1)).await;
        assert!(matches!(client.get("/hello").await, Err(Error::Unreachable { .. })));
        // The socket lives on.
        assert!(matches!(client.get("/hello").await, Err(Error::Unreachable { .. })));
    });
}

#[test]
fn a_client_that_is_dropped_leaves_nothing_behind() {
    block_on(async {
        let (mut peer, address) = Peer::new().await;
        let client = client(address, pace(1)).await;
        race(client.get("/first"), peer.next()).await.expect_err("nobody has answered");
        let from = peer.3.expect("it has asked");
        assert!(std::net::UdpSocket::bind(from).is_err(), "it has the port");
        drop(client);
        // Its task lets the port go.
        while std::net::UdpSocket::bind(from).is_err() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_server_that_asks_is_told() {
    block_on(async {
        let (there, stop, task) = serve();
        let (mut udp, _) = bound();
        let (routes, mut house) = (routes(), House::default());
        let mut server = server(&routes);
        let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
        let nobody = Peer::new().await.1;
        for to in [there, nobody] {
            let now = udp.now();
            let request = endpoint::Request::get().timeout(Duration::from_millis(500));
            let asked = server.endpoint().request(now, to.into(), request, &mut tx, |w| {
                w.path("hello");
            });
            let (_, sent) = asked.expect("it can be made");
            udp.send(sent.expect("nothing is in front of it"), &tx).await.expect("sent");
        }
        // It has been told of both, and there is nothing else to wait for.
        let mut node = Serve::new(&mut server, &mut house).told(told);
        node.stop();
        run(&mut udp, &mut node, std::future::pending::<()>(), &mut rx, &mut tx).await.expect("it ends");
        house.told.sort();
        let failed = if cfg!(target_os = "linux") { "Unreachable" } else { "TimedOut" };
        assert_eq!(house.told, [failed, "hello"]);
        stop.send(()).expect("it runs");
        task.await.expect("it ends");
    });
}

/// A peer's confirmable message is not one of those that are under way: only what is ours is waited for.
#[test]
fn a_server_without_requests_stops_at_once() {
    block_on(async {
        let (address, stop, task) = serve();
        let (peer, _) = Peer::new().await;
        peer.0.send_to(b"\x40\x00\x00\x01", address).await.expect("sent");
        let mut reset = [0; 8];
        assert_eq!(peer.0.recv(&mut reset).await.expect("an RST"), 4);
        assert_eq!(Message::parse(&reset[..4]).expect("a message").message_type(), Type::Reset);
        stop.send(()).expect("it runs");
        task.await.expect("it ends");
    });
}
