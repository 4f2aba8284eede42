//! `quickstart get`, answered by servers made here: piggybacked and separate responses, loss, and what is not for it.

use crate::process::{ANSWER, Ended, example, run};
use coaplet::{Block, Code, Header, Message, OptionNumber, Type, Writer};
use std::net::{SocketAddr, UdpSocket};
use std::thread;

/// What the server side of a test sees.
struct Fake {
    socket: UdpSocket,
}

impl Fake {
    fn new() -> Fake {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(ANSWER)).expect("a timeout");
        Fake { socket }
    }

    fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 2048];
        let (length, from) = self.socket.recv_from(&mut buffer).expect("a datagram");
        buffer.truncate(length);
        (buffer, from)
    }

    fn send(
        &self,
        to: SocketAddr,
        header: Header,
        token: &[u8],
        build: impl for<'a, 'b> Fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>,
    ) {
        let mut buffer = [0; 1152];
        let mut writer = Writer::new(&mut buffer, header, token);
        build(&mut writer);
        let length = writer.finish().expect("a message");
        self.socket.send_to(&buffer[..length], to).expect("sent");
    }
}

/// Runs `quickstart get` of `/x?y=z` against `server`, which is handed the request and its sender.
fn get(server: impl FnOnce(&Fake, &Message<'_>, SocketAddr) + Send + 'static) -> Ended {
    get_with(&["--ack-timeout", "5"], server).0
}

/// With other arguments; what `server` left unread of the client's datagrams comes back, too.
fn get_with(
    arguments: &[&str],
    server: impl FnOnce(&Fake, &Message<'_>, SocketAddr) + Send + 'static,
) -> (Ended, Vec<Vec<u8>>) {
    let fake = Fake::new();
    let uri = format!("coap://{}/x?y=z", fake.socket.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (datagram, from) = fake.receive();
        server(&fake, &Message::parse(&datagram).expect("a request"), from);
        fake
    });
    let done = run(example("quickstart").args(["get", &uri]).args(arguments), b"");
    let Ok(fake) = server.join() else { panic!("the server's side failed; the client's: {done:?}") };
    fake.socket.set_nonblocking(true).expect("not blocking");
    let mut buffer = [0; 2048];
    let left = std::iter::from_fn(|| fake.socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()));
    let left = left.collect();
    (done, left)
}

/// One line behind the messages, with this in it.
fn complains(done: &Ended, status: i32, what: &str) {
    assert_eq!(done.status, Some(status), "{done:?}");
    let lines: Vec<&str> = done.stderr.lines().filter(|line| !line.contains(" ms  ")).collect();
    assert!(matches!(lines[..], [line] if line.starts_with("quickstart: ") && line.contains(what)), "{what}: {done:?}");
}

fn gets(done: &Ended, payload: &str) {
    assert_eq!((done.status, done.text()), (Some(0), payload), "{done:?}");
}

#[test]
fn a_piggybacked_response() {
    let done = get(|fake, request, from| {
        assert_eq!((request.message_type(), request.code()), (Type::Confirmable, Code::GET));
        assert!(request.path_is("x") && request.uri_query().eq([Ok("y=z")]), "{request}");
        assert_eq!(request.uri_host(), None, "RFC 7252 6.4: an address is no Uri-Host");
        assert!(!request.token().is_empty());
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| reply.payload(b"\xff raw \0"));
    });
    assert_eq!((done.status, &*done.stdout), (Some(0), &b"\xff raw \0"[..]), "the payload as it came");
    assert_eq!(done.stderr.lines().count(), 2, "each message: {done:?}");
}

#[test]
fn a_separate_response_is_acknowledged() {
    let done = get(|fake, request, from| {
        fake.send(from, Header::empty_acknowledgement(request.message_id()), &[], |none| none);
        fake.send(from, Header::confirmable(Code::CONTENT, 77), request.token(), |reply| reply.payload(b"late"));
        assert_eq!(fake.receive().0, b"\x60\x00\x00\x4d", "RFC 7252 5.2.2");
    });
    gets(&done, "late");
}

