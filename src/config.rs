//! What an endpoint is told once: the transmission parameters of RFC 7252 4.8, what 4.8.2 derives from them, and how
//! long an answer may take.

use crate::store::pack;
use crate::time::millis;
use crate::wire::OptionNumber;
use core::time::Duration;

/// The parameters that govern how often and how long something is sent (RFC 7252 4.8), with its defaults.
///
/// Peers should use the same values (4.8.1). Times count to the millisecond, rounded up. What cannot be right is
/// brought into its range where it is used: a random factor below 1 counts as 1, an NSTART of 0 as 1, and more than
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
    /// DEFAULT_LEISURE: within what time a request to a group is answered (8.2). 5 s.
    pub default_leisure: Duration,
    /// PROBING_RATE: how many bytes a second a peer is sent that does not respond (4.7). 1; 0 counts as 1. A
    /// Non-confirmable request waits until the one before it, to a peer of which nothing was heard since, is paid for
    /// at this rate, counted from when that peer was last sent anything.
    pub probing_rate: u16,
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
        default_leisure: Duration::from_secs(5),
        probing_rate: 1,
        max_latency: Duration::from_secs(100),
    };

    /// The most retransmissions: 20. The wait for more would be longer than the clock of any exchange.
    pub const MAX_RETRANSMIT_LIMIT: u8 = 20;

    /// The longest first timeout: ACK_TIMEOUT times ACK_RANDOM_FACTOR. 3 s.
    #[must_use]
    pub const fn max_ack_timeout(&self) -> Duration {
        let factor = if self.ack_random_factor < 1000 { 1000 } else { self.ack_random_factor };
        // Thousands apart from the rest: 32-bit cores cannot divide 64 bits.
        let (timeout, factor) = (ms(self.ack_timeout), factor as u32);
        let whole = (timeout / 1000).saturating_mul(factor);
        let rest = (timeout % 1000).saturating_mul(factor) / 1000;
        Duration::from_millis(whole.saturating_add(rest) as u64)
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

/// A duration in milliseconds, at most 18 days: what is measured against a clock modulo 2^32 ms.
pub(crate) const fn ms(duration: Duration) -> u32 {
    let ms = millis(duration);
    if ms < LONGEST as u64 { ms as u32 } else { LONGEST }
}

/// The longest time that something waits for, and that passes from one call of an endpoint to the next as far as it is
/// concerned, in ms: 18 days. So what has been due for less than six when a clock jumps is still known to be behind.
pub(crate) const LONGEST: u32 = u32::MAX / 8 * 3;

/// What an endpoint is told once.
///
/// Durations count to the millisecond, rounded up, and up to 18 days.
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
    /// How long a Confirmable request waits for its answer before an Empty ACK goes out by itself (RFC 7252 5.2.2).
    /// 1 s; to be shorter than ACK_TIMEOUT.
    pub acknowledge_after: Duration,
    /// How long a request waits for its answer until 5.03 goes out by itself. 60 s.
    pub answer_timeout: Duration,
    /// The same for a request of which the application has said that it answers later. EXCHANGE_LIFETIME, 247 s.
    pub defer_timeout: Duration,
    /// How long a request of ours that is sent no more waits for its response. MAX_TRANSMIT_WAIT, 93 s; at most
    /// 11 days.
    pub response_timeout: Duration,
    /// How long a member of a group may take for an answer, over and above its way there and back. 250 s
    /// (groupcomm-bis).
    pub max_server_response_delay: Duration,
    /// How long our tokens are, in bytes. 4; 0 to 8. With fewer than 4, somebody off the path may guess one
    /// (RFC 7252 11.4), and a peer can be asked only so many things at once. To a group it is never fewer.
    pub token_length: u8,
    /// How many exchanges may wait behind NSTART for one peer. 16; with 0 none waits.
    pub queue: u8,
    /// How much of the slots for exchanges the requests of one peer may take before they are answered, in percent. 50;
    /// one slot in any case. What is more is refused with 4.29 (RFC 8516).
    pub peer_share: u8,
    /// Max-Age of a refusal: 4.29, and 5.03 when a table is full. Seconds. 10.
    pub refusal_max_age: u32,
    /// The pause between a Non-confirmable notification and the next message to the same client (RFC 7641 4.5.1): a
    /// round trip, where it is known. 3 s. A state that changes meanwhile is told once the pause is over.
    pub notification_interval: Duration,
    /// Of so many notifications to an observer one at least is Confirmable, whatever the application wishes: only so it
    /// is seen whether the client is still there. 16; 0 and 1: each of them. After 24 hours one is in any case
    /// (RFC 7641 4.5).
    pub confirm_every: u8,
    /// How long a resource stays as it is until observers that were told so by a Non-confirmable notification are told
    /// again by a Confirmable one: each is to end with the latest state (RFC 7641 4.5). 60 s, what Max-Age is by
    /// default; [`Duration::MAX`] for never.
    pub confirm_after: Duration,
    /// Whether a request that may not be processed twice is remembered until its lifetime ends even if the tables are
    /// full, so that others are refused. False: the oldest gives way.
    pub strict_dedup: bool,
    /// Whether a Non-confirmable request with an unknown critical option is answered with 4.02, as
    /// draft-ietf-core-corr-clar has it. False: rejected in silence (RFC 7252 5.4.1).
    pub non_bad_option: bool,
    /// The critical options of requests that the application understands (RFC 7252 5.4.1). A request with another one
    /// is refused: with 5.05 where it is Proxy-Uri or Proxy-Scheme (5.10.2), else with 4.02.
    pub known: fn(OptionNumber) -> bool,
    /// Whether Block1 and Block2 are understood in responses (RFC 7959): [`blockwise`](Config::blockwise) says so.
    pub blocks_in_responses: bool,
    /// The other critical options of responses that the application understands. `None`: none, as RFC 7252 defines no
    /// critical option for a response (5.9, 5.10). A response with another one is rejected.
    pub known_in_responses: Option<fn(OptionNumber) -> bool>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Config {
    fn format(&self, f: defmt::Formatter<'_>) {
        let [acknowledge, answer, response] =
            [self.acknowledge_after, self.answer_timeout, self.response_timeout].map(millis);
        defmt::write!(
            f,
            "Config({}, {=u64} ms, {=u64} ms, {=u64} ms)",
            self.transmission,
            acknowledge,
            answer,
            response
        );
    }
}

impl Config {
    /// RFC 7252's values; of the critical options Uri-Host, Uri-Port, Uri-Path, Uri-Query and Accept.
    pub const DEFAULT: Config = Config {
        transmission: Transmission::DEFAULT,
        acknowledge_after: Duration::from_secs(1),
        answer_timeout: Duration::from_secs(60),
        defer_timeout: Transmission::DEFAULT.exchange_lifetime(),
        response_timeout: Transmission::DEFAULT.max_transmit_wait(),
        max_server_response_delay: Duration::from_secs(250),
        token_length: 4,
        queue: 16,
        peer_share: 50,
        refusal_max_age: 10,
        notification_interval: Duration::from_secs(3),
        confirm_every: 16,
        confirm_after: Duration::from_secs(60),
        strict_dedup: false,
        non_bad_option: false,
        known,
        blocks_in_responses: false,
        known_in_responses: None,
    };

    /// With Block1 and Block2 among the critical options that are understood: of
    /// [`DEFAULT`](Config::DEFAULT)'s in requests, and alone in responses. Who says so serves and fetches in blocks
    /// ([`block`](crate::block)).
    #[must_use]
    pub const fn blockwise(self) -> Config {
        Config { known: |number| known(number) || number.is_block(), blocks_in_responses: true, ..self }
    }
}

/// What a [`Server`](crate::Server) understands.
impl Config {
    /// With the critical options among those that are understood on which a [`Server`](crate::Server) acts: of
    /// [`blockwise`](Config::blockwise), and If-Match, If-None-Match, Proxy-Uri and Proxy-Scheme.
    #[must_use]
    pub const fn serving(self) -> Config {
        Config { known: |number| known(number) || number.is_block() || is_served(number), ..self.blockwise() }
    }
}

/// How one request is paced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Pace {
    /// The least first timeout, and how much longer it may be, in ms.
    pub(crate) ack_timeout: u32,
    pub(crate) spread: u32,
    /// Bytes a second.
    pub(crate) probing_rate: u16,
    /// The most retransmissions.
    pub(crate) most: u8,
    pub(crate) nstart: u8,
}

