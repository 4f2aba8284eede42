//! What a script expects to come out next.

use super::{Out, Script, When, line, text};
use coaplet::Store;
use coaplet::endpoint::{Failure, Handle, Output, RequestId};
use std::time::Duration;

impl<S: Store<Peer = u16>> Script<S> {
    #[track_caller]
    fn next(&mut self, wanted: &str) -> Out {
        self.out.pop_front().unwrap_or_else(|| panic!("nothing came out, wanted: {wanted}"))
    }

    /// The next thing of a kind, of what came at the same moment: in which order that is told is the endpoint's to choose.
    #[track_caller]
    fn next_of(&mut self, wanted: &str, kind: impl Fn(&Out) -> Option<u64>) -> Out {
        let front = self.out.front().and_then(Out::at);
        let found = self.out.iter().position(|out| kind(out).is_some() && kind(out) == front);
        found.and_then(|index| self.out.remove(index)).unwrap_or_else(|| self.next(wanted))
    }

    /// The next thing is this message. Gives its time and its bytes.
    #[track_caller]
    pub fn sent(&mut self, when: impl When, to: u16, text: &str) -> (u64, Vec<u8>) {
        let (earliest, latest) = when.bounds();
        let next = self.next(text);
        let Out::Sent { at, to: whom, bytes } = next else { panic!("wanted: {text}\n  came: {}", next.show()) };
        let line = line(&bytes);
        if let Err(name) = text::matches(text, &line, &mut self.names) {
            panic!("wanted: {text}\n  came: {line} (at {at} ms to {whom}); first difference at {name}");
        }
        assert_eq!(whom, to, "the receiver of {line}");
        assert!((earliest..=latest).contains(&at), "{line} came at {at} ms, wanted {earliest} to {latest}");
        (at, bytes)
    }

    /// The next thing is a message to this peer, whatever it says.
    #[track_caller]
    pub fn sent_any(&mut self, to: u16) -> (u64, Vec<u8>) {
        match self.next("a message") {
            Out::Sent { at, to: whom, bytes } if whom == to => (at, bytes),
            other => panic!("wanted a message to {to}, came {}", other.show()),
        }
    }

    /// The same; its Message ID has this name from then on.
    #[track_caller]
    pub fn sent_any_as(&mut self, to: u16, name: &str) -> (u64, Vec<u8>) {
        let (at, bytes) = self.sent_any(to);
        self.names.insert(name.to_owned(), format!("0x{:02x}{:02x}", bytes[2], bytes[3]));
        (at, bytes)
    }

    /// The next thing is this request from the peer.
    #[track_caller]
    pub fn asked(&mut self, whom: u16, text: &str) -> RequestId {
        match self.next(text) {
            Out::Asked { id, from, line } => {
                assert_eq!((from, line.as_str()), (whom, text::fill(text, &self.names).as_str()));
                id
            }
            other => panic!("wanted the request {text}, came {}", other.show()),
        }
    }

    /// The next thing is a request from the peer, whatever it says.
    #[track_caller]
    pub fn asked_by(&mut self, whom: u16) -> RequestId {
        match self.next("a request") {
            Out::Asked { id, from, .. } if from == whom => id,
            other => panic!("wanted a request of {whom}, came {}", other.show()),
        }
    }

    /// The next thing is a response to this request of ours. Whether there may be more, and how long it took.
    #[track_caller]
    pub fn answered(&mut self, to: Handle, whom: u16, text: &str) -> (bool, Option<Duration>) {
        match self.next(text) {
            Out::Answered { handle, from, line, more, round_trip, .. } => {
                assert_eq!((from, line.as_str()), (whom, text::fill(text, &self.names).as_str()));
                assert_eq!(handle, to, "the request that {line} answers");
                (more, round_trip)
            }
            other => panic!("wanted the response {text}, came {}", other.show()),
        }
    }

    /// The next thing is a notification of this observation of ours. Gives its number.
    #[track_caller]
    pub fn notified(&mut self, of: Handle, whom: u16, text: &str) -> u32 {
        match self.next(text) {
            Out::Answered { handle, from, line, more: true, observed: Some(number), .. } => {
                assert_eq!((from, line.as_str()), (whom, text::fill(text, &self.names).as_str()));
                assert_eq!(handle, of, "the observation that {line} belongs to");
                number
            }
            other => panic!("wanted the notification {text}, came {}", other.show()),
        }
    }

    /// The next thing is that this request of ours has failed. Gives the time.
    #[track_caller]
    pub fn failed(&mut self, when: impl When, which: Handle, how: Failure) -> u64 {
        let (earliest, latest) = when.bounds();
        let is_one = |out: &Out| if let Out::Failed { at, .. } = out { Some(*at) } else { None };
        match self.next_of("a failure", is_one) {
            Out::Failed { at, handle, why } => {
                assert_eq!((handle, why), (which, how));
                assert!((earliest..=latest).contains(&at), "failed at {at} ms, wanted {earliest} to {latest}");
                at
            }
            other => panic!("wanted the failure of {which:?}, came {}", other.show()),
        }
    }

    /// The next thing is that some request of ours has failed in this way. Which one.
    #[track_caller]
    pub fn failed_any(&mut self, when: u64, how: Failure) -> Handle {
        match self.next("a failure") {
            Out::Failed { at, handle, why } if (at, why) == (when, how) => handle,
            other => panic!("wanted {how:?} at {when} ms, came {}", other.show()),
        }
    }

    /// The next thing is that `poll` tells this. Gives the time.
    #[track_caller]
    pub fn told(&mut self, when: impl When, wanted: Output<u16>) -> u64 {
        let (earliest, latest) = when.bounds();
        let is_one = |out: &Out| if let Out::Told { at, .. } = out { Some(*at) } else { None };
        match self.next_of(&format!("{wanted:?}"), is_one) {
            Out::Told { at, what } => {
                assert_eq!(what, wanted);
                assert!((earliest..=latest).contains(&at), "{what:?} at {at} ms, wanted {earliest} to {latest}");
                at
            }
            other => panic!("wanted {wanted:?}, came {}", other.show()),
        }
    }

    /// Nothing more has come out.
    #[track_caller]
    pub fn silence(&mut self) -> &mut Self {
        let all: Vec<_> = self.out.drain(..).map(|out| out.show()).collect();
        assert!(all.is_empty(), "nothing was to come out, but there came {all:#?}");
        self
    }

    /// Nothing is held any more, once everything that is remembered has run out.
    #[track_caller]
    pub fn all_free(&mut self, at: u64) {
        self.until(at).silence();
        assert_eq!(self.ep.usage(), coaplet::endpoint::Usage::default(), "at {at} ms");
        assert_eq!(self.drain(), None, "nothing is left to wait for, at {at} ms");
    }

    /// For scripts that look at what came out in ways of their own.
    pub fn sent_lines(&mut self) -> Vec<String> {
        self.out.drain(..).map(|out| out.show()).collect()
    }
}
