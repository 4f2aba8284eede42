//! What a script is made of. Any script can be carried out: a number that names one of several things names one of
//! those there are.

use std::fmt;

/// One of the two endpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    A,
    B,
}

/// Whom an endpoint turns to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    /// The other endpoint.
    Other,
    /// One of some addresses where nobody is.
    Stranger(u8),
    /// A group, of which both are members.
    Group,
}

/// How something is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    Con,
    Non,
    Ping,
    /// CON, and rather not at all than behind NSTART.
    AtOnce,
    /// CON, sent again once.
    Quick,
    /// NON, given up after two seconds.
    Impatient,
    /// CON that wants no response.
    Silent,
    /// NON that wants no response of class 2.
    Reserved,
    /// CON with a critical option that nobody knows.
    Critical,
    /// CON that asks to observe.
    Observe,
    /// NON that does.
    ObserveNon,
}

/// How something is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    Plain,
    /// The request may be processed twice.
    Idempotent,
    /// With a Max-Age that goes down.
    Ages,
    /// It is to be told whether it arrives.
    Reported,
    /// With the code of a request: an error.
    NoResponse,
    /// An observer is accepted, if it is one.
    Observed,
}

/// `which`: of those there are the last but so many, and round again.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// An application asks.
    Ask { at: At, to: To, manner: Manner, len: u8 },
    /// An application answers a request that it was ever given.
    Answer { at: At, which: u8, reply: Reply, len: u8 },
    /// It says that it will.
    Defer { at: At, which: u8 },
    /// It cancels a request that it ever made.
    Cancel { at: At, which: u8 },
    /// It asks not to observe any more, by a request that it ever made.
    Unobserve { at: At, which: u8 },
    /// One of its resources changes.
    Change { at: At, which: u8, state: u8 },
    /// One of its resources is no more.
    EndObservers { at: At, which: u8 },
    /// It has done with a peer.
    Forget { at: At, whom: To },
    /// It uses what the other endpoint was given.
    Mistake { at: At, which: u8 },
    /// An endpoint is polled so often.
    Poll { at: At, times: u8 },
    /// An endpoint is polled until it is idle.
    Settle { at: At },
    /// Time passes.
    Wait { ms: u32 },
    /// Time passes until the next deadline, and who has it is polled until it is idle.
    Wake,
    /// A datagram in flight arrives.
    Deliver { which: u8 },
    /// It arrives, and is still in flight.
    Double { which: u8 },
    /// It is lost.
    Lose { which: u8 },
    /// It is changed on its way.
    Corrupt { which: u8, place: u8, with: u8 },
    /// It is cut short on its way.
    Cut { which: u8, len: u8 },
    /// A datagram comes from where it likes.
    Inject { at: At, from: u8, group: bool, bytes: Vec<u8> },
    /// An endpoint gets a datagram with the Message ID and the token of one that it has sent: from 0, which is to whom
    /// it sent it, or from anybody.
    Echo { at: At, from: u8, which: u8, kind: u8, code: u8 },
    /// An endpoint is told that one that it has sent found nobody, of which so many bytes are quoted: from 0, which is to
    /// whom it sent it, or from anybody.
    Refuse { at: At, from: u8, which: u8, len: u8 },
}

impl fmt::Debug for Command {
    /// As a line that a person reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Ask { at, to, manner, len } => write!(f, "{at:?} asks {to:?}: {manner:?}, {len} more bytes"),
            Command::Answer { at, which, reply, len } => {
                write!(f, "{at:?} answers request -{which}: {reply:?}, {len} more bytes")
            }
            Command::Defer { at, which } => write!(f, "{at:?} defers request -{which}"),
            Command::Cancel { at, which } => write!(f, "{at:?} cancels its request -{which}"),
            Command::Unobserve { at, which } => write!(f, "{at:?} does not observe any more by its request -{which}"),
            Command::Change { at, which, state } => write!(f, "{at:?} changes resource {which} to {state}"),
            Command::EndObservers { at, which } => write!(f, "{at:?} ends resource {which}"),
            Command::Forget { at, whom } => write!(f, "{at:?} forgets {whom:?}"),
            Command::Mistake { at, which } => write!(f, "{at:?} uses what the other has under -{which}"),
            Command::Poll { at, times } => write!(f, "{at:?} is polled, {times} times"),
            Command::Settle { at } => write!(f, "{at:?} is polled until it is idle"),
            Command::Wait { ms } => write!(f, "{ms} ms pass"),
            Command::Wake => f.write_str("the next deadline comes"),
            Command::Deliver { which } => write!(f, "datagram -{which} arrives"),
            Command::Double { which } => write!(f, "datagram -{which} arrives for the first time"),
            Command::Lose { which } => write!(f, "datagram -{which} is lost"),
            Command::Corrupt { which, place, with } => {
                write!(f, "datagram -{which} is changed at byte {place}, by {with:#04x}")
            }
            Command::Cut { which, len } => write!(f, "datagram -{which} is cut to {len} bytes"),
            Command::Inject { at, from, group, bytes } => {
                write!(f, "{at:?} gets{} from {from}: {bytes:02x?}", if *group { ", by the group," } else { "" })
            }
            Command::Echo { at, from, which, kind, code } => {
                write!(f, "{at:?} gets from {from}, as if to its own datagram -{which}: type {kind}, code {code:#04x}")
            }
            Command::Refuse { at, from, which, len } => {
                write!(f, "{at:?} hears that its datagram -{which} found nobody at {from}: {len} bytes of it")
            }
        }
    }
}

impl Manner {
    pub const fn observes(self) -> bool {
        matches!(self, Manner::Observe | Manner::ObserveNon)
    }

    pub const ALL: [Manner; 11] = [
        Manner::Con,
        Manner::Non,
        Manner::Ping,
        Manner::AtOnce,
        Manner::Quick,
        Manner::Impatient,
        Manner::Silent,
        Manner::Reserved,
        Manner::Critical,
        Manner::Observe,
        Manner::ObserveNon,
    ];
}

impl Reply {
    pub const ALL: [Reply; 6] =
        [Reply::Plain, Reply::Idempotent, Reply::Ages, Reply::Reported, Reply::NoResponse, Reply::Observed];
}
