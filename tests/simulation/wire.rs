//! What must hold of the datagrams themselves, looked at after a run.

use crate::world::{AGING, World, is_idempotent};
use coaplet::sim::{EVERYBODY, Kind, Record};
use coaplet::{Message, OptionNumber, Transmission, Type};
use std::collections::{HashMap, HashSet};

fn parse(record: &Record) -> Message<'_> {
    Message::parse(&record.bytes).expect("an honest network, and endpoints that write well")
}

fn is_request(record: &Record) -> bool {
    parse(record).code().is_request()
}

/// Who sends and who receives, and the Message ID.
type Key = (u16, u16, u16);

fn number(message: &Message<'_>) -> u32 {
    message.payload().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// A message without its Max-Age, and that.
fn apart(record: &Record) -> (Vec<u8>, Option<u32>) {
    let message = parse(record);
    let mut bytes = record.bytes.clone();
    let Some(value) = message.first(OptionNumber::MAX_AGE) else { return (bytes, None) };
    let start = value.as_ptr() as usize - record.bytes.as_ptr() as usize;
    bytes[start..start + value.len()].fill(0);
    (bytes, Some(message.max_age()))
}

/// Whether a message is the same again, but for a Max-Age that goes down.
fn is_again(first: &Record, record: &Record) -> bool {
    let ((bytes, fresh), (again, left)) = (apart(first), apart(record));
    let passed = record.at.since(first.at).as_secs() as u32;
    let aged = fresh.map(|fresh| if fresh <= AGING { fresh.saturating_sub(passed) } else { fresh });
    bytes == again && left == aged
}

/// Each request that arrived was seen, once, and no other. What may be processed twice may be seen each time that it arrives.
pub fn seen_exactly_once(records: &[Record], at: u16, world: &World) -> Result<(), String> {
    let seen = &world.seen;
    let mut arrived: HashMap<(u16, u32), u32> = HashMap::new();
    for record in records.iter().filter(|r| r.kind == Kind::Delivered && r.to == at && is_request(r)) {
        *arrived.entry((record.from, number(&parse(record)))).or_default() += 1;
    }
    for (key, &times) in &arrived {
        let again = is_idempotent(key.1) || world.forgotten.contains(&key.0);
        let most = if again { times } else { 1 };
        if !seen.get(key).is_some_and(|seen| (1..=most).contains(seen)) {
            return Err(format!("request {:x} arrived {times} times and was seen {:?} times", key.1, seen.get(key)));
        }
    }
    if seen.len() != arrived.len() {
        return Err(format!("{} requests arrived and {} were seen", arrived.len(), seen.len()));
    }
    Ok(())
}

/// No Confirmable message goes out twice.
pub fn nothing_twice(records: &[Record]) -> Result<(), String> {
    let mut sent = HashSet::new();
    for record in records.iter().filter(|r| r.is_sent()) {
        if !sent.insert((record.from, record.to, &record.bytes)) {
            return Err(format!("at {} ms, sent twice: {}", record.at.as_millis(), parse(record)));
        }
    }
    Ok(())
}

/// A duplicate CON gets at once what the first one got, or the Empty ACK; unless its sender was forgotten in between.
pub fn replies_stand(records: &[Record], forgotten: &HashSet<(u16, u16)>) -> Result<(), String> {
    // What was sent in an ACK with content, by who, to whom, and for which Message ID.
    let mut replies: HashMap<Key, &Record> = HashMap::new();
    let mut arrived = HashSet::new();
    let mut acknowledged = HashSet::new();
    for (index, record) in records.iter().enumerate() {
        let message = parse(record);
        let id = message.message_id();
        if forgotten.contains(&(record.from, record.to)) || forgotten.contains(&(record.to, record.from)) {
            continue;
        }
        if record.is_sent() {
            if message.message_type() == Type::Acknowledgement && !message.code().is_empty() {
                let first = replies.entry((record.from, record.to, id)).or_insert(record);
                // What is processed again is answered anew.
                if !is_idempotent(number(&message)) && !is_again(first, record) {
                    return Err(format!("at {} ms, another reply: {message}", record.at.as_millis()));
                }
            }
            continue;
        }
        if message.message_type() != Type::Confirmable {
            continue;
        }
        let key = (record.to, record.from, id);
        let next = records.get(index + 1);
        let reply = next.filter(|r| r.kind == Kind::Reply && (r.from, r.to) == (record.to, record.from));
        let again = reply.is_some_and(|reply| replies.get(&key).is_some_and(|first| is_again(first, reply)));
        let reply = reply.map(|r| (parse(r).message_id(), parse(r).message_type(), &r.bytes[..]));
        let wrong = |what: &str| {
            Err(format!("at {} ms, {what} for {message} to {}: {reply:?}", record.at.as_millis(), record.to))
        };
        if message.code().is_request() {
            let first = arrived.insert(key);
            match (first, replies.get(&key), reply) {
                (true, _, None) => {}
                (true, ..) => return wrong("an immediate reply"),
                (false, _, None) if is_idempotent(number(&message)) => {}
                (false, Some(_), Some(_)) if again => {}
                (false, None, Some((mid, Type::Acknowledgement, bytes))) if mid == id && bytes.len() == 4 => {}
                (false, ..) => return wrong("not the stored reply"),
            }
        } else {
            match reply {
                Some((mid, Type::Acknowledgement, [_, 0, _, _])) if mid == id => {
                    acknowledged.insert(key);
                }
                Some((mid, Type::Reset, _)) if mid == id && !acknowledged.contains(&key) => {}
                _ => return wrong("neither ACK nor RST"),
            }
        }
    }
    Ok(())
}

/// CON messages are sent at the right times, no more than NSTART at a time, NON once, none under the Message ID of another.
pub fn transmissions(records: &[Record], transmission: &Transmission, stranger: u16) -> Result<(), String> {
    let mut sent: HashMap<Key, (&Record, Vec<u64>)> = HashMap::new();
    let mut to_groups = HashSet::new();
    for record in records.iter().filter(|r| r.is_sent() && r.from != stranger) {
        let message = parse(record);
        if !matches!(message.message_type(), Type::Confirmable | Type::NonConfirmable) {
            continue;
        }
        let key = (record.from, record.to, message.message_id());
        let (first, times) = sent.entry(key).or_insert((record, Vec::new()));
        if !is_again(first, record) {
            return Err(format!("one Message ID for {} and {message}", parse(first)));
        }
        if times.is_empty() && apart(record).1.is_some_and(|seconds| seconds < AGING) {
            return Err(format!("old when it was first sent: {message}"));
        }
        if record.to == EVERYBODY {
            to_groups.insert((record.from, message.message_id()));
        }
        times.push(record.at.as_millis());
    }
    let mut spans: HashMap<(u16, u16), Vec<(u64, u64)>> = HashMap::new();
    for ((from, to, id), (record, times)) in &sent {
        let message = parse(record);
        // RFC 7252 8.1: a member cannot tell it from one to itself.
        if *to != EVERYBODY && to_groups.contains(&(*from, *id)) {
            return Err(format!("the Message ID of a request to a group: {message}"));
        }
        let wrong = |what| Err(format!("{what}: {message} at {times:?}"));
        if message.message_type() == Type::NonConfirmable {
            if times.len() > 1 {
                return wrong("NON sent again");
            }
            continue;
        }
        if times.len() > 5 {
            return wrong("sent too often");
        }
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        if gaps.first().is_some_and(|first| !(2_000..=3_000).contains(first)) {
            return wrong("first timeout");
        }
        if gaps.windows(2).any(|pair| pair[1] != 2 * pair[0]) {
            return wrong("not doubled");
        }
        // Known to be outstanding from its first transmission to its last.
        spans.entry((*from, *to)).or_default().push((times[0], times[times.len() - 1]));
    }
    for ((from, to), spans) in &spans {
        for &(start, _) in spans {
            let open = spans.iter().filter(|&&(first, last)| first <= start && start < last).count();
            if open > usize::from(transmission.nstart) {
                return Err(format!("{open} outstanding from {from} to {to} at {start} ms"));
            }
        }
    }
    Ok(())
}

/// Whoever asks by a long token gets it back (RFC 8974). Those of `stranger` are their number, repeated.
pub fn long_tokens_come_back(records: &[Record], stranger: u16) -> Result<(), String> {
    for record in records.iter().filter(|r| r.is_sent() && r.to == stranger) {
        let message = parse(record);
        let wanted = number(&message).to_be_bytes().repeat(message.token().len() / 4);
        if message.code().is_response()
            && (message.token().len() <= 8 || !message.payload().is_empty() && message.token() != wanted)
        {
            return Err(format!("not the token of the request: {message}"));
        }
    }
    Ok(())
}
