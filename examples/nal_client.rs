//! A client as a device has one, over a stack of embedded-nal's; here that is the operating system's.
//! `cargo run --features embedded_nal --example nal_client -- 127.0.0.1:5683 lamp`

use coaplet::endpoint::{Output, Request};
use coaplet::io::embedded_nal::Nal;
use coaplet::io::{Ask, Told};
use coaplet::{Config, Endpoint, Fixed, Instant};
use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;
use std_embedded_nal::Stack;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server: SocketAddr = arguments.next().ok_or("which address?")?.parse()?;
    let path = arguments.next().ok_or("which path?")?;

    // What a device has of its own: a network stack, a clock, and bytes that nobody can guess.
    let mut stack = Stack;
    let start = std::time::Instant::now();
    let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let half = || u128::from(RandomState::new().build_hasher().finish());
    let seed = (half() << 64 | half()).to_ne_bytes();

    // One peer, four exchanges, 512 bytes that may have to be sent again.
    let mut endpoint = Endpoint::new(Config::DEFAULT, seed, Fixed::<SocketAddr, 1, 4, 512>::new());
    let (mut rx, mut tx) = ([0; 1153], [0; 256]);
    let mut nal = Nal::connect(&mut stack, server, clock, &mut rx, &mut tx)?;
    let room = nal.tx().ok_or("nothing has been sent yet")?;
    let (asked, first) = endpoint.request(clock(), server, Request::get(), room, |w| {
        w.path(&path);
    })?;
    if let Some(first) = first {
        nal.send(first);
    }

    let mut answer = Err("nothing yet".to_owned());
    let mut node = Ask::new(&mut endpoint, |told| match told {
        Told::Response(response) if response.handle == asked => {
            let text = String::from_utf8_lossy(response.message.payload());
            answer = Ok(format!("{}: {text}", response.message.code()));
            true
        }
        Told::Output(Output::Failed(handle, why)) if handle == asked => {
            answer = Err(format!("no response: {why:?}"));
            true
        }
        _ => false,
    });
    // A device would do something else in between, or sleep until its network card wakes it.
    nal.run(&mut stack, &mut node, |_until| std::thread::sleep(Duration::from_millis(1)))?;
    nal.close(&mut stack)?;
    println!("{}", answer?);
    Ok(())
}