#[test]
fn a_separate_response_counts_as_the_acknowledgement_that_was_lost() {
    gets(
        &get(|fake, request, from| {
            let header = Header::confirmable(Code::CONTENT, request.message_id().wrapping_add(1));
            fake.send(from, header, request.token(), |reply| reply.payload(b"a"));
            assert_eq!(Message::parse(&fake.receive().0).map(|ack| ack.message_type()), Ok(Type::Acknowledgement));
        }),
        "a",
    );
    gets(
        &get(|fake, request, from| {
            fake.send(from, Header::empty_acknowledgement(request.message_id()), &[], |none| none);
            let header = Header::non_confirmable(Code::CONTENT, 9);
            fake.send(from, header, request.token(), |reply| reply.payload(b"n"));
        }),
        "n",
    );
}

/// RFC 7252 4.2, 5.3.2: token, peer and Message ID.
#[test]
fn what_is_not_for_the_request_is_not_taken() {
    let done = get(|fake, request, from| {
        let (id, token) = (request.message_id(), request.token());
        fn wrong<'a, 'b>(reply: &'a mut Writer<'b>) -> &'a mut Writer<'b> {
            reply.payload(b"wrong")
        }
        let other_token: Vec<u8> = token.iter().map(|byte| !byte).collect();
        let content = |id| Header::acknowledgement(Code::CONTENT, id);
        // From another peer, everything else right.
        Fake::new().send(from, content(id), token, wrong);
        // The token is another, shorter, or not there.
        fake.send(from, content(id), &other_token, wrong);
        fake.send(from, content(id), &token[..token.len() - 1], wrong);
        fake.send(from, content(id), &[], wrong);
        // The Message ID is another.
        fake.send(from, content(!id), token, wrong);
        fake.send(from, Header::reset(!id), &[], |none| none);
        fake.send(from, Header::empty_acknowledgement(!id), &[], |none| none);
        // A response in a NON with another token, and a request with the same.
        fake.send(from, Header::non_confirmable(Code::CONTENT, id), &other_token, wrong);
        fake.send(from, Header::non_confirmable(Code::GET, id), token, |none| none);
        // No message; version 2.
        fake.socket.send_to(b"\x40\x01", from).expect("sent");
        fake.socket.send_to(b"\x80\x45\0\0", from).expect("sent");
        fake.send(from, content(id), token, |reply| reply.payload(b"right"));
    });
    gets(&done, "right");
}

#[test]
fn confirmable_messages_that_mean_nothing_to_it_are_reset() {
    let done = get(|fake, request, from| {
        let other_token: Vec<u8> = request.token().iter().map(|byte| !byte).collect();
        fake.send(from, Header::confirmable(Code::CONTENT, 1), &other_token, |none| none);
        fake.send(from, Header::confirmable(Code::EMPTY, 2), &[], |none| none); // a ping
        fake.socket.send_to(b"\x41\x45\x00\x03", from).expect("sent"); // its token is cut off
        for id in 1..=3 {
            assert_eq!(fake.receive().0, [0x70, 0, 0, id]);
        }
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| reply.payload(b"ok"));
    });
    gets(&done, "ok");
}

#[test]
fn silence_is_answered_with_the_same_bytes_four_times() {
    let (done, left) = get_with(&["--ack-timeout", "0.4"], |fake, request, _| {
        let first = request.to_string();
        for _ in 0..4 {
            assert_eq!(Message::parse(&fake.receive().0).expect("a request").to_string(), first);
        }
    });
    assert!(left.is_empty(), "no fifth: {left:?}");
    complains(&done, 1, "no answer from 127.0.0.1:");
    complains(&done, 1, "after 4 retransmissions");
    let sent: Vec<&str> = done.stderr.lines().filter_map(|line| Some(line.split_once("bytes  ")?.1)).collect();
    let [first, again @ ..] = &sent[..] else { panic!("{done:?}") };
    assert_eq!(again, vec![format!("(retransmission) {first}"); 4], "{done:?}");
}

