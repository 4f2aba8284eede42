//! The examples of the drivers: the servers are asked by coap-client and aiocoap, the clients ask coap-server and aiocoap.

use crate::aiocoap::{AiocoapServer, aiocoap_client};
use crate::libcoap::{CoapServer, coap_client, coap_client_gets};
use crate::process::{ANSWER, LIMIT, Server, example, file, pattern, run};
use std::net::UdpSocket;
use std::time::Instant;

pub const TESTS: &[(&str, fn())] = &[
    ("clients_switch_the_lamp_of_std_server", clients_switch_the_lamp_of_std_server),
    ("clients_switch_the_lamp_of_nal_async_server", clients_switch_the_lamp_of_nal_async_server),
    ("clients_ask_tokio_server", clients_ask_tokio_server),
    ("std_client_asks_both", std_client_asks_both),
    ("tokio_client_asks_both", tokio_client_asks_both),
    ("nal_client_asks_both", nal_client_asks_both),
    #[cfg(all(feature = "embedded_nal", feature = "embedded_nal_async", feature = "tokio"))]
    ("clients_ask_a_bound_socket_of_embedded_nal", kinds::clients_ask_a_bound_socket),
    #[cfg(all(feature = "embedded_nal", feature = "embedded_nal_async", feature = "tokio"))]
    ("a_connected_socket_of_embedded_nal_async_asks_both", kinds::a_connected_socket_asks_both),
    #[cfg(all(feature = "embedded_nal", feature = "embedded_nal_async", feature = "tokio"))]
    ("the_client_for_tokio_observes_both", kinds::the_client_for_tokio_observes_both),
];

fn clients_switch_the_lamp_of(name: &str) {
    let server = Server::start_example(name, &["127.0.0.1:0"]);
    let lamp = server.uri("/lamp");
    assert_eq!(coap_client_gets(&["-m", "get"], &lamp), "off");
    assert_eq!(coap_client_gets(&["-m", "put", "-e", "on"], &lamp), "");
    assert_eq!(aiocoap_client(&["get", &lamp]).text(), "on");
    let off = file("off", b"off");
    assert!(aiocoap_client(&["put", &lamp, off.name()]).text().contains("2.04"));
    assert_eq!(coap_client_gets(&["-m", "get"], &lamp), "off");
    let refused = coap_client(&["-m", "put", "-e", "blue"], &lamp);
    assert!(refused.stderr.starts_with("4.00"), "{refused:?}");
    let list = coap_client_gets(&["-m", "get"], &server.uri("/.well-known/core"));
    assert!(list.contains("</lamp>"), "{list}");
    assert_eq!(aiocoap_client(&["observe", &lamp, "1"]).text().trim(), "off");
}

fn clients_switch_the_lamp_of_std_server() {
    clients_switch_the_lamp_of("std_server");
}

fn clients_switch_the_lamp_of_nal_async_server() {
    clients_switch_the_lamp_of("nal_async_server");
}

/// It observes, waits for what takes longer, and ends once what it has begun has ended.
fn clients_ask_tokio_server() {
    let mut server = Server::start_example("tokio_server", &["127.0.0.1:0"]);
    let slow = coap_client_gets(&["-m", "get"], &server.uri("/slow?name=libcoap"));
    assert_eq!(slow, "here at last, libcoap");
    let seconds = aiocoap_client(&["observe", &server.uri("/uptime"), "3"]);
    let seconds: Vec<u64> = seconds.text().lines().filter_map(|line| line.parse().ok()).collect();
    assert!(seconds.len() == 3 && seconds.is_sorted() && seconds[0] < seconds[2], "{seconds:?}");
    // A request that is acknowledged and not answered yet when it is told to end.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(server.address).expect("connected");
    socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
    socket.send(b"\x40\x01\x12\x34\xb4slow").expect("sent");
    let mut answer = [0; 64];
    let length = socket.recv(&mut answer).expect("an acknowledgement");
    assert_eq!(answer[..length], *b"\x60\x00\x12\x34");
    drop(server.running.child.stdin.take());
    let length = socket.recv(&mut answer).expect("the response");
    assert!(
        answer[..2] == [0x40, 0x45] && answer[..length].ends_with(b"here at last, you"),
        "{:x?}",
        &answer[..length]
    );
    assert!(!server.running.has_ended(), "it waits for the acknowledgement");
    socket.send(&[0x60, 0, answer[2], answer[3]]).expect("sent");
    assert_eq!(server.running.wait(LIMIT), Some(0));
}

