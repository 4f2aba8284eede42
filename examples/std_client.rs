//! A client that blocks: `cargo run --features std --example std_client -- coap://127.0.0.1/lamp`, and with a text behind it a
//! PUT.

use coaplet::host::Client;
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().ok_or("which URI?")?;
    let mut client = Client::connect(&uri)?;
    let reply = match arguments.next() {
        Some(text) => client.put("", text)?,
        None => client.get("")?,
    };
    eprintln!("{} from {}", reply.code(), reply.peer());
    std::io::stdout().write_all(reply.payload())?;
    Ok(())
}
