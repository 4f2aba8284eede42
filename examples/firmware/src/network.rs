//! UDP over IPv4 and IPv6: an interface of smoltcp with two sockets on one port, so that a reply is written straight into the
//! transmit buffer of one while the datagram that it answers still lies in the receive buffer of the other.

use crate::ethernet::{Ethernet, FRAME};
use core::mem::MaybeUninit;
use core::net::Ipv4Addr;
#[cfg(feature = "ipv6")]
use core::net::Ipv6Addr;
#[cfg(feature = "embassy")]
use core::net::SocketAddr;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, SocketSet, SocketStorage};
use smoltcp::socket::Socket;
use smoltcp::socket::udp::{self, PacketBuffer, PacketMetadata, UdpMetadata};
use smoltcp::time::Instant;
#[cfg(feature = "ipv6")]
use smoltcp::wire::Ipv6Cidr;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, Ipv4Cidr};

/// The longest datagram, in bytes: what a frame has room for behind the headers of Ethernet, IPv4 and UDP.
pub const DATAGRAM: usize = FRAME - 14 - 20 - 8;

/// The device's: those that QEMU's user network expects, and the one of the link that IPv6 derives from the card's.
pub const ADDRESSES: [IpCidr; if cfg!(feature = "ipv6") { 3 } else { 1 }] = [
    IpCidr::Ipv4(Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24)),
    #[cfg(feature = "ipv6")]
    IpCidr::Ipv6(Ipv6Cidr::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456), 64)),
    #[cfg(feature = "ipv6")]
    IpCidr::Ipv6(Ipv6Cidr::new(Ipv6Addr::new(0xfec0, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456), 64)),
];

/// A datagram in each direction: zeros at the start, so that they take no flash.
pub type Buffers = [[u8; DATAGRAM]; 2];

/// What the network keeps of its sockets. It is filled at the start: an empty socket is not all zeros, and would be in flash.
pub struct Memory {
    sockets: [SocketStorage<'static>; 2],
    inbound: [PacketMetadata; 1],
    outbound: [PacketMetadata; 1],
}

/// For how long a datagram may wait until its neighbour's address is known, in milliseconds. The stack would wait for ever, and
/// whoever invents addresses could keep all others waiting. What matters is sent again.
const PATIENCE: u64 = 200;

/// The interface and its sockets.
pub struct Network {
    card: &'static mut Ethernet,
    interface: Interface,
    sockets: SocketSet<'static>,
    port: u16,
    /// When what waits to be sent began to wait.
    since: u64,
}

impl Network {
    /// Starts the card, and takes these addresses and this port.
    pub fn new(
        card: &'static mut Ethernet,
        memory: &'static mut MaybeUninit<Memory>,
        [received, sent]: &'static mut Buffers,
        addresses: &[IpCidr],
        port: u16,
    ) -> Network {
        // Its seed is for TCP and the identification of fragments, and none of that is here.
        let config = Config::new(HardwareAddress::Ethernet(card.start()));
        let mut interface = Interface::new(config, card, Instant::ZERO);
        interface.update_ip_addrs(|list| {
            for address in addresses {
                // There are as many places as this firmware has addresses (feature iface-max-addr-count of smoltcp).
                let _ = list.push(*address);
            }
        });
        let Memory { sockets, inbound, outbound } = memory.write(Memory {
            sockets: Default::default(),
            inbound: [PacketMetadata::EMPTY; 1],
            outbound: [PacketMetadata::EMPTY; 1],
        });
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let nothing = || PacketBuffer::new(&mut [][..], &mut [][..]);
        // The first one on a port takes in all that comes to it.
        for (inbound, outbound) in [
            (PacketBuffer::new(&mut inbound[..], &mut received[..]), nothing()),
            (nothing(), PacketBuffer::new(&mut outbound[..], &mut sent[..])),
        ] {
            let mut socket = udp::Socket::new(inbound, outbound);
            let _ = socket.bind(port);
            sockets.add(socket);
        }
        Network { card, interface, sockets, port, since: 0 }
    }

    /// What receives, and what sends.
    fn sockets(&mut self) -> Option<[&mut udp::Socket<'static>; 2]> {
        let mut sockets = self.sockets.iter_mut();
        let (Socket::Udp(inbound), Socket::Udp(outbound)) = (sockets.next()?.1, sockets.next()?.1);
        Some([inbound, outbound])
    }

