//! A CoAP server and client on a Cortex-M3 with 64 KB of RAM (or 10, or 8: see README.md), over an Ethernet card.
//!
//! `ethernet` drives the card, `network` is UDP on it, by smoltcp; `resources` is what the device offers. The main loop below
//! hands each datagram to the server, and asks it what is due.
#![no_std]
#![no_main]

mod clock;
mod ethernet;
mod network;
mod resources;
mod stack;

use coaplet::endpoint::Usage;
use coaplet::endpoint::{Arrival, Output, Request};
use coaplet::server::Server;
use coaplet::{Config, Endpoint, Fixed, Instant, Roles};
use cortex_m_rt::entry;
use defmt_semihosting as _;
use ethernet::Ethernet;
use network::{Buffers, DATAGRAM, Memory, Network};
use resources::{Board, Info, ROUTES};
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

/// 4 peers, 8 exchanges, 512 bytes for what they keep, 4 observers, 2 uploads.
type Tables = Fixed<IpEndpoint, 4, 8, 512, 4, 2>;

/// What the device does of all that a server and client can: what it does not is not linked.
enum Device {}

impl Roles for Device {
    const CONFIG: Option<Config> = Some(Config::DEFAULT.serving());
    const MULTICAST: bool = false;
    const NO_RESPONSE: bool = false;
    const NSTART_QUEUE: bool = false;
    const LONG_TOKENS: bool = false;
    const SHARES: bool = false;
    const AGING: bool = false;
    const REPORTS: bool = false;
    const TEXTS: bool = false;
    const UNANSWERED: bool = false;
    const OPTIONS_BEHIND: bool = false;
    const OWN_NAMES: bool = false;
    const PROBLEMS: bool = false;
}

/// Where the device listens, and where the host of QEMU's network has its directory.
const PORT: u16 = 5683;
const HOST: IpEndpoint = IpEndpoint { addr: IpAddress::v4(10, 0, 2, 2), port: 5683 };

#[entry]
fn main() -> ! {
    static mut CARD: Ethernet = Ethernet::OFF;
    static mut MEMORY: Memory = Memory::NEW;
    static mut BUFFERS: Buffers = [[0; DATAGRAM]; 2];
    static mut TABLES: Tables = Tables::new();

    // There is one `take`, and this is it.
    let Some(mut core) = cortex_m::Peripherals::take() else { loop {} };
    clock::start(&mut core.SYST);
    // A device has a generator of its own for this; here the host lends its.
    let mut seed = [0; 16];
    if semihosting::experimental::random::fill_bytes(&mut seed).is_err() {
        defmt::warn!("the host gives no random bytes: tokens can be guessed");
    }

    let addresses = [
        IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24),
        #[cfg(feature = "ipv6")]
        IpCidr::new(IpAddress::v6(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456), 64),
        #[cfg(feature = "ipv6")]
        IpCidr::new(IpAddress::v6(0xfec0, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456), 64),
    ];
    let mut network = Network::new((CARD, &mut core.NVIC), MEMORY, BUFFERS, &addresses, PORT);
    let mut server = Server::new(Endpoint::<_, Device>::of_roles(seed, TABLES), &ROUTES);
    let mut board = Board::NEW;
    let mut most = NOTHING;
    defmt::info!("listening");

    // The directory is told once. Whether it is there makes no difference to the rest.
    let mut registration = None;
    if let Some(room) = network.room() {
        let asked = server.endpoint().request(Instant::ZERO, HOST, Request::post(), room, |w| {
            w.path("rd").query("ep=coaplet").payload(b"</sensors/temp>;obs,</led>,</firmware>,</info>");
        });
        if let Ok((handle, Some(sent))) = asked {
            registration = Some(handle);
            network.send(sent.to, sent.len);
        }
    }

    loop {
        let milliseconds = clock::now();
        let now = Instant::from_millis(milliseconds);
        let busy = network.receive(milliseconds);
        network.answer(|from, group, datagram, room| {
            let arrival = if group { Arrival::Group } else { Arrival::Unicast };
            let input = server.handle(&mut board, now, from, arrival, datagram, room);
            if let Some(response) = input.response.filter(|response| Some(response.handle) == registration) {
                defmt::info!("the directory answers {}", response.message.code());
            }
            input.reply.map_or(0, |reply| reply.len)
        });
        if let Some(later) = board.asked.take() {
            if let Some(room) = network.room() {
                let statistics = server.endpoint().statistics();
                let usage = server.endpoint().usage();
                raise(&mut most, &usage);
                let info = Info { usage, most, stack: stack::depth(), recycled: statistics.recycled, dropped: 0 };
                if let Ok(Some(sent)) = server.complete(now, later, room, |reply| info.write(board.seconds, reply)) {
                    network.send(sent.to, sent.len);
                }
            } else {
                board.asked = Some(later);
            }
        }
        let seconds = (milliseconds / 1000) as u32;
        if seconds != board.seconds {
            board.seconds = seconds;
            server.notify("sensors/temp");
        }
        network.transmit(milliseconds);
        let mut due = false;
        if let Some(room) = network.room() {
            let output = server.poll(&mut board, now, room);
            due = !matches!(output, Output::Idle(_));
            match output {
                Output::Send(sent) => network.send(sent.to, sent.len),
                Output::Failed(handle, _) if Some(handle) == registration => defmt::info!("no directory"),
                _ => {}
            }
        }
        if busy || due {
            network.transmit(milliseconds);
            raise(&mut most, &server.endpoint().usage());
        }
        // The clock ticks each millisecond, and wakes this up in any case.
        if !busy && !due && !ethernet::waits() {
            ethernet::listen();
            cortex_m::asm::wfi();
        }
    }
}

const NOTHING: Usage = Usage { peers: 0, exchanges: 0, remembered: 0, observers: 0, transfers: 0, blocks: 0 };

/// What was used most of each.
fn raise(most: &mut Usage, usage: &Usage) {
    most.peers = most.peers.max(usage.peers);
    most.exchanges = most.exchanges.max(usage.exchanges);
    most.remembered = most.remembered.max(usage.remembered);
    most.observers = most.observers.max(usage.observers);
    most.transfers = most.transfers.max(usage.transfers);
    most.blocks = most.blocks.max(usage.blocks);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // What can panic is smoltcp; Coaplet cannot.
    semihosting::process::exit(101)
}