impl Pace {
    pub(crate) const fn new(transmission: &Transmission) -> Pace {
        let ack_timeout = ms(transmission.ack_timeout);
        Pace {
            ack_timeout,
            spread: ms(transmission.max_ack_timeout()).saturating_sub(ack_timeout),
            probing_rate: if transmission.probing_rate == 0 { 1 } else { transmission.probing_rate },
            most: transmission.retransmissions(),
            nstart: if transmission.nstart == 0 { 1 } else { transmission.nstart },
        }
    }
}

/// What an endpoint keeps of its [`Config`]: times in ms, derived once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) pace: Pace,
    pub(crate) span: u32,
    pub(crate) exchange_lifetime: u32,
    pub(crate) non_lifetime: u32,
    pub(crate) group_lifetime: u32,
    pub(crate) leisure: u32,
    pub(crate) acknowledge_after: u32,
    pub(crate) answer_timeout: u32,
    pub(crate) defer_timeout: u32,
    pub(crate) refusal_max_age: u32,
    pub(crate) notification_interval: u32,
    pub(crate) confirm_after: u32,
    /// Packed.
    pub(crate) patience: u16,
    pub(crate) token_length: u8,
    pub(crate) queue: u8,
    pub(crate) peer_share: u8,
    pub(crate) confirm_every: u8,
    /// `strict_dedup` in bit 0, `non_bad_option` in bit 1, `blocks_in_responses` in bit 2. Three `bool` would have room for
    /// `None` of an `Option<Rules>`, which then were not zeros: and an endpoint in a `static` is to be nothing but zeros.
    choices: u8,
    pub(crate) known: fn(OptionNumber) -> bool,
    pub(crate) known_in_responses: Option<fn(OptionNumber) -> bool>,
}

