//! Many observers of many resources, more of them than there are slots to tell them in, and what size of a block each wants.

#[macro_use]
mod endpoint;

use coaplet::endpoint::{ResourceId, Usage};
use coaplet::store::Scale;
use coaplet::{Code, Config, Fixed, Instant, OptionNumber, Store};
use endpoint::observing::{observers, rapid, slots, steady};
use endpoint::{OTHER, PEER, Script, Shown, roomy};

in_both_scales! {
    issue_4_many_to_many,
    rfc7959_section2_6_the_size_of_a_block,
    issue_4_full_tables,
    issue_4_who_observes,
}

/// Who observes, as the application sees it: each by its peer, its resource and its tag, from its registration until it goes,
/// however that is.
fn issue_4_who_observes<C: Scale>() {
    fn all<S: Store<Peer = u16>>(s: &Script<S>) -> Vec<(u16, u32, u32)> {
        let entries = s.ep.observers();
        let mut all: Vec<_> = entries.map(|it| (it.peer, it.resource.0, it.tag.expect("one of ours"))).collect();
        all.sort_unstable();
        for resource in 0..=5 {
            assert_eq!(s.ep.is_observed(ResourceId(resource)), all.iter().any(|it| it.1 == resource), "{resource}");
        }
        all
    }
    let mut s = roomy::<C>(rapid());
    assert_eq!(all(&s), []);
    s.observer(0, PEER, 1, "4a", 3, 7);
    s.observer(0, PEER, 2, "4b", 4, 8);
    s.observer(0, OTHER, 1, "4a", 3, 9);
    s.observer(0, OTHER, 2, "4c", 5, 10);
    assert_eq!(all(&s), [(PEER, 3, 7), (PEER, 4, 8), (OTHER, 3, 9), (OTHER, 5, 10)]);
    // By another registration; by an RST; by the application; because it says so; with its resource, before it knows.
    s.observer(0, PEER, 3, "4a", 5, 11);
    assert_eq!(all(&s), [(PEER, 4, 8), (PEER, 5, 11), (OTHER, 3, 9), (OTHER, 5, 10)]);
    s.changes(0, 3, Shown::con("x"));
    s.sent(0, OTHER, r#"CON 2.05 Content mid=$a token=4a [Observe: $o] payload 1 byte "x""#);
    s.recv(0, OTHER, "RST Empty mid=$a");
    assert_eq!(all(&s), [(PEER, 4, 8), (PEER, 5, 11), (OTHER, 5, 10)]);
    let ended = s.ep.observers().find(|it| it.tag == Some(10)).map(|it| it.id).unwrap();
    assert!(s.ep.end_observer(ended) && !s.ep.end_observer(ended));
    assert_eq!(all(&s), [(PEER, 4, 8), (PEER, 5, 11)]);
    s.recv(0, PEER, "CON GET mid=0x0009 token=4a [Observe: 1]");
    let id = s.asked_by(PEER);
    s.respond(0, id, Code::CONTENT, "").sent(0, PEER, "ACK 2.05 Content mid=0x0009 token=4a");
    assert_eq!(all(&s), [(PEER, 4, 8)]);
    s.ep.end_observers(ResourceId(4), Code::NOT_FOUND);
    assert_eq!(all(&s), []);
    s.until(0).sent(0, PEER, "CON 4.04 Not Found mid=$b token=4b");
    s.recv(0, PEER, "ACK Empty mid=$b");
    // With its peer, at once.
    s.observer(1, PEER, 10, "4d", 3, 12);
    s.observer(1, OTHER, 10, "4d", 3, 13);
    assert_eq!(all(&s), [(PEER, 3, 12), (OTHER, 3, 13)]);
    s.ep.forget(Instant::from_millis(2), PEER).unwrap();
    assert_eq!(all(&s), [(OTHER, 3, 13)]);
    s.ep.forget(Instant::from_millis(2), OTHER).unwrap();
    assert_eq!(s.ep.observers().count(), 0);
    s.all_free(900_000);
    assert_eq!(all(&s), []);
}

/// Several tokens of a resource, several resources of a peer, several peers: each is told once, what its tag says; resources take
/// turns, or among few observers do.
fn issue_4_many_to_many<C: Scale>() {
    let mut s = roomy::<C>(rapid());
    for (resource, peers) in [(1, 10..14_u16), (2, 20..24), (3, 30..31)] {
        for peer in peers {
            s.observer(0, peer, 1, "01", resource, u32::from(peer));
            s.observer(0, peer, 2, "02", resource, u32::from(peer) + 100);
        }
    }
    for resource in 1..=3 {
        s.changes(0, resource, Shown { skip: true, ..Shown::non("{tag}") }).silence();
    }
    // All change before anybody is told.
    for resource in 1..=3 {
        s.ep.notify(ResourceId(resource));
    }
    for resource in 1..=3 {
        s.shows(resource, Shown::non("{tag}"));
    }
    s.until(1);
    let lines = s.sent_lines();
    assert_eq!(lines.len(), 18);
    let resource =
        |line: &String| line.split(" to ").nth(1).and_then(|rest| rest.split(':').next()).unwrap()[..1].to_owned();
    let order: Vec<_> = lines.iter().map(resource).collect();
    if C::INDEXED {
        assert_eq!(order[..6], ["1", "2", "3", "1", "2", "3"], "{order:?}");
        assert_eq!(order[6..], ["1", "2"].repeat(6), "{order:?}");
    } else {
        // One after the other as they lie, each once before anybody is told twice.
        assert_eq!(order, [["1"; 8].as_slice(), &["2"; 8], &["3"; 2]].concat(), "{order:?}");
    }
    for tag in [10, 110, 13, 113, 20, 120, 30, 130] {
        assert_eq!(lines.iter().filter(|line| line.ends_with(&format!("\"{tag}\""))).count(), 1, "{lines:?}");
    }
    for peer in (10..14).chain(20..24).chain(30..31) {
        s.forget(2, peer);
    }
    s.all_free(900_000);
}

/// RFC 7959 2.6: the size of a block that the registration asked for comes back with each notification.
fn rfc7959_section2_6_the_size_of_a_block<C: Scale>() {
    let mut s = roomy::<C>(Config { known: |_| true, ..rapid() });
    s.observer(0, PEER, 1, "4a", 3, 0);
    s.recv(0, OTHER, &format!("CON GET mid=0x0001 token=4b [Observe: 0, {}: 0x02]", OptionNumber::BLOCK2.get()));
    let id = s.asked_by(OTHER);
    s.accept(0, id, 3, 0, "").sent(0, OTHER, "ACK 2.05 Content mid=0x0001 token=4b [Observe: $o]");
    s.changes(0, 3, Shown::non("{size}"));
    s.sent(0, PEER, r#"NON 2.05 Content mid=$a token=4a [Observe: $p] payload 4 bytes "none""#);
    s.sent(0, OTHER, r#"NON 2.05 Content mid=$b token=4b [Observe: $p] payload 2 bytes "64""#);
    s.forget(0, PEER).forget(0, OTHER);
    s.all_free(900_000);
}

/// With no exchange to be had, an observer stays due; it is told when one is free. What the application leaves out is left out.
fn issue_4_full_tables<C: Scale>() {
    let mut s = Script::new(steady(), Fixed::<u16, 4, 2, 512, 8, 0, C>::new());
    for peer in 0..4 {
        s.observer(0, peer, 1, "4a", 3, 0);
    }
    s.changes(1_000, 3, Shown::con("a"));
    s.sent_any_as(0, "a");
    s.sent_any_as(1, "b");
    s.until(1_500).silence();
    s.recv(1_500, 1, "ACK Empty mid=$b");
    s.sent_any_as(3, "d");
    s.recv(1_600, 0, "RST Empty mid=$a");
    s.sent_any_as(2, "c");
    s.recv(1_700, 2, "ACK Empty mid=$c");
    s.recv(1_700, 3, "ACK Empty mid=$d").silence();
    assert_eq!(observers(&mut s), slots::<C>(3, 1));
    // Whoever is ended by the application is told nothing.
    s.changes(2_000, 3, Shown { skip: true, ..Shown::con("") }).silence();
    s.until(200_000).silence();
    for peer in 1..4 {
        s.forget(200_000, peer);
    }
    s.all_free(900_000);
    assert_eq!(s.ep.usage(), Usage::default());
}