#[test]
fn an_answer_to_the_second_transmission() {
    let (done, _) = get_with(&["--ack-timeout", "0.05"], |fake, request, _| {
        let (_, from) = fake.receive();
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| reply.payload(b"second"));
    });
    gets(&done, "second");
    assert!(done.stderr.contains("(retransmission) CON GET"), "{done:?}");
}

/// What is lost on purpose is not sent; what is sent then is the same.
#[test]
fn a_request_that_is_lost_is_sent_again() {
    let (done, _) = get_with(&["--lose", "2", "--ack-timeout", "0.05"], |fake, request, from| {
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        let payload = request.to_string();
        fake.send(from, header, request.token(), |reply| reply.payload(payload.as_bytes()));
    });
    assert_eq!(done.status, Some(0), "{done:?}");
    let sent: Vec<&str> = done.stderr.lines().filter_map(|line| Some(line.split_once("bytes  ")?.1)).collect();
    let came = done.text();
    assert_eq!(
        sent[..3],
        [
            format!("(lost on purpose) {came}"),
            format!("(lost on purpose) (retransmission) {came}"),
            format!("(retransmission) {came}")
        ],
        "{done:?}"
    );
}

#[test]
fn acknowledged_and_never_answered() {
    let (done, left) = get_with(&["--ack-timeout", "0.05"], |fake, request, from| {
        fake.send(from, Header::empty_acknowledgement(request.message_id()), &[], |none| none);
    });
    // Either nothing, or what was under way before the acknowledgement came: not all four.
    assert!(left.len() < 4, "retransmitted after the acknowledgement: {left:?}");
    complains(&done, 1, "sent no response in");
    complains(&done, 1, "only what is shown above");
}

#[test]
fn a_reset_ends_it() {
    let done = get(|fake, request, from| fake.send(from, Header::reset(request.message_id()), &[], |none| none));
    complains(&done, 1, "with a Reset");
}

#[test]
fn a_port_where_nothing_listens() {
    let address = Fake::new().socket.local_addr().expect("an address");
    let done = run(example("quickstart").args(["get", &format!("coap://{address}/")]), b"");
    complains(&done, 1, "no program listens at 127.0.0.1:");
}

#[test]
fn the_exit_status_is_the_class_of_the_error() {
    for (code, status) in [(Code::NOT_FOUND, 4), (Code::SERVICE_UNAVAILABLE, 5)] {
        let done = get(move |fake, request, from| {
            let header = Header::acknowledgement(code, request.message_id());
            fake.send(from, header, request.token(), |reply| reply.payload(b"why\x1b[2J\n"));
        });
        complains(&done, status, &code.to_string());
        assert!(done.stderr.contains(r"why\u{1b}[2J"), "{done:?}");
        assert!(!done.stderr.contains('\x1b'), "control characters are not obeyed");
        assert_eq!(done.text(), "", "a diagnostic is no payload that was asked for");
    }
}

/// RFC 7252 5.4.1, 4.2: a CON is answered with an RST, an ACK with nothing; one that can be understood is still taken.
#[test]
fn a_critical_option_that_is_not_understood_rejects_the_response() {
    fn unknown<'a, 'b>(reply: &'a mut Writer<'b>) -> &'a mut Writer<'b> {
        reply.option(OptionNumber::new(65001), b"").payload(b"no")
    }
    let done = get(move |fake, request, from| {
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), unknown);
        fake.send(from, Header::confirmable(Code::CONTENT, 5), request.token(), unknown);
        assert_eq!(fake.receive().0, [0x70, 0, 0, 5]);
        fake.send(from, header, request.token(), |reply| reply.payload(b"yes"));
    });
    gets(&done, "yes");
    // If none comes, it is to be seen why.
    let (done, _) = get_with(&["--ack-timeout", "0.05"], move |fake, request, from| {
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), unknown);
    });
    complains(&done, 1, "only what is shown above");
    assert!(done.stderr.contains("65001") && done.text().is_empty(), "{done:?}");
}