impl Rules {
    pub(crate) const fn strict_dedup(&self) -> bool {
        self.choices & 1 != 0
    }

    pub(crate) const fn non_bad_option(&self) -> bool {
        self.choices & 2 != 0
    }

    pub(crate) const fn blocks_in_responses(&self) -> bool {
        self.choices & 4 != 0
    }

    pub(crate) const DEFAULT: Rules = Rules::new(&Config::DEFAULT);

    pub(crate) const fn new(config: &Config) -> Rules {
        let transmission = &config.transmission;
        let group = transmission.non_lifetime().saturating_add(transmission.max_latency);
        Rules {
            pace: Pace::new(transmission),
            span: ms(transmission.max_transmit_span()),
            exchange_lifetime: ms(transmission.exchange_lifetime()),
            non_lifetime: ms(transmission.non_lifetime()),
            group_lifetime: ms(group.saturating_add(config.max_server_response_delay)),
            leisure: ms(transmission.default_leisure),
            acknowledge_after: ms(config.acknowledge_after),
            answer_timeout: ms(config.answer_timeout),
            defer_timeout: ms(config.defer_timeout),
            refusal_max_age: config.refusal_max_age,
            notification_interval: ms(config.notification_interval),
            confirm_after: ms(config.confirm_after),
            patience: pack(ms(config.response_timeout)),
            token_length: if config.token_length > 8 { 8 } else { config.token_length },
            queue: config.queue,
            peer_share: if config.peer_share > 100 { 100 } else { config.peer_share },
            confirm_every: config.confirm_every,
            choices: config.strict_dedup as u8
                | (config.non_bad_option as u8) << 1
                | (config.blocks_in_responses as u8) << 2,
            known: config.known,
            known_in_responses: config.known_in_responses,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::DEFAULT
    }
}

/// The critical options of RFC 7252 that any server acts on. A condition or a proxy's option that an application
/// overlooks would be worse than one that is refused: who acts on If-Match, If-None-Match, Proxy-Uri or Proxy-Scheme
/// says so.
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

fn is_served(number: OptionNumber) -> bool {
    matches!(
        number,
        OptionNumber::IF_MATCH | OptionNumber::IF_NONE_MATCH | OptionNumber::PROXY_URI | OptionNumber::PROXY_SCHEME
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
            default_leisure: Duration::MAX,
            probing_rate: 0,
        };
        assert!(wild.exchange_lifetime() > Duration::from_secs(1 << 40));
        assert!(wild.max_transmit_wait() > Duration::from_secs(86_400));
        let rules = Rules::new(&Config { transmission: wild, ..Config::DEFAULT });
        assert_eq!((rules.exchange_lifetime, rules.span, rules.group_lifetime), (LONGEST, LONGEST, LONGEST));
        assert_eq!((rules.pace.nstart, rules.pace.probing_rate, rules.pace.most), (1, 1, 20));
        let none = Transmission { max_retransmit: 0, ack_random_factor: 0, ..Transmission::DEFAULT };
        assert_eq!(none.max_transmit_span(), Duration::ZERO);
        assert_eq!(none.max_transmit_wait(), Duration::from_secs(2));
    }
}
