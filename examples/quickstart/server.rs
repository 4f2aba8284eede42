//! The server: a loop around [`Server::answer`], which holds all that it knows of RFC 7252 section 4.
//!
//! It keeps no state for its peers. A duplicate is answered again, which RFC 7252 4.5 allows because GET and PUT are
//! idempotent.

use crate::device::Device;
use crate::random;
use crate::trace::Trace;
use coaplet::{Code, Header, Message, OptionNumber, Type, Writer};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

/// Longer than any UDP datagram.
const DATAGRAM: usize = 65_536;

/// Answers datagrams for as long as the process lives. No datagram and no socket error ends it.
pub fn serve(socket: &UdpSocket, mut trace: Option<Trace>) -> ! {
    let mut server = Server { device: Device::default(), message_id: random() as u16 };
    let (mut rx, mut tx) = (vec![0; DATAGRAM], vec![0; DATAGRAM]);
    loop {
        let (datagram, from) = match socket.recv_from(&mut rx) {
            Ok((length, from)) => (&rx[..length], from),
            // The echo of an answer to a client that has gone, or a signal: nothing is wrong with this socket.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => continue,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                eprintln_quietly(format_args!("quickstart: cannot receive: {error}; still trying"));
                // The network may be down for a while.
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if let Some(trace) = &mut trace {
            trace.received(datagram, format_args!("{from}  "));
        }
        let Some(length) = server.answer(datagram, &mut tx) else { continue };
        let reply = &tx[..length];
        match socket.send_to(reply, from) {
            Ok(_) => {
                if let Some(trace) = &mut trace {
                    trace.sent(reply, format_args!("{from}  "));
                }
            }
            Err(error) => eprintln_quietly(format_args!("quickstart: cannot answer {from}: {error}")),
        }
    }
}

/// `eprintln!` panics when standard error is closed.
fn eprintln_quietly(line: std::fmt::Arguments<'_>) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{line}\n"));
}

struct Server {
    device: Device,
    /// Of the next NON response; all others carry the Message ID that they answer.
    message_id: u16,
}

impl Server {
    /// Writes what goes back for a datagram and gives its length; `None` if nothing goes back.
    fn answer(&mut self, datagram: &[u8], tx: &mut [u8]) -> Option<usize> {
        let request = match Message::parse(datagram) {
            Ok(message) => message,
            // RFC 7252 4.2: who sent a broken CON is told so; the rest is dropped.
            Err(error) => return reset(error.reset()?, tx),
        };
        let header = match (request.message_type(), request.code().is_request()) {
            // RFC 7252 5.2.1: the response rides on the acknowledgement.
            (Type::Confirmable, true) => Header::acknowledgement(Code::INTERNAL_SERVER_ERROR, request.message_id()),
            // RFC 7252 5.2.3
            (Type::NonConfirmable, true) => {
                self.message_id = self.message_id.wrapping_add(1);
                Header::non_confirmable(Code::INTERNAL_SERVER_ERROR, self.message_id)
            }
            // RFC 7252 4.2, 4.3: a ping, or a response to nothing that was asked.
            (Type::Confirmable, false) => return reset(request.message_id(), tx),
            _ => return None,
        };
        let mut reply = Writer::new(tx, header, request.token());
        if let Some((number, _)) = request.unrecognised(is_known).next() {
            // RFC 7252 5.4.1: a NON is rejected instead, in silence.
            if request.message_type() == Type::NonConfirmable {
                return None;
            }
            let why = format!("option {} is not understood", number.get());
            reply.code(Code::BAD_OPTION).payload(why.as_bytes());
        } else if request.first(OptionNumber::PROXY_URI).or(request.first(OptionNumber::PROXY_SCHEME)).is_some() {
            reply.code(Code::PROXYING_NOT_SUPPORTED); // RFC 7252 5.10.2
        } else {
            self.device.answer(&request, &mut reply);
        }
        match reply.finish() {
            Ok(length) => Some(length),
            Err(_) => Writer::new(tx, header, request.token()).finish().ok(), // 5.00, as the header says
        }
    }
}

/// The critical options that are dealt with, here or by the device. One server, so Uri-Host and Uri-Port choose nothing.
fn is_known(number: OptionNumber) -> bool {
    matches!(
        number,
        OptionNumber::URI_HOST
            | OptionNumber::URI_PORT
            | OptionNumber::URI_PATH
            | OptionNumber::URI_QUERY
            | OptionNumber::ACCEPT
            | OptionNumber::PROXY_URI
            | OptionNumber::PROXY_SCHEME
    )
}

fn reset(message_id: u16, tx: &mut [u8]) -> Option<usize> {
    Writer::new(tx, Header::reset(message_id), &[]).finish().ok()
}
