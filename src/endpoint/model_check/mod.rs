//! A model check: whatever the network does to one Confirmable exchange, step by step and exhaustively.
//!
//! Two endpoints, the datagrams in flight between them, and an application that answers at once, later or never. From
//! the world in which the client has just made its request, every order of what can happen is gone through, to a depth
//! of twelve steps: any datagram in flight arrives, or either endpoint is polled at its deadline, punctually or too
//! late, or the application answers, or says that it will. Loss and duplication take no step of their own
//! ([`Network::Boundless`]), so that there may be any number of both. From each world two ways lead on into
//! a calm: all that was ever sent arrives and the application answers, or all in flight is lost and it does not.
//! [`Violation`] says what must not be.
//!
//! Two worlds are the same if nothing that can come of them differs; the number of distinct ones is printed and
//! asserted: `cargo test --lib model_check -- --nocapture`. It changes with whatever decides when something is sent,
//! and it should be looked into why; the two counts of the second test stay equal.

mod search;
mod world;

use crate::reliability::Hooks;
use search::{Explored, Fault, Search};
use std::println;
use world::{Ending, Network, Violation};

fn search(network: Network, depth: u32, calm: bool) -> Explored {
    let search = Search { network, hooks: Hooks::default(), depth, calm };
    let explored = search.run().unwrap_or_else(|fault| panic!("{fault}"));
    println!("{network:?}, {depth} steps: {explored}");
    explored
}

#[test]
fn one_exchange_to_a_depth_of_twelve() {
    let explored = search(Network::Boundless, 12, true);
    // Each way to end is among them.
    let ended = [Ending::Piggybacked, Ending::Separate, Ending::Unavailable, Ending::TimedOut].map(Some);
    for ending in ended.into_iter().chain([None]) {
        assert!(explored.endings.contains_key(&ending), "{ending:?}");
    }
    assert_eq!((explored.worlds, explored.steps), (94_462, 245_971));
}

/// That loss and duplication need no step of their own: with one for each, the endpoints come to the same, and to
/// nothing else.
#[test]
fn a_step_for_each_loss_and_duplicate_leads_to_no_other_world() {
    const DEPTH: u32 = 7;
    let boundless = search(Network::Boundless, DEPTH, false);
    let counted = search(Network::Counted(DEPTH as u8), DEPTH, false);
    assert!(counted.worlds > 10 * boundless.worlds);
    assert_eq!(boundless.views.len(), counted.views.len());
    assert!(boundless.views == counted.views);
}

/// With a fault put in, the shortest way to a violation.
fn fault(hooks: Hooks) -> Fault {
    let search = Search { network: Network::Boundless, hooks, depth: 12, calm: false };
    let fault = search.run().expect_err("a fault is to be found");
    println!("{hooks:?}\n{fault}");
    fault
}

#[test]
fn without_matching_of_acknowledgements_what_has_arrived_is_sent_again() {
    let fault = fault(Hooks { ignore_acks: true, ..Hooks::default() });
    // The request and its duplicate, which is acknowledged; the ACK; the first timeout.
    assert_eq!((fault.violation, fault.path.len()), (Violation::SentThoughAcknowledged, 4));
}

#[test]
fn without_deduplication_the_application_sees_the_request_again() {
    let fault = fault(Hooks { no_deduplication: true, ..Hooks::default() });
    assert_eq!((fault.violation, fault.path.len()), (Violation::SeenAgain, 2));
}

#[test]
fn without_the_retransmission_counter_a_message_is_sent_too_often() {
    let fault = fault(Hooks { endless_retransmission: true, ..Hooks::default() });
    // Four retransmissions, and a fifth.
    assert_eq!((fault.violation, fault.path.len()), (Violation::SentTooOften, 5));
}