    /// Takes in one frame, if one waits. False: none did.
    pub fn receive(&mut self, now: u64) -> bool {
        let time = Instant::from_millis(now as i64);
        // Not `poll`, which takes in every frame that waits: the socket has room for one.
        let taken = self.interface.poll_ingress_single(time, self.card, &mut self.sockets);
        !matches!(taken, PollIngressSingleResult::None)
    }

    /// Sends what is to be sent.
    pub fn transmit(&mut self, now: u64) {
        let time = Instant::from_millis(now as i64);
        self.interface.poll_maintenance(time);
        self.interface.poll_egress(time, self.card, &mut self.sockets);
        let (since, port) = (self.since, self.port);
        let Some([_, outbound]) = self.sockets() else { return };
        if outbound.can_send() {
            self.since = now;
        } else if now.saturating_sub(since) > PATIENCE {
            empty(outbound, port);
        }
    }

    /// Hands over the datagram that has come, if one has and there is room for a reply: who sent it, whether it came to a
    /// group, its bytes, and where the reply is to be written. `answer` gives the reply's length, 0 for none. It goes to
    /// who asked, from the address that was asked.
    pub fn answer(&mut self, answer: impl FnOnce(IpEndpoint, bool, &[u8], &mut [u8]) -> usize) {
        let port = self.port;
        let Some([inbound, outbound]) = self.sockets() else { return };
        if !outbound.can_send() {
            return;
        }
        let Ok((datagram, about)) = inbound.recv() else { return };
        let mut reply = UdpMetadata::from(about.endpoint);
        reply.local_address = about.local_address.filter(IpAddress::is_unicast);
        let group = reply.local_address.is_none();
        // So that all of the buffer is in one piece: what was sent last ends somewhere in the middle.
        empty(outbound, port);
        let sent = outbound.send_with(DATAGRAM, reply, |room| answer(about.endpoint, group, datagram, room));
        if sent == Ok(0) {
            // It would be sent, without a byte.
            empty(outbound, port);
        }
    }

    /// Where a datagram may be written that is not a reply, if it can be sent now: then [`send`](Network::send) it.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let [_, outbound] = self.sockets()?;
        if outbound.can_send() { self.card.scratch().get_mut(..DATAGRAM) } else { None }
    }

    /// Sends what was written there.
    pub fn send(&mut self, to: IpEndpoint, length: usize) {
        let Network { card, sockets, .. } = self;
        let Some((_, Socket::Udp(outbound))) = sockets.iter_mut().nth(1) else { return };
        if let Some(datagram) = card.scratch().get(..length) {
            // It has room, or the datagram is lost.
            let _ = outbound.send_slice(datagram, to);
        }
    }
}

#[cfg(feature = "embassy")]
impl Network {
    /// Takes out the datagram that has come: how long it is, to which address of ours it came, and who sent it. What is longer
    /// than the buffer is lost.
    pub fn take(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr, SocketAddr)> {
        let port = self.port;
        let [inbound, _] = self.sockets()?;
        let (datagram, about) = inbound.recv().ok()?;
        buffer.get_mut(..datagram.len())?.copy_from_slice(datagram);
        let local = SocketAddr::new(about.local_address?.into(), port);
        Some((datagram.len(), local, SocketAddr::new(about.endpoint.addr.into(), about.endpoint.port)))
    }

    /// Sends a datagram from this address of ours, if there is room for it; an unspecified one is the stack's to choose.
    pub fn send_to(&mut self, local: SocketAddr, remote: SocketAddr, datagram: &[u8]) {
        let Some([_, outbound]) = self.sockets() else { return };
        let mut about = UdpMetadata::from(IpEndpoint::new(remote.ip().into(), remote.port()));
        about.local_address = Some(IpAddress::from(local.ip())).filter(IpAddress::is_unicast);
        // It has room, or the datagram is lost.
        let _ = outbound.send_slice(datagram, about);
    }
}

/// Throws away what waits to be sent, if anything does, and makes the buffer one piece again.
fn empty(socket: &mut udp::Socket<'_>, port: u16) {
    socket.close();
    let _ = socket.bind(port);
}