/// A client is an endpoint like any other, which may be asked.
#[test]
fn a_request_to_the_client_is_answered() {
    let done = get(|fake, request, from| {
        fake.send(from, Header::confirmable(Code::GET, 3), b"abc", |request| request.path("time"));
        let (datagram, _) = fake.receive();
        assert_eq!(datagram, b"\x63\x84\x00\x03abc", "4.04");
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| reply.payload(b"ok"));
    });
    gets(&done, "ok");
}

/// RFC 7959 2.4. Answers the first request with the first of two blocks of 16 bytes, and the next one by `second`.
fn in_blocks(second: impl for<'a, 'b> Fn(&'a mut Writer<'b>, Block) -> &'a mut Writer<'b> + Send + 'static) -> Ended {
    get(move |fake, request, from| {
        let block = Block::with_size(0, true, 16).expect("a block");
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| reply.block2(block).payload(&[b'a'; 16]));
        let (datagram, _) = fake.receive();
        let request = Message::parse(&datagram).expect("a request");
        let asked = request.block2().expect("Block2");
        assert_eq!((asked.num(), asked.size()), (1, Some(16)));
        assert!(request.path_is("x") && request.first(OptionNumber::URI_QUERY) == Some(b"y=z"), "{request}");
        let header = Header::acknowledgement(Code::CONTENT, request.message_id());
        fake.send(from, header, request.token(), |reply| second(reply, asked));
    })
}

#[test]
fn blocks_are_put_together() {
    gets(&in_blocks(|reply, block| reply.block2(block).payload(b"the end")), "aaaaaaaaaaaaaaaathe end");
}

#[test]
fn the_first_block_of_many_is_not_taken_for_the_whole() {
    let done = in_blocks(|reply, _| reply.code(Code::NOT_FOUND));
    complains(&done, 1, "the server broke off with 4.04 Not Found");
    assert_eq!(done.text(), "");
}

/// RFC 7252 4.2: its acknowledgement was lost, and the server sends it again.
#[test]
fn a_separate_response_that_comes_again_is_acknowledged_again() {
    let fake = Fake::new();
    let uri = format!("coap://{}", fake.socket.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (first, from) = fake.receive();
        let first = Message::parse(&first).expect("a request");
        let separate = || {
            fake.send(from, Header::confirmable(Code::CONTENT, 9), first.token(), |reply| reply.payload(b"1"));
        };
        separate();
        assert_eq!(fake.receive().0, [0x60, 0, 0, 9]);
        let (second, _) = fake.receive();
        separate();
        assert_eq!(fake.receive().0, [0x60, 0, 0, 9], "acknowledged, not reset");
        let second = Message::parse(&second).expect("a request");
        fake.send(from, Header::reset(second.message_id()), &[], |none| none);
    });
    let done = run(example("quickstart").args(["tour", &uri, "--lose", "0"]), b"");
    server.join().unwrap_or_else(|_| panic!("the server's side failed; the client's: {done:?}"));
    assert_eq!(done.status, Some(1), "{done:?}");
}

/// `tour` against a server that is not as it should be: what `quickstart` without arguments would see of a wrong answer.
#[test]
fn a_tour_with_a_wrong_answer_fails() {
    let fake = Fake::new();
    let uri = format!("coap://{}", fake.socket.local_addr().expect("an address"));
    thread::spawn(move || {
        loop {
            let (datagram, from) = fake.receive();
            let request = Message::parse(&datagram).expect("a request");
            let header = Header::acknowledgement(Code::CONTENT, request.message_id());
            fake.send(from, header, request.token(), |reply| reply.payload(b"21"));
        }
    });
    let done = run(example("quickstart").args(["tour", &uri, "--lose", "0"]), b"");
    assert_eq!(done.status, Some(1), "{done:?}");
    assert!(done.stderr.starts_with("quickstart: wrong answer: PUT /led: 2.05"), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
}
