//! Messages (RFC 7252 section 4): Message IDs, retransmission, NSTART, and what is remembered for duplicates.
//!
//! What it guarantees: each step is bounded, whatever is held; nothing live is harmed when a table is full; and no
//! Message ID is used twice for one peer within EXCHANGE_LIFETIME.
//!
//! What of ours is to be confirmed, a request, a ping or a separate response:
//!
//! ```text
//!             ┌────────── NSTART ──────────┐
//!  confirm ──►│ waits ──► its turn comes   │──► outstanding ──┬─► acknowledged ─┐
//!             └────────────────────────────┘      ▲    │      ├─► reset ────────┼─► ended, and told by `poll`
//!                                                 └────┘      └─► given up ─────┘   if need be
//!                                              sent again
//! ```
//!
//! A request of ours that was acknowledged goes on: its response is to come. A request of a peer's is remembered:
//!
//! ```text
//!  answered ──► remembered ──┬─► its lifetime is over ──────────────┬─► forgotten
//!                            └─► a table is full, and it gives way ─┘
//! ```
//!
//! An exchange is let in by the endpoint, which knows what a message means; from then on [`Engine`] does with it what
//! the messages say: [`confirm`] starts and repeats, [`ended`] ends, [`remembered`] keeps, [`peers`] counts, [`observers`]
//! has those who are told without having asked again.

mod confirm;
mod ended;
mod observers;
mod peers;
mod remembered;
mod statistics;

pub(crate) use confirm::Again;
pub(crate) use ended::Outcome;
pub(crate) use observers::Turn;
pub use statistics::Statistics;
pub(crate) use statistics::{Counter, Counters};

use crate::config::Rules;
use crate::exchange::{Handle, Observing};
use crate::random::Random;
use crate::roles::Roles;
use crate::store::{Held, Ids, Layout, Link, List, Scale, Store, Zeros};
use crate::wire::Header;
use core::marker::PhantomData;

/// What an endpoint knows apart from its store.
#[derive(Clone, Debug)]
// In this order, as `Engine`.
#[repr(C)]
pub(crate) struct Core<C: Scale> {
    pub(crate) observing: Observing,
    /// The Message IDs towards all peers; where there is an index, those of peers that gave way.
    pub(crate) ids: Ids,
    /// How many exchanges are remembered.
    pub(crate) remembered: u32,
    /// A CON request that was let in just now, as a link: it is put into its list when the next one comes, or `poll` is
    /// called. Most are answered before, and never are in it. Where there is an index.
    pub(crate) fresh: Link,
    /// The slots below it are to be looked through for exchanges of peers that were forgotten.
    pub(crate) sweep: u32,
    /// The Message IDs of requests to groups.
    pub(crate) group: Ids,
    /// Peers to which nothing refers, oldest first. Where there is an index.
    pub(crate) idle: List,
    /// What is remembered, oldest first, as [`remembered`] has it. Where there is an index.
    pub(crate) lists: C::Lists,
    #[cfg(test)]
    pub(crate) hooks: Hooks,
}

/// Faults that a test puts in, to see that it would find them.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) ignore_acks: bool,
    pub(crate) no_deduplication: bool,
    pub(crate) endless_retransmission: bool,
}

impl<C: Scale> Core<C> {
    /// `first`: where there is no index, the first Message ID.
    pub(crate) const fn new(first: u16) -> Core<C> {
        let mut ids = Ids::NONE;
        ids.begin(first);
        Core {
            remembered: 0,
            lists: C::Lists::EMPTY,
            fresh: 0,
            idle: List::EMPTY,
            ids,
            group: Ids::NONE,
            sweep: 0,
            observing: Observing::NONE,
            #[cfg(test)]
            hooks: Hooks { ignore_acks: false, no_deduplication: false, endless_retransmission: false },
        }
    }
}

/// What a call works on: all that is held, and what the endpoint knows beside it.
///
/// It is one value, and each step gets a reference to it and nothing else. Where the endpoint lies in a `static`, that is a
/// constant, and the compiler knows the address of every field.
// In this order: Thumb reaches what is near the beginning by its short instructions, and the tables are large.
#[repr(C)]
pub(crate) struct Engine<S: Store, R> {
    pub(crate) core: Core<<S::Layout as Layout>::Scale>,
    pub(crate) held: Held<S>,
    /// `None`: those of the roles.
    pub(crate) rules: Option<Rules>,
    pub(crate) counters: Counters,
    roles: PhantomData<R>,
}

// By hand: derived, it would ask the same of `R`, of which no value is kept.
impl<S: Store + Clone, R> Clone for Engine<S, R> {
    fn clone(&self) -> Engine<S, R> {
        let Engine { core, held, rules, counters, roles } = self;
        Engine { core: core.clone(), held: held.clone(), rules: *rules, counters: counters.clone(), roles: *roles }
    }
}

impl<S: Store, R: Roles> Engine<S, R> {
    pub(crate) const fn new(rules: Option<Rules>, random: Random, store: S) -> Engine<S, R> {
        let first = if S::INDEXED { 0 } else { random.first() };
        Engine {
            core: Core::new(first),
            held: Held::new(store, random),
            rules,
            counters: Counters::ZERO,
            roles: PhantomData,
        }
    }

    /// By what the application names an exchange.
    #[inline(always)]
    pub(crate) fn handle_of(&self, index: u32) -> Handle {
        let generation = self.held.exchanges.generation(index);
        Handle { index, generation, brand: self.held.random.brand() }
    }

    /// The slot that was meant, if it is still the same exchange, and ours. One that is released has another generation.
    #[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(always))]
    pub(crate) fn meant(&self, handle: Handle) -> Option<u32> {
        let Handle { index, generation, brand } = handle;
        (self.held.exchanges.is_of(index, generation) && self.held.random.brand() == brand).then_some(index)
    }

    pub(crate) fn count(&mut self, counter: Counter) {
        if R::HAS.statistics || R::HAS.recycled && matches!(counter, Counter::Recycled) {
            self.counters.add(counter);
        }
    }

    /// Whether a datagram was given out to be sent.
    pub(crate) fn count_sent(&mut self, sent: bool) {
        if R::HAS.statistics && sent {
            self.counters.add(Counter::Sent);
        }
    }

    /// The same of a response or notification.
    pub(crate) fn count_made<T, E>(&mut self, made: &Result<Option<T>, E>) {
        self.count_sent(matches!(made, Ok(Some(_))));
    }

    /// The rules: those of the roles are constants.
    #[inline(always)]
    pub(crate) fn rules(&self) -> Rules {
        const { crate::roles::rules::<R>() }.or(self.rules).unwrap_or(Rules::DEFAULT)
    }
}

/// Writes an Empty message.
#[cfg_attr(any(all(target_os = "none", not(coaplet_fast)), coaplet_small), inline(never))]
pub(crate) fn write(tx: &mut [u8], header: Header) -> Option<usize> {
    *tx.first_chunk_mut()? = header.to_bytes(0);
    Some(4)
}
