//! A server as a device has one, over embedded-nal-async: `cargo run --features embedded_nal_async,tokio --example
//! nal_async_server -- 127.0.0.1:5683`. Executor, timer and network are tokio's here (`stack.rs`); on a device they are
//! Embassy's.

mod stack;

use coaplet::io::embedded_nal_async::Unconnected;
use coaplet::io::{Address, Serve, run};
use coaplet::server::{Answer, Error, Reply, Request, Route};
use coaplet::{Code, Config, ContentFormat, Endpoint, Fixed, Instant, Server};
use embedded_nal_async::UdpStack;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;

struct Lamp {
    on: bool,
}

fn lamp(lamp: &mut Lamp, _: &Request<Address>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.text(if lamp.on { "on" } else { "off" }))
}

fn switch(lamp: &mut Lamp, request: &Request<Address>, reply: Reply) -> Result<Answer, Error> {
    lamp.on = match request.payload() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::new(Code::BAD_REQUEST, "on or off")),
    };
    Ok(reply.done())
}

static ROUTES: [Route<Lamp, Address>; 1] =
    [Route::new("lamp").get(lamp).put(switch).observable().formats(&[ContentFormat::TEXT_PLAIN]).rt("light")];

/// What a device runs, but for where its stack, its clock and its randomness come from.
async fn serve<N: UdpStack, F: Future>(
    stack: &N,
    address: SocketAddr,
    seed: [u8; 16],
    clock: impl Fn() -> Instant,
    timer: impl FnMut(Instant) -> F,
) -> Result<(), N::Error> {
    let (local, socket) = stack.bind_single(address).await?;
    println!("listening on {local}");
    let mut carrier = Unconnected::new(socket, local, clock, timer);
    // 4 peers, 16 exchanges, 2048 bytes that may have to be sent again, 4 observers, no uploads.
    let store = Fixed::<Address, 4, 16, 2048, 4>::new();
    let mut server = Server::new(Endpoint::new(Config::DEFAULT.serving(), seed, store), &ROUTES);
    let (mut lamp, mut rx, mut tx) = (Lamp { on: false }, [0; 1153], [0; 1152]);
    let for_ever = std::future::pending::<()>();
    run(&mut carrier, &mut Serve::new(&mut server, &mut lamp), for_ever, &mut rx, &mut tx).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5683".into()).parse()?;
    let start = tokio::time::Instant::now();
    let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let timer = |until: Instant| tokio::time::sleep_until(start + until.since(Instant::ZERO));
    let half = || u128::from(RandomState::new().build_hasher().finish());
    serve(&stack::Stack, address, (half() << 64 | half()).to_ne_bytes(), clock, timer).await?;
    Ok(())
}
