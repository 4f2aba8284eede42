//! What an endpoint is told once: the transmission parameters of RFC 7252 4.8, what 4.8.2 derives from them, and how long
//! an answer may take.

use crate::time::millis;
use crate::wire::OptionNumber;
use core::time::Duration;

/// The parameters that govern how often and how long something is sent (RFC 7252 4.8), with its defaults.
///
/// Peers should use the same values (4.8.1). Times count to the millisecond, rounded up. What cannot be right is brought
/// into its range where it is used: a random factor below 1 counts as 1, an NSTART of 0 as 1, and more than
/// [`MAX_RETRANSMIT_LIMIT`](Transmission::MAX_RETRANSMIT_LIMIT) retransmissions as that many.
///
/// ```
/// use coaplet::Transmission;
/// use core::time::Duration;
///
/// let default = Transmission::DEFAULT;
/// assert_eq!(default.max_transmit_wait(), Duration::from_secs(93));
/// assert_eq!(default.exchange_lifetime(), Duration::from_secs(247));
///
/// // A slow radio: twice the time to acknowledge. All that follows from it grows too.
/// let slow = Transmission { ack_timeout: Duration::from_secs(4), ..default };
/// assert_eq!(slow.max_transmit_wait(), Duration::from_secs(186));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmission {
    /// ACK_TIMEOUT: the least time to the first retransmission. 2 s; below 1 s is not safe in the Internet (4.8.1).
    pub ack_timeout: Duration,
    /// ACK_RANDOM_FACTOR in thousandths: the first timeout is drawn from ACK_TIMEOUT to this multiple of it. 1500; at
    /// least 1000.
    pub ack_random_factor: u16,
    /// MAX_RETRANSMIT: how often a Confirmable message is sent again. 4; at most 20.
    pub max_retransmit: u8,
    /// NSTART: how many exchanges may be outstanding with one peer. 1; at least 1.
    pub nstart: u8,
    /// MAX_LATENCY: the longest that a datagram is thought to travel (4.8.2). 100 s.
    pub max_latency: Duration,
}

impl Transmission {
    /// The values of RFC 7252 4.8.
    pub const DEFAULT: Transmission = Transmission {
        ack_timeout: Duration::from_secs(2),
        ack_random_factor: 1500,
        max_retransmit: 4,
        nstart: 1,
        max_latency: Duration::from_secs(100),
    };

    /// The most retransmissions: 20. The wait for more would be longer than the clock of any exchange.
    pub const MAX_RETRANSMIT_LIMIT: u8 = 20;

    /// The longest first timeout: ACK_TIMEOUT times ACK_RANDOM_FACTOR. 3 s.
    #[must_use]
    pub const fn max_ack_timeout(&self) -> Duration {
        let factor = if self.ack_random_factor < 1000 { 1000 } else { self.ack_random_factor };
        Duration::from_millis(millis(self.ack_timeout).saturating_mul(factor as u64) / 1000)
    }

    /// MAX_TRANSMIT_SPAN: from the first transmission of a Confirmable message to its last. 45 s.
    #[must_use]
    pub const fn max_transmit_span(&self) -> Duration {
        times(self.max_ack_timeout(), (1 << self.retransmissions()) - 1)
    }

    /// MAX_TRANSMIT_WAIT: from the first transmission of a Confirmable message until its sender gives up. 93 s.
    #[must_use]
    pub const fn max_transmit_wait(&self) -> Duration {
        times(self.max_ack_timeout(), (2 << self.retransmissions()) - 1)
    }

    /// PROCESSING_DELAY: the longest until a node acknowledges. ACK_TIMEOUT: 2 s.
    #[must_use]
    pub const fn processing_delay(&self) -> Duration {
        self.ack_timeout
    }

    /// MAX_RTT: the longest round trip, twice MAX_LATENCY and the PROCESSING_DELAY. 202 s.
    #[must_use]
    pub const fn max_rtt(&self) -> Duration {
        times(self.max_latency, 2).saturating_add(self.processing_delay())
    }

    /// EXCHANGE_LIFETIME: after which the Message ID of a Confirmable message may be used again. 247 s.
    #[must_use]
    pub const fn exchange_lifetime(&self) -> Duration {
        self.max_transmit_span().saturating_add(self.max_rtt())
    }

