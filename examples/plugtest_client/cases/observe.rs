//! RFC 7641.

use super::{SECOND, TEXT, at, etag};
use crate::client::{Client, Heard, How, Outcome, Why};
use crate::{check, fail};
use coaplet::{Code, ContentFormat, Type, Writer};
use std::time::Duration;

/// An observation, and the number of the last notification.
struct Observation {
    token: [u8; 4],
    number: u32,
}

fn register(c: &mut Client<'_>, path: &str) -> Outcome<(Observation, Heard)> {
    let token = c.token();
    let how = How { client: 0, message_type: Type::Confirmable, token: &token };
    let response = c.exchange(how, Code::GET, &|w| _ = w.observe(0).path(path))?.response.expect(&[Code::CONTENT])?;
    match response.message().observe() {
        Some(number) => Ok((Observation { token, number }, response)),
        None => fail!("not accepted: {}", response.message()),
    }
}

impl Observation {
    /// The next notification, acknowledged; a success has a higher number than the one before.
    fn next(&mut self, c: &mut Client<'_>, within: Duration) -> Outcome<Option<Heard>> {
        let token = self.token;
        let Some(heard) = c.receive(0, within, |message| message.token() == token && message.code().is_response())?
        else {
            return Ok(None);
        };
        let message = heard.message();
        if message.message_type() == Type::Confirmable {
            c.empty(0, Type::Acknowledgement, message.message_id());
        }
        if message.code().is_success() {
            let Some(number) = message.observe() else { fail!("a notification without Observe: {message}") };
            let ahead = number.wrapping_sub(self.number) & 0x00ff_ffff;
            check!(ahead != 0 && ahead < 1 << 23, "Observe {number} after {}", self.number);
            self.number = number;
        }
        Ok(Some(heard))
    }

    fn expect(&mut self, c: &mut Client<'_>, within: Duration) -> Outcome<Heard> {
        match self.next(c, within)? {
            Some(heard) => Ok(heard),
            None => fail!("no notification within {} s", within.as_secs()),
        }
    }

    /// No notification comes for some time.
    fn is_over(&mut self, c: &mut Client<'_>) -> Outcome {
        match self.next(c, 8 * SECOND)? {
            Some(heard) => fail!("still observed: {}", heard.message()),
            None => Ok(()),
        }
    }

    fn end(self, c: &mut Client<'_>, path: &str) -> Outcome<Heard> {
        let how = How { client: 0, message_type: Type::Confirmable, token: &self.token };
        let token = self.token;
        let response = c.exchange(how, Code::GET, &|w| _ = w.observe(1).path(path))?.response;
        // A notification may have been on its way.
        if response.message().observe().is_some() {
            let plain = c.receive(0, 3 * SECOND, |message| message.token() == token && message.observe().is_none())?;
            return plain.ok_or_else(|| Why::Failed("still with Observe".into()));
        }
        response.expect(&[Code::CONTENT])
    }
}

pub fn observe(c: &mut Client<'_>, path: &str, message_type: Type) -> Outcome {
    let (mut observation, first) = register(c, path)?;
    check!(!first.payload().is_empty(), "without a payload: {}", first.message());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let heard = observation.expect(c, 10 * SECOND)?;
        let message = heard.message();
        check!(message.code() == Code::CONTENT, "{message}");
        check!(message.message_type() == message_type, "of another type: {message}");
        check!(!ids.contains(&message.message_id()), "a Message ID twice: {message}");
        ids.push(message.message_id());
    }
    observation.end(c, path).map(drop)
}

/// What a client of the library does: it is told for how long the answer is fresh, and comes again after that. Here the
/// server says it, and lets itself be registered with once more by the same token.
pub fn registers_again(c: &mut Client<'_>) -> Outcome {
    let (mut observation, first) = register(c, "obs")?;
    let fresh = first.message().max_age();
    check!(fresh < 120, "Max-Age {fresh} is too long to wait for");
    observation.expect(c, 10 * SECOND)?;
    // Max-Age, and 5 to 15 s: as if nothing had come.
    let until = Duration::from_secs(u64::from(fresh) + 5);
    while observation.next(c, until)?.is_some_and(|_| false) {}
    let token = observation.token;
    let how = How { client: 0, message_type: Type::Confirmable, token: &token };
    let again = c.exchange(how, Code::GET, &|w| _ = w.observe(0).path("obs"))?.response.expect(&[Code::CONTENT])?;
    check!(again.message().observe().is_some(), "not accepted again: {}", again.message());
    observation.expect(c, 10 * SECOND)?;
    observation.end(c, "obs").map(drop)
}

pub fn stops_answering(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let token = observation.token;
    let mut times = 0;
    // MAX_TRANSMIT_WAIT, from the first that is not acknowledged.
    while c.receive(0, 60 * SECOND, |message| message.token() == token)?.is_some() {
        times += 1;
        check!(times <= 10, "it does not give up");
    }
    check!(times >= 5, "sent {times} times, and not again four times");
    // It has forgotten the observer.
    let quiet = c.receive(0, 10 * SECOND, |message| message.token() == token)?;
    check!(quiet.is_none(), "it goes on");
    Ok(())
}