fn std_client_asks_both() {
    let server = CoapServer::start(&["-d", "2"]);
    let put = run(example("std_client").args([&server.uri("/new"), "from std_client"]), b"");
    assert!(put.status == Some(0) && put.stderr.contains("2.01"), "{put:?}");
    let done = run(example("std_client").arg(server.uri("/new")), b"");
    assert_eq!((done.status, done.text()), (Some(0), "from std_client"), "{done:?}");
    let server = AiocoapServer::start();
    let done = run(example("std_client").arg(server.uri("/bytes?3000")), b"");
    assert_eq!((done.status, done.stdout), (Some(0), pattern(3000)), "{}", done.stderr);
}

/// Something to get.
fn keep(server: &AiocoapServer) {
    let put = run(example("std_client").args([&server.uri("/kept"), "21.5"]), b"");
    assert!(put.status == Some(0) && put.stderr.contains("2.04"), "{put:?}");
}

fn tokio_client_asks_both() {
    let server = CoapServer::start(&[]);
    let begun = Instant::now();
    // One that takes 3 s holds nobody up: all of them take no longer.
    let done = run(example("tokio_client").args([&server.uri(""), "/async?3", "/time?ticks", "/nowhere"]), b"");
    assert_eq!(done.status, Some(0), "{done:?}");
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(lines.len() == 3 && lines[2].starts_with("/async?3: 2.05 Content done"), "{lines:?} {:?}", begun.elapsed());
    assert!(lines.iter().any(|line| line.starts_with("/nowhere: 4.04")), "{lines:?}");
    let server = AiocoapServer::start();
    keep(&server);
    let done = run(example("tokio_client").args([&server.uri(""), "/kept", "/kept", "/kept"]), b"");
    assert_eq!((done.status, done.text()), (Some(0), &*"/kept: 2.05 Content 21.5\n".repeat(3)), "{done:?}");
}

fn nal_client_asks_both() {
    let server = CoapServer::start(&[]);
    let done = run(example("nal_client").args([&server.address.to_string(), "time"]), b"");
    assert!(done.status == Some(0) && done.text().starts_with("2.05 Content: "), "{done:?}");
    let server = AiocoapServer::start();
    keep(&server);
    let done = run(example("nal_client").args([&server.address.to_string(), "kept"]), b"");
    assert_eq!((done.status, done.text()), (Some(0), "2.05 Content: 21.5\n"), "{done:?}");
}

#[cfg(all(feature = "embedded_nal", feature = "embedded_nal_async", feature = "tokio"))]
#[path = "../../examples/nal_async_server/stack.rs"]
mod stack;

/// The kinds of sockets that the examples do not have.
#[cfg(all(feature = "embedded_nal", feature = "embedded_nal_async", feature = "tokio"))]
mod kinds {
    use super::{AiocoapServer, CoapServer, aiocoap_client, coap_client_gets, keep, stack};
    use crate::process::LIMIT;
    use coaplet::endpoint::Request;
    use coaplet::host::AsyncClient;
    use coaplet::io::embedded_nal::{Nal, Pass};
    use coaplet::io::embedded_nal_async::Connected;
    use coaplet::io::{Ask, Carrier, Node, Serve, Told, run, seed};
    use coaplet::server::{self, Answer, Error, Reply, Route};
    use coaplet::{Config, Endpoint, Fixed, Instant, Server};
    use embedded_nal_async::UdpStack;
    use std::net::{SocketAddr, UdpSocket};
    use std::sync::atomic::{AtomicBool, Ordering};

    fn count(count: &mut u32, _: &server::Request, reply: Reply) -> Result<Answer, Error> {
        *count += 1;
        Ok(reply.text("counted"))
    }

