//! An endpoint with every role: that no panic can be reached in it, and what it takes. Requests are answered, one is made, and
//! all that is due goes out.

#![no_std]
#![no_main]

use coaplet::endpoint::{Arrival, Event, Output, Request, Transmit};
use coaplet::{Code, Config, Endpoint, Fixed, Instant};
use device::{Device, put, send, word};

#[unsafe(no_mangle)]
#[inline(never)]
fn firmware(datagram: &[u8], room: &mut [u8], _: &mut Device) {
    let mut endpoint = Endpoint::new(Config::DEFAULT, [7; 16], Fixed::<u32, 4, 8, 512>::new());
    let now = Instant::from_millis(u64::from(word()));
    if let Ok((handle, Some(request))) = endpoint.request(now, word(), Request::get(), room, |w| {
        w.path("time");
    }) {
        transmit(room, request);
        put(u32::from(endpoint.cancel(handle)));
    }
    let input = endpoint.handle(now, word(), Arrival::Unicast, datagram, room);
    if let Some(reply) = input.reply {
        transmit(room, reply);
    }
    match input.event {
        Event::Request(request) => {
            let found = request.message.path_is("temp");
            let answered = endpoint.respond(now, request.id, room, |w| {
                w.code(if found { Code::CONTENT } else { Code::NOT_FOUND }).payload(b"21.5");
            });
            if let Ok(Some(response)) = answered {
                transmit(room, response);
            }
        }
        Event::Response(response) => send(response.message.payload()),
        Event::Handled => {}
    }
    loop {
        match endpoint.poll(now, room) {
            Output::Send(due) => transmit(room, due),
            Output::Failed(..) => put(1),
            Output::Acknowledged(_)
            | Output::Delivered(_)
            | Output::Undelivered(..)
            | Output::Broken(..)
            | Output::Notify(_) => put(1),
            Output::Idle(at) => return put(at.map_or(0, |at| at.as_millis() as u32)),
        }
    }
}

fn transmit(room: &[u8], datagram: Transmit<u32>) {
    put(datagram.to);
    send(room.get(..datagram.len).unwrap_or_default());
}
