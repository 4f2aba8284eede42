//! The same device on Embassy's executor, by Coaplet's asynchronous driver: the socket is one of embedded-nal-async, the timer
//! Embassy's.
#![no_std]
#![no_main]

use coaplet::Instant;
use coaplet::io::embedded_nal_async::Unconnected;
use coaplet::io::{Address, run};
use coaplet::server::Route;
use coaplet_firmware::device::{Device, Side, Tables};
use coaplet_firmware::ethernet::{self, Ethernet};
use coaplet_firmware::network::{ADDRESSES, Buffers, DATAGRAM, Memory, Network};
use coaplet_firmware::resources::{self, Board};
use coaplet_firmware::udp::{self, Udp};
use coaplet_firmware::{DIRECTORY, PORT, clock, seed};
use core::cell::RefCell;
use core::future::pending;
use core::mem::MaybeUninit;
use core::net::{Ipv4Addr, SocketAddr};
use cortex_m_rt::entry;
use embassy_executor::raw::Executor;
use embassy_time::Timer;

static ROUTES: [Route<Board, Address>; 4] = resources::routes();

/// Serves for ever.
#[embassy_executor::task]
async fn serve(network: &'static RefCell<Network>, mut device: Device<Address>) {
    let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let clock = || Instant::from_millis(clock::now());
    let timer = |at: Instant| Timer::at(embassy_time::Instant::from_millis(at.as_millis()));
    let mut carrier = Unconnected::new(Udp(network), local, clock, timer);
    // A byte more than a datagram can have: what fills the buffer is longer.
    let (mut rx, mut tx) = ([0; DATAGRAM + 1], [0; DATAGRAM]);
    let Err(never) = run(&mut carrier, &mut device, pending::<()>(), &mut rx, &mut tx).await else { return };
    match never {}
}

#[entry]
fn main() -> ! {
    static mut CARD: Ethernet = Ethernet::OFF;
    static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();
    static mut BUFFERS: Buffers = [[0; DATAGRAM]; 2];
    static mut ENDPOINT: Side<Address> = Side::of_roles([0; 16], Tables::new());
    static mut NETWORK: Option<RefCell<Network>> = None;
    static mut EXECUTOR: Option<Executor> = None;

    // There is one `take`, and this is it.
    let Some(mut core) = cortex_m::Peripherals::take() else { loop {} };
    clock::start(&mut core.SYST);
    let network = Network::new(CARD, MEMORY, BUFFERS, &ADDRESSES, PORT);
    let network = NETWORK.insert(RefCell::new(network));
    let device = Device::new(seed(), ENDPOINT, &ROUTES, Address::to(DIRECTORY.into()));
    // The pender's mark of the thread mode. The executor itself would wait for an event, which does not let QEMU rest.
    let executor = EXECUTOR.insert(Executor::new(usize::MAX as *mut ()));
    if let Ok(task) = serve(network, device) {
        executor.spawner().spawn(task);
    }
    defmt::info!("listening, on Embassy");
    loop {
        // SAFETY: here alone, and not from a task.
        unsafe { executor.poll() };
        ethernet::sleep();
        udp::wake();
    }
}
