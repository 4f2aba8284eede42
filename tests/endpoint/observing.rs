//! What the scripts of observers have in common.

use super::Script;
use coaplet::store::Scale;
use coaplet::{Config, Store, Transmission};
use std::time::Duration;

/// The first timeout of a message, less the half that is drawn: what is due comes a little after.
pub fn steady() -> Config {
    Config { transmission: Transmission { ack_random_factor: 1000, ..Transmission::DEFAULT }, ..Config::DEFAULT }
}

/// NON notifications as fast as they come.
pub fn rapid() -> Config {
    Config { notification_interval: Duration::ZERO, confirm_every: 255, ..steady() }
}

/// How many slots for observers are in use.
pub fn observers<S: Store<Peer = u16>>(s: &mut Script<S>) -> u32 {
    s.ep.usage().observers
}

/// How many slots these take: with an index each resource has one, too.
pub fn slots<C: Scale>(observers: u32, resources: u32) -> u32 {
    if C::INDEXED { observers + resources } else { observers }
}
