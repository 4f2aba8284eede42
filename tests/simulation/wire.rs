//! What must hold of the datagrams themselves, looked at after a run.

use coaplet::sim::{Kind, Record};
use coaplet::{Message, Transmission, Type};
use std::collections::{HashMap, HashSet};

fn parse(record: &Record) -> Message<'_> {
    Message::parse(&record.bytes).expect("an honest network, and endpoints that write well")
}

fn is_request(record: &Record) -> bool {
    parse(record).code().is_request()
}

/// Each request that arrived was seen, once, and no other.
pub fn seen_exactly_once(records: &[Record], at: u16, seen: &HashMap<(u16, u32), u32>) -> Result<(), String> {
    let arrived: HashSet<(u16, u32)> = records
        .iter()
        .filter(|r| r.kind == Kind::Delivered && r.to == at && is_request(r))
        .map(|r| (r.from, u32::from_be_bytes(parse(r).payload().try_into().unwrap())))
        .collect();
    for key in &arrived {
        if seen.get(key) != Some(&1) {
            return Err(format!("request {:x} arrived and was seen {:?} times", key.1, seen.get(key)));
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

/// A duplicate CON gets at once what the first one got, or the Empty ACK.
pub fn replies_stand(records: &[Record]) -> Result<(), String> {
    // What was sent in an ACK with content, by who, to whom, and for which Message ID.
    let mut replies: HashMap<(u16, u16, u16), &[u8]> = HashMap::new();
    let mut arrived = HashSet::new();
    let mut acknowledged = HashSet::new();
    for (index, record) in records.iter().enumerate() {
        let message = parse(record);
        let id = message.message_id();
        if record.is_sent() {
            if message.message_type() == Type::Acknowledgement && !message.code().is_empty() {
                let before = replies.insert((record.from, record.to, id), &record.bytes);
                if before.is_some_and(|before| before != record.bytes) {
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
        let reply = reply.map(|r| (parse(r).message_id(), parse(r).message_type(), &r.bytes[..]));
        let wrong = |what: &str| {
            Err(format!("at {} ms, {what} for {message} to {}: {reply:?}", record.at.as_millis(), record.to))
        };
        if message.code().is_request() {
            let first = arrived.insert(key);
            match (first, replies.get(&key), reply) {
                (true, _, None) => {}
                (true, ..) => return wrong("an immediate reply"),
                (false, Some(&stored), Some((_, _, bytes))) if stored == bytes => {}
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
pub fn transmissions(records: &[Record], transmission: &Transmission) -> Result<(), String> {
    let mut sent: HashMap<(u16, u16, u16), (&Record, Vec<u64>)> = HashMap::new();
    for record in records.iter().filter(|r| r.is_sent()) {
        let message = parse(record);
        if !matches!(message.message_type(), Type::Confirmable | Type::NonConfirmable) {
            continue;
        }
        let key = (record.from, record.to, message.message_id());
        let (first, times) = sent.entry(key).or_insert((record, Vec::new()));
        if first.bytes != record.bytes {
            return Err(format!("one Message ID for {} and {message}", parse(first)));
        }
        times.push(record.at.as_millis());
    }
    let mut spans: HashMap<(u16, u16), Vec<(u64, u64)>> = HashMap::new();
    for ((from, to, _), (record, times)) in &sent {
        let message = parse(record);
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
