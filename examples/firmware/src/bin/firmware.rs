//! A CoAP server and client on a Cortex-M3 with 64 KB of RAM (or 10, or 8: see README.md), over an Ethernet card.
//!
//! A main loop without an executor: it hands each datagram to the device where it lies, and asks it what is due.
#![no_std]
#![no_main]

use coaplet::Instant;
use coaplet::endpoint::Arrival;
use coaplet::io::{Due, Node};
use coaplet::server::Route;
use coaplet_firmware::device::{Device, Side, Tables};
use coaplet_firmware::ethernet::{self, Ethernet};
use coaplet_firmware::network::{ADDRESSES, Buffers, DATAGRAM, Memory, Network};
use coaplet_firmware::resources::{self, Board};
use coaplet_firmware::{DIRECTORY, PORT, clock, seed};
use core::mem::MaybeUninit;
use cortex_m_rt::entry;
use smoltcp::wire::IpEndpoint;

static ROUTES: [Route<Board, IpEndpoint>; 4] = resources::routes();

#[entry]
fn main() -> ! {
    static mut CARD: Ethernet = Ethernet::OFF;
    static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();
    static mut BUFFERS: Buffers = [[0; DATAGRAM]; 2];
    static mut ENDPOINT: Side<IpEndpoint> = Side::of_roles([0; 16], Tables::new());

    // There is one `take`, and this is it.
    let Some(mut core) = cortex_m::Peripherals::take() else { loop {} };
    clock::start(&mut core.SYST);
    let mut network = Network::new(CARD, MEMORY, BUFFERS, &ADDRESSES, PORT);
    let mut device = Device::new(seed(), ENDPOINT, &ROUTES, IpEndpoint::from(DIRECTORY));
    defmt::info!("listening");

    loop {
        let milliseconds = clock::now();
        let now = Instant::from_millis(milliseconds);
        let mut busy = network.receive(milliseconds);
        network.answer(|from, group, datagram, room| {
            let arrival = if group { Arrival::Group } else { Arrival::Unicast };
            device.datagram(now, from, arrival, datagram, room).map_or(0, |reply| reply.len)
        });
        // There is none while a reply waits to be sent: its turn comes next time.
        if let Some(room) = network.room() {
            if let Due::Send(sent) = device.due(now, room) {
                network.send(sent.to, sent.len);
                busy = true;
            }
        }
        network.transmit(milliseconds);
        // The clock ticks each millisecond, and wakes this up in any case.
        if !busy {
            ethernet::sleep();
        }
    }
}
