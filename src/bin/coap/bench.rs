//! `bench`: many requests at a time, and how long they take.

use crate::args::Bench;
use crate::terminal::{Bar, say, time};
use crate::{Ending, Trouble};
use coaplet::endpoint::{Event, Failure, Handle, Output, Request, RequestError};
use coaplet::host::{Client, Error};
use coaplet::io::{Address, Received, Udp, seed};
use coaplet::store::Heap;
use coaplet::uri::CoapUri;
use coaplet::{Code, Config, Endpoint, Transmission};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use textplots::{Chart, Plot, Shape};

/// How many requests a socket makes: there are 65,536 Message IDs, and each is free again minutes later (RFC 7252 4.4).
const A_SOCKET: u64 = 60_000;

/// How often the bar moves.
const LOOK: Duration = Duration::from_millis(50);

/// What one client, or all of them, have seen.
struct Tally {
    /// In microseconds.
    latencies: Histogram<u64>,
    codes: BTreeMap<String, u64>,
    worst: Ending,
    lost: u64,
    retransmitted: u64,
}

impl Tally {
    fn new() -> Result<Tally, Trouble> {
        // From a microsecond to an hour, to three digits.
        let latencies = Histogram::new_with_bounds(1, 3_600_000_000, 3);
        let latencies = latencies.map_err(|error| Trouble::failed(format!("no histogram: {error}")))?;
        Ok(Tally { latencies, codes: BTreeMap::new(), worst: Ending::Done, lost: 0, retransmitted: 0 })
    }

    fn answered(&mut self, code: Code, took: Duration) {
        self.latencies.saturating_record(took.as_micros().try_into().unwrap_or(u64::MAX));
        *self.codes.entry(code.to_string()).or_default() += 1;
        if !code.is_success() {
            self.worst = Ending::of(code);
        }
    }

    fn add(&mut self, other: Tally) {
        let _ = self.latencies.add(&other.latencies);
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        if other.worst != Ending::Done {
            self.worst = other.worst;
        }
        self.lost += other.lost;
        self.retransmitted += other.retransmitted;
    }
}

pub fn run(given: &Bench) -> Result<Ending, Trouble> {
    // One first, which says whether there is anybody, and at which address.
    let mut first = Client::builder();
    if let Some(timeout) = given.timeout {
        first = first.timeout(timeout);
    }
    let mut first = first.connect(&given.uri)?;
    first.get("")?;
    let peer = Address::to(first.peer());

    let (left, done) = (AtomicU64::new(given.requests), AtomicU64::new(0));
    let start = Instant::now();
    let mut total = Tally::new()?;
    thread::scope(|scope| {
        let work = || client(given, peer, &left, &done);
        let clients: Vec<_> = (0..given.clients).map(|_| scope.spawn(work)).collect();
        let mut bar = Bar::counting("requests");
        while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
            bar.set(done.load(Ordering::Relaxed), Some(given.requests));
            thread::sleep(LOOK.min(start.elapsed() / 8));
        }
        drop(bar);
        for client in clients {
            total.add(client.join().unwrap_or_else(|_| Err(Trouble::failed("a client has broken off")))?);
        }
        Ok::<(), Trouble>(())
    })?;
    report(given, peer, start.elapsed(), &total)?;
    Ok(if total.lost > 0 { Ending::Failed } else { total.worst })
}

/// One client: so many requests at a time, until all are made.
fn client(given: &Bench, peer: Address, left: &AtomicU64, done: &AtomicU64) -> Result<Tally, Trouble> {
    let mut tally = Tally::new()?;
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let mut more = take();
    while more {
        more = socket(given, peer, &take, done, &mut tally)?;
    }
    Ok(tally)
}

