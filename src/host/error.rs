//! Why there is no reply.

use super::traced::MAX_MESSAGE;
use crate::block::Fault;
use crate::endpoint::RequestError;
use crate::io::UdpError;
use crate::wire::WriteError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::string::String;
use std::time::Duration;

/// Why there is no reply. Printed, it says what was to be done and with whom, and what may help.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A text that is no URI, or none that can be asked here.
    Uri {
        /// The text.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name that stands for no address.
    Host {
        /// The name.
        host: String,
        /// What the system says.
        why: String,
    },
    /// The operating system does not let us.
    Socket(UdpError),
    /// No response in time.
    NoAnswer {
        /// Who was asked.
        peer: SocketAddr,
        /// How often the request was sent again; of several blocks, the last one's.
        retransmissions: u32,
        /// How long it was waited for.
        time: Duration,
        /// Whether the peer has sent anything: an acknowledgement, or what is no response to this request.
        heard: bool,
    },
    /// A transfer in blocks was under way when the time that it was given was over.
    TooSlow {
        /// Who was asked.
        peer: SocketAddr,
        /// How many bytes of the body had gone by.
        bytes: u32,
        /// The time that it was given.
        time: Duration,
    },
    /// No response to one of several requests in time, whether it was heard or not.
    NoResponse {
        /// Who was asked.
        peer: SocketAddr,
        /// How long it was waited for.
        time: Duration,
    },
    /// The client has been shut down.
    Closed,
    /// No program listens at the peer's port, as the network says.
    Unreachable {
        /// Who was asked.
        peer: SocketAddr,
    },
    /// The peer has answered with a Reset (RFC 7252 4.2).
    Reset {
        /// Who was asked.
        peer: SocketAddr,
    },
    /// There is a response, but not all of it.
    Transfer {
        /// Who was asked.
        peer: SocketAddr,
        /// What has gone wrong.
        fault: Fault,
    },
    /// The request cannot be made.
    Request(RequestError),
    /// A body cannot be read, or a payload not be written.
    Body(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Uri { uri, why } => write!(f, "{uri:?} is not a URI to ask: {why}"),
            Error::Host { host, why } => {
                write!(f, "cannot find the host {host:?}: {why}; check the name, or give its address")
            }
            Error::Socket(error) => write!(f, "{error}"),
            Error::NoAnswer { peer, retransmissions, time, heard } => {
                let what = if *heard { "no response" } else { "no answer" };
                write!(f, "{what} from {peer} after {retransmissions} retransmission")?;
                let plural = if *retransmissions == 1 { "" } else { "s" };
                let seconds = time.as_secs_f64();
                let digits = usize::from(seconds < 9.95);
                write!(f, "{plural} in {seconds:.digits$} s: ")?;
                f.write_str(match heard {
                    true => "it is there, but takes longer; wait longer, or ask again later",
                    false => "check the address, and that the server is running and can be reached",
                })
            }
            Error::TooSlow { peer, bytes, time } => {
                write!(f, "the transfer with {peer} had come to {bytes} bytes after {:.1} s: ", time.as_secs_f64())?;
                f.write_str("allow it more time")
            }
            Error::NoResponse { peer, time } => {
                write!(f, "no response from {peer} in {:.1} s: ", time.as_secs_f64())?;
                f.write_str("check the address, and that the server is running and can be reached, or wait longer")
            }
            Error::Closed => f.write_str("the client has been shut down: make another one"),
            Error::Unreachable { peer } => {
                write!(f, "no program listens at {peer}: start the server, or check address and port")
            }
            Error::Reset { peer } => write!(f, "{peer} rejected the request with a Reset: is it a CoAP server?"),
            Error::Transfer { peer, fault } => write!(f, "the transfer with {peer} has failed: {fault}"),
            Error::Request(RequestError::Write(WriteError::BufferTooSmall { needed })) => {
                write!(
                    f,
                    "the request takes {needed} bytes, and a message no more than {MAX_MESSAGE}: shorten its options"
                )
            }
            Error::Request(error) => write!(f, "the request cannot be made: {error}"),
            Error::Body(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Socket(error) => Some(error),
            Error::Request(error) => Some(error),
            Error::Transfer { fault, .. } => Some(fault),
            Error::Body(error) => Some(error),
            _ => None,
        }
    }
}

impl From<UdpError> for Error {
    fn from(error: UdpError) -> Error {
        Error::Socket(error)
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Error {
        Error::Request(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn it_says_what_to_do() {
        let peer = "127.0.0.1:5683".parse().unwrap();
        let no_answer = |retransmissions, ms, heard| {
            let time = Duration::from_millis(ms);
            Error::NoAnswer { peer, retransmissions, time, heard }.to_string()
        };
        let begins = "no answer from 127.0.0.1:5683 after 4 retransmissions in 93 s: check the address";
        assert!(no_answer(4, 93_001, false).starts_with(begins));
        assert!(no_answer(1, 2_041, false).contains("after 1 retransmission in 2.0 s"));
        assert!(
            no_answer(0, 9_951, true).starts_with("no response from 127.0.0.1:5683 after 0 retransmissions in 10 s")
        );
        let long = Error::Request(RequestError::Write(WriteError::BufferTooSmall { needed: 2000 })).to_string();
        assert_eq!(long, "the request takes 2000 bytes, and a message no more than 1152: shorten its options");
        assert!(Error::Unreachable { peer }.to_string().starts_with("no program listens at 127.0.0.1:5683"));
    }
}
