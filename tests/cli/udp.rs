//! The driver over UDP sockets.

use coaplet::endpoint::{Arrival, Transmit};
use coaplet::io::{Address, Doing, Received, Udp, seed};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

fn bound(address: &str) -> Udp {
    Udp::bind(address.parse().expect("an address")).expect("a port")
}

fn to(remote: SocketAddr, len: usize) -> Transmit<Address> {
    Transmit { to: Address::to(remote), len }
}

/// The next thing within some seconds.
fn next(udp: &mut Udp, rx: &mut [u8]) -> Received {
    let until = udp.now() + Duration::from_secs(10);
    while udp.now() < until {
        match udp.receive(Some(until), rx).expect("it listens") {
            Received::Nothing => {}
            received => return received,
        }
    }
    panic!("nothing has come")
}

#[test]
fn a_deadline_ends_the_wait() {
    let mut udp = bound("127.0.0.1:0");
    let until = udp.now() + Duration::from_millis(30);
    assert_eq!(udp.receive(Some(until), &mut [0; 16]).expect("it listens"), Received::Nothing);
    assert!(udp.now() >= until);
    // One that has passed does not wait for ever.
    assert_eq!(udp.receive(Some(until), &mut [0; 16]).expect("it listens"), Received::Nothing);
}

#[test]
fn what_fills_the_buffer_is_ignored() {
    let (mut udp, other) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    let (here, mut rx) = (udp.local_addr().expect("an address"), [0; 8]);
    let there = UdpSocket::bind("127.0.0.1:0").expect("a port");
    there.send_to(&[1; 9], here).expect("sent");
    there.send_to(&[1; 8], here).expect("sent");
    there.send_to(&[1; 7], here).expect("sent");
    assert!(matches!(next(&mut udp, &mut rx), Received::Datagram { len: 7, .. }));
    assert_eq!(udp.ignored(), 2);
    drop(other);
}

#[test]
fn errors_say_what_was_done_and_with_whom() {
    let udp = bound("127.0.0.1:0");
    let here = udp.local_addr().expect("an address");
    let error = Udp::bind(here).expect_err("it is taken");
    assert_eq!(error.doing, Doing::Binding(here));
    assert!(error.to_string().starts_with(&format!("cannot listen on {here}: ")), "{error}");
    let mut udp = udp;
    let broadcast = "255.255.255.255:9".parse().expect("an address");
    let error = udp.send(to(broadcast, 0), &[]).expect_err("it is not allowed");
    assert!(error.to_string().starts_with("cannot send to 255.255.255.255:9: "), "{error}");
    assert!(udp.join_v4(Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED).is_err());
    assert_ne!(seed(), seed());
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    /// A socket of all addresses answers from the one that it was asked at, over either family.
    #[test]
    fn an_answer_leaves_from_where_the_request_came_to() {
        let six = crate::has_ipv6();
        let mut server = bound(if six { "[::]:0" } else { "0.0.0.0:0" });
        let port = server.local_addr().expect("an address").port();
        let mut rx = [0; 64];
        for address in ["127.0.0.1", "127.0.0.2", "127.7.7.7", "::1"].into_iter().filter(|it| six || *it != "::1") {
            let there = SocketAddr::new(address.parse().expect("an address"), port);
            let client = UdpSocket::bind(if there.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).expect("a port");
            client.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            client.send_to(b"ask", there).expect("sent");
            let Received::Datagram { from, arrival, len } = next(&mut server, &mut rx) else { panic!() };
            assert_eq!(
                (from.remote, arrival, &rx[..len]),
                (client.local_addr().expect("one"), Arrival::Unicast, &b"ask"[..])
            );
            assert_eq!(from.local, Some(there.ip()));
            server.send(Transmit { to: from, len: 3 }, b"say").expect("sent");
            let (_, answered_from) = client.recv_from(&mut rx).expect("an answer");
            assert_eq!(answered_from, there);
        }
    }

    /// RFC 7252 8.2: what comes to a group is told from what comes to us alone.
    #[test]
    fn what_comes_to_a_group_is_known() {
        let mut server = bound("0.0.0.0:0");
        let port = server.local_addr().expect("an address").port();
        let group = Ipv4Addr::new(224, 0, 1, 187);
        server.join_v4(group, Ipv4Addr::LOCALHOST).expect("it joins");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let member = SocketAddr::new(group.into(), port);
        let mut rx = [0; 64];
        // Over the loopback interface, which has the address that the client is bound to.
        if let Err(error) = client.send_to(b"all", member) {
            panic!("no way to a group on this machine: {error}");
        }
        client.send_to(b"one", ("127.0.0.1", port)).expect("sent");
        let mut seen = [next(&mut server, &mut rx), next(&mut server, &mut rx)].map(|received| match received {
            Received::Datagram { arrival, from, .. } => (arrival, from.local),
            other => panic!("{other:?}"),
        });
        seen.sort_by_key(|(arrival, _)| *arrival == Arrival::Group);
        assert_eq!(seen[0], (Arrival::Unicast, Some(Ipv4Addr::LOCALHOST.into())));
        assert_eq!(seen[1].0, Arrival::Group);
        assert!(seen[1].1.is_none_or(|local| !local.is_multicast()), "{seen:?}");
    }

    /// What is too long for the interface is refused by this machine itself, and is no end of the socket.
    #[test]
    fn an_error_of_one_datagram_is_none_of_the_next() {
        let mut udp = bound("127.0.0.1:0");
        let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let there = other.local_addr().expect("an address");
        let error = udp.send(to(there, 65_508), &[0; 65_508]).expect_err("no datagram is so long");
        assert!(error.to_string().starts_with(&format!("cannot send to {there}: ")), "{error}");
        udp.send(to(there, 1), &[7]).expect("sent");
        let until = udp.now() + Duration::from_millis(5);
        assert_eq!(udp.receive(Some(until), &mut [0; 16]).expect("it listens"), Received::Nothing);
        let mut rx = [0; 16];
        assert_eq!(other.recv(&mut rx).expect("a datagram"), 1);
    }

    /// RFC 7252 4.2, by Linux's queue of errors: the datagram that nobody took is quoted, and the next one goes out.
    #[test]
    fn a_port_at_which_nobody_listens() {
        let six = crate::has_ipv6();
        for any in
            ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"].into_iter().filter(|it| six || !it.starts_with('['))
        {
            let mut udp = bound(any);
            let loopback = if any == "[::1]:0" { "[::1]:0" } else { "127.0.0.1:0" };
            let closed = UdpSocket::bind(loopback).and_then(|socket| socket.local_addr()).expect("a port");
            let (mut rx, listening) = ([0; 2048], UdpSocket::bind(loopback).expect("a port"));
            let listens = listening.local_addr().expect("an address");
            listening.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            // Each of these leaves an error behind, which the next call would be told instead of what it asks for.
            for number in 0..3_u8 {
                udp.send(to(closed, 5), &[number, 1, 2, 3, 4]).expect("sent");
                udp.send(to(listens, 1), &[number]).expect("sent");
            }
            for number in 0..3_u8 {
                assert!(matches!(listening.recv_from(&mut rx), Ok((1, _))) && rx[0] == number, "{any}");
            }
            for number in 0..3_u8 {
                let Received::Unreachable { to, len } = next(&mut udp, &mut rx) else { panic!("{any}") };
                assert_eq!((to.remote, &rx[..len]), (closed, &[number, 1, 2, 3, 4][..]), "{any}");
            }
            let until = udp.now() + Duration::from_millis(10);
            assert_eq!(udp.receive(Some(until), &mut rx).expect("it listens"), Received::Nothing, "{any}");
        }
    }
}