    /// NON_LIFETIME: after which the Message ID of a Non-confirmable message may be used again. 145 s.
    #[must_use]
    pub const fn non_lifetime(&self) -> Duration {
        self.max_transmit_span().saturating_add(self.max_latency)
    }

    /// MAX_RETRANSMIT within its range.
    pub(crate) const fn retransmissions(&self) -> u8 {
        let limit = Transmission::MAX_RETRANSMIT_LIMIT;
        if self.max_retransmit > limit { limit } else { self.max_retransmit }
    }
}

impl Default for Transmission {
    fn default() -> Transmission {
        Transmission::DEFAULT
    }
}

const fn times(duration: Duration, factor: u64) -> Duration {
    Duration::from_millis(millis(duration).saturating_mul(factor))
}

/// What an endpoint is told once.
///
/// ```
/// use coaplet::{Config, Transmission};
///
/// let config = Config { transmission: Transmission { nstart: 4, ..Transmission::DEFAULT }, ..Config::DEFAULT };
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The parameters of RFC 7252 4.8.
    pub transmission: Transmission,
    /// How long a Confirmable request waits for its answer before an Empty ACK goes out by itself (RFC 7252 5.2.2). 1 s; to be
    /// shorter than ACK_TIMEOUT.
    pub acknowledge_after: Duration,
    /// How long a request waits for its answer until 5.03 goes out by itself. 60 s.
    pub answer_timeout: Duration,
    /// How long a request of ours that is sent no more waits for its response: MAX_TRANSMIT_WAIT, 93 s.
    pub response_timeout: Duration,
    /// The critical options that the application understands (RFC 7252 5.4.1). A message with another one is refused.
    pub known: fn(OptionNumber) -> bool,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Config {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Config { transmission, acknowledge_after, answer_timeout, response_timeout, known: _ } = self;
        let [acknowledge, answer, response] =
            [acknowledge_after, answer_timeout, response_timeout].map(|time| millis(*time));
        defmt::write!(f, "Config({}, {=u64} ms, {=u64} ms, {=u64} ms)", transmission, acknowledge, answer, response);
    }
}

impl Config {
    /// RFC 7252's values; of the critical options Uri-Host, Uri-Port, Uri-Path, Uri-Query and Accept.
    pub const DEFAULT: Config = Config {
        transmission: Transmission::DEFAULT,
        acknowledge_after: Duration::from_secs(1),
        answer_timeout: Duration::from_secs(60),
        response_timeout: Transmission::DEFAULT.max_transmit_wait(),
        known,
    };
}

impl Default for Config {
    fn default() -> Config {
        Config::DEFAULT
    }
}

/// The critical options of RFC 7252 that any server acts on. A condition or a proxy's option that an application overlooks would
/// be worse than one that is refused: who acts on If-Match, If-None-Match, Proxy-Uri or Proxy-Scheme says so.
fn known(number: OptionNumber) -> bool {
    matches!(
        number,
        OptionNumber::URI_HOST
            | OptionNumber::URI_PORT
            | OptionNumber::URI_PATH
            | OptionNumber::URI_QUERY
            | OptionNumber::ACCEPT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7252_4_8_2_table_3() {
        let default = Transmission::default();
        let seconds = Duration::from_secs;
        assert_eq!(default.max_transmit_span(), seconds(45));
        assert_eq!(default.max_transmit_wait(), seconds(93));
        assert_eq!(default.max_latency, seconds(100));
        assert_eq!(default.processing_delay(), seconds(2));
        assert_eq!(default.max_rtt(), seconds(202));
        assert_eq!(default.exchange_lifetime(), seconds(247));
        assert_eq!(default.non_lifetime(), seconds(145));
    }

    #[test]
    fn no_value_panics_or_wraps() {
        let wild = Transmission {
            ack_timeout: Duration::MAX,
            ack_random_factor: u16::MAX,
            max_retransmit: u8::MAX,
            max_latency: Duration::MAX,
            nstart: 0,
        };
        assert!(wild.exchange_lifetime() > Duration::from_secs(1 << 40));
        assert!(wild.max_transmit_wait() > Duration::from_secs(1 << 40));
        let none = Transmission { max_retransmit: 0, ack_random_factor: 0, ..Transmission::DEFAULT };
        assert_eq!(none.max_transmit_span(), Duration::ZERO);
        assert_eq!(none.max_transmit_wait(), Duration::from_secs(2));
    }
}