pub fn rejects(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let token = observation.token;
    let heard = c.receive(0, 10 * SECOND, |message| message.token() == token)?;
    let Some(heard) = heard else { fail!("no notification") };
    c.empty(0, Type::Reset, heard.message().message_id());
    Observation { token, number: heard.message().observe().unwrap_or(0) }.is_over(c)
}

pub fn deleted(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    c.ask_as(1, Code::DELETE, &[Code::DELETED], &at("obs"))?;
    ended(c, &mut observation, &[Code::NOT_FOUND])?;
    // It is there again.
    c.ask(Code::GET, &[Code::CONTENT], &at("obs"))?;
    Ok(())
}

/// An error comes, after what may have been on its way, and then nothing.
fn ended(c: &mut Client<'_>, observation: &mut Observation, codes: &[Code]) -> Outcome {
    for _ in 0..5 {
        let heard = observation.expect(c, 10 * SECOND)?;
        if !heard.code().is_success() {
            check!(codes.contains(&heard.code()), "it ends with {}", heard.message());
            return observation.is_over(c);
        }
    }
    fail!("it goes on")
}

pub fn another_format(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let put = |w: &mut Writer<'_>| _ = w.path("obs").content_format(ContentFormat::JSON).payload(b"{}");
    c.ask_as(1, Code::PUT, &[Code::CHANGED], &put)?;
    ended(c, &mut observation, &[Code::NOT_ACCEPTABLE, Code::INTERNAL_SERVER_ERROR])
}

pub fn changed_by_another(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let put = |w: &mut Writer<'_>| _ = w.path("obs").content_format(TEXT).payload(b"by another");
    c.ask_as(1, Code::PUT, &[Code::CHANGED], &put)?;
    for _ in 0..5 {
        if observation.expect(c, 10 * SECOND)?.payload() == b"by another" {
            return observation.end(c, "obs").map(drop);
        }
    }
    fail!("no notification with the new value")
}

pub fn asks_meanwhile(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    let plain = c.ask(Code::GET, &[Code::CONTENT], &at("obs"))?;
    check!(plain.message().observe().is_none(), "a plain GET with Observe: {}", plain.message());
    observation.expect(c, 10 * SECOND)?;
    observation.expect(c, 10 * SECOND)?;
    observation.end(c, "obs").map(drop)
}

pub fn over_a_bad_path_observed(c: &mut Client<'_>) -> Outcome {
    let (observation, _) = register(c, "obs")?;
    let (token, mut latest, mut seen) = (observation.token, observation.number, 0);
    // Whatever is lost: what comes is ever fresher, or the same again.
    for _ in 0..60 {
        let heard = c.receive(0, SECOND, |message| message.token() == token && message.code().is_response())?;
        let Some(heard) = heard else { continue };
        if heard.message().message_type() == Type::Confirmable {
            c.empty(0, Type::Acknowledgement, heard.message().message_id());
        }
        let Some(number) = heard.message().observe() else { fail!("{}", heard.message()) };
        let ahead = number.wrapping_sub(latest) & 0x00ff_ffff;
        if ahead != 0 && ahead < 1 << 23 {
            (latest, seen) = (number, seen + 1);
        }
    }
    check!(seen >= 3, "{seen} notifications in a minute");
    // The latest value is that of a GET, or one second behind.
    observation.end(c, "obs").map(drop)
}

pub fn deregisters(c: &mut Client<'_>) -> Outcome {
    let (mut observation, _) = register(c, "obs")?;
    observation.expect(c, 10 * SECOND)?;
    let (token, number) = (observation.token, observation.number);
    let last = observation.end(c, "obs")?;
    check!(last.message().observe().is_none(), "still with Observe: {}", last.message());
    Observation { token, number }.is_over(c)
}

/// Notifications of what is larger than a block: the rest by GET, all of one and the same state.
pub fn observe_large(c: &mut Client<'_>, path: &'static str, times: usize) -> Outcome {
    let (mut observation, _) = register(c, path)?;
    for _ in 0..times {
        let heard = observation.expect(c, 30 * SECOND)?;
        let first = etag(&heard)?;
        let number = heard.message().observe();
        let (mut body, mut block) = (Vec::new(), c.next_block(&heard, &mut Vec::new())?);
        check!(times > 1 || block.is_some(), "not in blocks: {}", heard.message());
        c.next_block(&heard, &mut body)?;
        while let Some(asked) = block {
            check!(asked.num() == 0 || number.is_some(), "without Observe");
            let rest = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path(path).block2(asked))?;
            check!(rest.message().observe().is_none(), "a block with Observe: {}", rest.message());
            check!(etag(&rest)? == first, "two states in one body");
            block = c.next_block(&rest, &mut body)?;
        }
        check!(body.starts_with(b"state ") || !body.is_empty(), "an empty body");
    }
    observation.end(c, path).map(drop)
}
