//! What an endpoint counts.

macro_rules! counters {
    ($($(#[$doc:meta])* $counter:ident $field:ident,)*) => {
        /// What is counted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Counter {
            $($counter,)*
        }

        const COUNT: usize = [$(Counter::$counter),*].len();

        /// What an endpoint has counted since it was made. Each counter goes round at 2^32.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub struct Statistics {
            $($(#[$doc])* pub $field: u32,)*
        }

        impl Counters {
            /// All of them, with names.
            pub(crate) fn statistics(&self) -> Statistics {
                let [$($field),*] = self.0;
                Statistics { $($field),* }
            }
        }
    };
}

counters! {
    /// Datagrams that came in, whatever became of them.
    Received received,
    /// Datagrams that were given out to be sent, first and again.
    Sent sent,
    /// Of these, the Confirmable messages that were sent again for want of an acknowledgement (RFC 7252 4.2).
    Retransmitted retransmitted,
    /// Messages that had been seen before (4.5).
    Duplicate duplicates,
    /// Dropped: no CoAP message of version 1 (section 3).
    Malformed malformed,
    /// Dropped or reset: responses that answer no request of ours (5.3.2).
    Unmatched unmatched,
    /// Dropped: acknowledgements and resets of nothing that is outstanding (4.2).
    Unexpected unexpected,
    /// Dropped: what came by a group address and is no Non-confirmable request (8.1).
    Misaddressed misaddressed,
    /// Refused: critical options that are not understood (5.4.1), in requests and responses.
    BadOption bad_options,
    /// Refused: requests that found every slot live, or no room in the arena. With 5.03 if Confirmable, else dropped.
    Full full,
    /// Refused: requests beyond the share of their peer, with 4.29 (RFC 8516).
    OverShare over_share,
    /// Pings that were answered (4.3).
    Pinged pings,
    /// Exchanges that gave way before their lifetime had ended, because a table or the arena was full.
    Recycled recycled,
    /// Messages and requests of ours that nobody acknowledged or answered in time.
    TimedOut timeouts,
    /// Messages of ours that were reset.
    Reset resets,
    /// Requests that the application left without an answer until 5.03 went out by itself.
    Unanswered unanswered,
    /// Notifications that were given out to be sent, first and again (RFC 7641 4.2).
    Notified notifications,
    /// Observers that were taken off the list because they reset a notification, or did not acknowledge one
    /// (RFC 7641 4.5).
    Unobserved lost_observers,
    /// Notifications of a peer's that were not told because a later one was there before (RFC 7641 3.4).
    Stale stale,
    /// Responses that were not sent because the client does not want them (RFC 7967, RFC 7252 8.2).
    Suppressed suppressed,
}

/// The counters.
#[derive(Clone, Debug)]
pub(crate) struct Counters([u32; COUNT]);

impl Counters {
    pub(crate) const ZERO: Counters = Counters([0; COUNT]);

    pub(crate) fn add(&mut self, counter: Counter) {
        if let Some(count) = self.0.get_mut(counter as usize) {
            *count = count.wrapping_add(1);
        }
    }
}