/// What one socket can do; a request is to be made to begin with, and true if one is at the end.
fn socket(
    given: &Bench,
    peer: Address,
    take: &dyn Fn() -> bool,
    done: &AtomicU64,
    tally: &mut Tally,
) -> Result<bool, Trouble> {
    let uri = CoapUri::parse(&given.uri).map_err(|error| Trouble::usage(error.to_string()))?;
    let wait = given.timeout.unwrap_or(if given.non { Duration::from_secs(2) } else { Duration::from_secs(93) });
    let transmission = Transmission { nstart: given.outstanding, probing_rate: u16::MAX, ..Transmission::DEFAULT };
    let request = if given.non { Request::get().non() } else { Request::get() }.timeout(wait);
    let mut udp = Udp::towards(peer.remote).map_err(Error::from)?;
    let store = Heap::with_bound(2, 4 * usize::from(given.outstanding) + 16, 1 << 16);
    let mut endpoint = Endpoint::new(Config { transmission, ..Config::DEFAULT.blockwise() }, seed(), store);
    let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
    let mut under_way: HashMap<Handle, Instant> = HashMap::new();
    let (mut due, mut made) = (true, 0);
    loop {
        while due && under_way.len() < usize::from(given.outstanding) && made < A_SOCKET {
            let began = Instant::now();
            let sent = endpoint.request(udp.now(), peer, request, &mut tx, |w| _ = w.uri(&uri));
            let (handle, sent) = match sent {
                Ok(sent) => sent,
                // It waits until something has come, or its time is over.
                Err(RequestError::Probing { .. } | RequestError::NoExchange) if !under_way.is_empty() => break,
                Err(error) => return Err(Error::from(error).into()),
            };
            if let Some(sent) = sent {
                udp.send(sent, &tx).map_err(Error::from)?;
            }
            under_way.insert(handle, began);
            made += 1;
            due = take();
        }
        if under_way.is_empty() {
            break;
        }
        let until = loop {
            match endpoint.poll(udp.now(), &mut tx) {
                Output::Send(again) => udp.send(again, &tx).map_err(Error::from)?,
                Output::Failed(_, Failure::Unreachable) => {
                    return Err(Error::Unreachable { peer: peer.remote }.into());
                }
                Output::Failed(handle, _) => {
                    let lost = u64::from(under_way.remove(&handle).is_some());
                    tally.lost += lost;
                    done.fetch_add(lost, Ordering::Relaxed);
                }
                Output::Idle(until) => break until,
                _ => {}
            }
        };
        if under_way.is_empty() {
            continue;
        }
        let (from, arrival, len) = match udp.receive(until, &mut rx).map_err(Error::from)? {
            Received::Datagram { from, arrival, len } => (from, arrival, len),
            Received::Unreachable { to, len } => {
                endpoint.unreachable(udp.now(), to, &rx[..len]);
                continue;
            }
            Received::Nothing => continue,
        };
        let input = endpoint.handle(udp.now(), from, arrival, &rx[..len], &mut tx);
        if let Some(reply) = input.reply {
            udp.send(reply, &tx).map_err(Error::from)?;
        }
        let Event::Response(response) = input.event else { continue };
        if let Some(began) = under_way.remove(&response.handle) {
            tally.answered(response.message.code(), began.elapsed());
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
    tally.retransmitted += u64::from(endpoint.statistics().retransmitted);
    Ok(due)
}

fn report(given: &Bench, peer: Address, took: Duration, total: &Tally) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    let answered = total.latencies.len();
    let rate = answered as f64 / took.as_secs_f64();
    let (requests, clients, outstanding) = (given.requests, given.clients, given.outstanding);
    writeln!(out, "{requests} requests to {peer}, {clients} clients with {outstanding} at a time, in {}", time(took))?;
    let codes: Vec<String> = total.codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let codes = if codes.is_empty() { "none".into() } else { codes.join(", ") };
    writeln!(out, "answers    {codes}; {rate:.0} a second")?;
    writeln!(out, "lost       {}, sent again {}", total.lost, total.retransmitted)?;
    if answered == 0 {
        say("coap: nothing was answered: check the address, and that the server is running");
        return Ok(());
    }
    let micros = |micros| time(Duration::from_micros(micros));
    let quantiles = [("50 %", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999)];
    let at = |(name, quantile)| format!("{name} {}", micros(total.latencies.value_at_quantile(quantile)));
    let (least, most) = (micros(total.latencies.min()), micros(total.latencies.max()));
    writeln!(out, "latency    least {least}, {}, most {most}", quantiles.map(at).join(", "))?;
    if out.is_terminal() {
        write!(out, "\n{}", chart(&total.latencies))?;
    }
    out.flush()?;
    Ok(())
}

/// How many answers took how long: up to what 95 of 100 did, in microseconds.
fn chart(latencies: &Histogram<u64>) -> String {
    const BARS: u64 = 60;
    let (least, most) = (latencies.min(), latencies.value_at_quantile(0.95).max(latencies.min() + BARS));
    let step = (most - least).div_ceil(BARS).max(1);
    let counts = (0..BARS).map(|bar| {
        let from = least + bar * step;
        (from as f32, latencies.count_between(from, from + step - 1) as f32)
    });
    let points: Vec<(f32, f32)> = counts.collect();
    let bars = Shape::Bars(&points);
    let mut chart = Chart::new(120, 32, least as f32, (least + BARS * step) as f32);
    let chart = chart.lineplot(&bars);
    chart.axis();
    chart.figures();
    format!("answers by their latency in microseconds, up to what 95 of 100 took\n{chart}")
}