    /// std-embedded-nal binds to all addresses of IPv6.
    pub fn clients_ask_a_bound_socket() {
        let port = match UdpSocket::bind("[::]:0") {
            Ok(free) => free.local_addr().expect("an address").port(),
            Err(error) => return println!("interop: not run over IPv6, which this machine has not: {error}"),
        };
        let (stop, uri) = (AtomicBool::new(false), format!("coap://[::1]:{port}/count"));
        std::thread::scope(|scope| {
            let serving = scope.spawn(|| {
                let start = std::time::Instant::now();
                let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
                let (mut stack, mut rx, mut tx) = (std_embedded_nal::Stack, [0; 1153], [0; 1152]);
                let mut nal = Nal::bind(&mut stack, port, clock, &mut rx, &mut tx).expect("the port");
                let routes = [Route::new("count").get(count)];
                let store = Fixed::<SocketAddr, 4, 8, 1024>::new();
                let (mut counted, endpoint) = (0, Endpoint::new(Config::DEFAULT.serving(), seed(), store));
                let mut server = Server::new(endpoint, &routes);
                let mut node = Serve::new(&mut server, &mut counted);
                loop {
                    if stop.load(Ordering::Relaxed) || start.elapsed() > LIMIT {
                        node.stop();
                    }
                    match nal.step(&mut stack, &mut node).expect("the socket works") {
                        Pass::Wait(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
                        Pass::Again => {}
                        Pass::Over => return counted,
                    }
                }
            });
            assert_eq!(coap_client_gets(&["-m", "get"], &uri), "counted");
            assert_eq!(aiocoap_client(&["get", &uri]).text(), "counted");
            stop.store(true, Ordering::Relaxed);
            assert_eq!(serving.join().expect("it serves"), 2);
        });
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let start = tokio::time::Instant::now();
        let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
        let timer = |until: Instant| tokio::time::sleep_until(start + until.since(Instant::ZERO));
        let (_, socket) = stack::Stack.connect(address).await.expect("a socket");
        let mut carrier = Connected::new(socket, (), clock, timer);
        let mut endpoint = Endpoint::new(Config::DEFAULT, seed(), Fixed::<(), 1, 4, 512>::new());
        let (mut rx, mut tx, mut answer) = ([0; 1153], [0; 256], String::new());
        let made = endpoint.request(clock(), (), Request::get(), &mut tx, |w| {
            w.path(path);
        });
        let (asked, sent) = made.expect("it can be made");
        carrier.send(sent.expect("nothing is in front of it"), &tx).await.expect("sent");
        let mut node = Ask::new(&mut endpoint, |told| match told {
            Told::Response(response) if response.handle == asked => {
                answer = String::from_utf8_lossy(response.message.payload()).into_owned();
                true
            }
            told => panic!("{told:?}"),
        });
        run(&mut carrier, &mut node, std::future::pending::<()>(), &mut rx, &mut tx).await.expect("the socket works");
        answer
    }

    pub fn a_connected_socket_asks_both() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = CoapServer::start(&[]);
        assert_eq!(runtime.block_on(get(server.address, "async")), "done", "a separate response");
        let server = AiocoapServer::start();
        keep(&server);
        assert_eq!(runtime.block_on(get(server.address, "kept")), "21.5");
    }

    async fn observe(uri: &str, path: &str) -> Vec<Vec<u8>> {
        let client = AsyncClient::connect(uri).await.expect("a client");
        let (mut observation, mut states) = (client.observe(path).expect("it can be asked"), Vec::new());
        while states.len() < 3 {
            states.push(observation.next().await.expect("it goes on").expect("a state").into_payload());
        }
        drop(observation);
        client.shutdown().await.expect("it ends well");
        states
    }

    /// Aiocoap's states are of three blocks each.
    pub fn the_client_for_tokio_observes_both() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = CoapServer::start(&[]);
        let ticks = runtime.block_on(observe(&server.uri(""), "/time?ticks"));
        assert!(ticks.is_sorted() && ticks[0] < ticks[2], "{ticks:?}");
        let server = AiocoapServer::start();
        let pages = runtime.block_on(observe(&server.uri(""), "/pages"));
        assert!(pages.iter().all(|page| page.len() == 3000) && pages[0] != pages[2]);
    }
}
