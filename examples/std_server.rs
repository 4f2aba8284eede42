//! A server on a socket of the standard library's: `cargo run --features std --example std_server -- 127.0.0.1:5683`

use coaplet::host::{Resource, serve};
use coaplet::io::{Address, Udp};
use coaplet::server::{Answer, Error, Reply, Request};
use coaplet::{Code, ContentFormat};

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

static RESOURCES: [Resource<Lamp>; 1] = [Resource::new("lamp")
    .get(lamp)
    .put(switch)
    .observable()
    .formats(&[ContentFormat::TEXT_PLAIN])
    .rt("light")
    .title("In the hall")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5683".into());
    let udp = Udp::bind(coaplet::host::listening(&address)?)?;
    println!("listening on {}", udp.local_addr()?);
    Err(serve(udp, &RESOURCES, &mut Lamp { on: false }).into())
}
