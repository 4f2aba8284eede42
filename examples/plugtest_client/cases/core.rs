//! RFC 7252.

use super::{SECOND, TEXT, at, codes, etag};
use crate::client::{Client, Exchange, How, Outcome, Why};
use crate::{check, fail};
use coaplet::{Code, ContentFormat, Header, Type, Writer};

pub fn plain(c: &mut Client<'_>, message_type: Type, method: Code) -> Outcome {
    let token = c.token();
    let Exchange { sent, response, .. } = c.exchange(How { client: 0, message_type, token: &token }, method, &|w| {
        w.path("test");
        if method == Code::PUT || method == Code::POST {
            w.content_format(TEXT).payload(b"a test");
        }
    })?;
    let response = response.expect(codes(method))?;
    let message = response.message();
    if message_type == Type::Confirmable {
        check!(message.message_type() == Type::Acknowledgement, "not on the acknowledgement: {message}");
        check!(sent[2..4] == message.message_id().to_be_bytes(), "another Message ID: {message}");
    } else {
        check!(message.message_type() == Type::NonConfirmable, "not a NON: {message}");
    }
    if method == Code::GET {
        check!(
            message.content_format().is_some() && !message.payload().is_empty(),
            "without format or payload: {message}"
        );
    }
    Ok(())
}

pub fn separate(c: &mut Client<'_>, message_type: Type, token: &[u8]) -> Outcome {
    let how = How { client: 0, message_type, token };
    let Exchange { acknowledged, response, times, .. } = c.exchange(how, Code::GET, &at("separate"))?;
    let response = response.expect(&[Code::CONTENT])?;
    let message = response.message();
    check!(times == 1, "the request had to be sent {times} times");
    if message_type == Type::Confirmable {
        check!(acknowledged, "not acknowledged before the response");
        check!(message.message_type() == Type::Confirmable, "the separate response is no CON: {message}");
    }
    // It was acknowledged: it does not come again.
    let again = c.receive(0, 5 * SECOND, |message| message.token() == token && message.code().is_response())?;
    check!(again.is_none(), "the response comes again after it was acknowledged");
    Ok(())
}

pub fn with_token(c: &mut Client<'_>, token: &[u8]) -> Outcome {
    let how = How { client: 0, message_type: Type::Confirmable, token };
    // That the token is the same is looked at for each response.
    c.exchange(how, Code::GET, &at("test"))?.response.expect(&[Code::CONTENT])?;
    Ok(())
}

pub fn tokens(c: &mut Client<'_>) -> Outcome {
    (1..=8).try_for_each(|length| with_token(c, &[0xa1, 0, 0xff, 1, 2, 3, 4, 5][..length]))
}

pub fn three_segments(c: &mut Client<'_>) -> Outcome {
    let how = How { client: 0, message_type: Type::Confirmable, token: b"3" };
    let sent = c.write(how, Code::GET, &at("seg1/seg2/seg3"))?;
    check!(sent.ends_with(b"\xb4seg1\x04seg2\x04seg3"), "not three options");
    c.ask(Code::GET, &[Code::CONTENT], &at("seg1/seg2/seg3"))?;
    Ok(())
}

pub fn query(c: &mut Client<'_>) -> Outcome {
    let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path("query").query("first=1").query("second=2"))?;
    check!(heard.message().content_format().is_some(), "without a format: {}", heard.message());
    Ok(())
}

pub fn over_a_bad_path(c: &mut Client<'_>) -> Outcome {
    for _ in 0..10 {
        let token = c.token();
        let how = How { client: 0, message_type: Type::Confirmable, token: &token };
        // Each is sent again with the same bytes, and answered once.
        let Exchange { response, .. } = c.exchange(how, Code::GET, &at("test"))?;
        response.expect(&[Code::CONTENT])?;
    }
    Ok(())
}

pub fn separate_over_a_bad_path(c: &mut Client<'_>, message_type: Type) -> Outcome {
    let (mut answered, tries) = (0, 10);
    for _ in 0..tries {
        let token = c.token();
        let how = How { client: 0, message_type, token: &token };
        match c.exchange(how, Code::GET, &at("separate")) {
            Ok(exchange) => {
                let response = exchange.response.expect(&[Code::CONTENT])?;
                answered += 1;
                check!(message_type == Type::Confirmable || !exchange.acknowledged, "an ACK of a NON");
                // What comes again because the acknowledgement was lost is acknowledged again.
                if response.message().message_type() == Type::Confirmable {
                    let id = response.message().message_id();
                    while c.receive(0, 3 * SECOND, |message| message.message_id() == id)?.is_some() {
                        c.empty(0, Type::Acknowledgement, id);
                    }
                }
            }
            // A NON is lost for good.
            Err(Why::Failed(_)) if message_type == Type::NonConfirmable => {}
            Err(why) => return Err(why),
        }
    }
    let least = if message_type == Type::Confirmable { tries } else { 1 };
    check!(answered >= least, "{answered} of {tries} were answered");
    Ok(())
}

pub fn location_path(c: &mut Client<'_>) -> Outcome {
    let heard = c.ask(Code::POST, &[Code::CREATED], &|w| _ = w.path("test").content_format(TEXT).payload(b"new"))?;
    let path: Vec<_> = heard.message().location_path().flatten().collect();
    check!(path == ["location1", "location2", "location3"], "Location-Path {path:?}");
    Ok(())
}

pub fn location_query(c: &mut Client<'_>) -> Outcome {
    let heard =
        c.ask(Code::POST, &[Code::CREATED], &|w| _ = w.path("location-query").content_format(TEXT).payload(b"new"))?;
    let query: Vec<_> = heard.message().location_query().flatten().collect();
    check!(query == ["first=1", "second=2"], "Location-Query {query:?}");
    Ok(())
}

pub fn formats(c: &mut Client<'_>) -> Outcome {
    for format in [TEXT, ContentFormat::new(41)] {
        let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path("multi-format").accept(format))?;
        check!(heard.message().content_format() == Some(format), "not in {format}: {}", heard.message());
    }
    c.ask(Code::GET, &[Code::NOT_ACCEPTABLE], &|w| _ = w.path("multi-format").accept(ContentFormat::CBOR))?;
    Ok(())
}

pub fn validation(c: &mut Client<'_>) -> Outcome {
    let first = etag(&c.ask(Code::GET, &[Code::CONTENT], &at("validate"))?)?;
    let with = |w: &mut Writer<'_>| _ = w.etag(&first).path("validate");
    let valid = c.ask(Code::GET, &[Code::VALID], &with)?;
    check!(etag(&valid)? == first && valid.payload().is_empty(), "{}", valid.message());
    c.ask(Code::PUT, &[Code::CHANGED], &|w| _ = w.path("validate").content_format(TEXT).payload(b"changed"))?;
    let second = etag(&c.ask(Code::GET, &[Code::CONTENT], &with)?)?;
    check!(second != first, "the same ETag after a change");
    Ok(())
}

pub fn if_match(c: &mut Client<'_>) -> Outcome {
    let first = etag(&c.ask(Code::GET, &[Code::CONTENT], &at("validate"))?)?;
    let put = |w: &mut Writer<'_>| _ = w.if_match(&first).path("validate").content_format(TEXT).payload(b"once");
    c.ask(Code::PUT, &[Code::CHANGED], &put)?;
    c.ask(Code::PUT, &[Code::PRECONDITION_FAILED], &put)?;
    Ok(())
}

pub fn if_none_match(c: &mut Client<'_>) -> Outcome {
    // As it was before an earlier run.
    c.ask(Code::DELETE, &[Code::DELETED, Code::NOT_FOUND, Code::METHOD_NOT_ALLOWED], &at("create1"))?;
    let put = |w: &mut Writer<'_>| _ = w.if_none_match().path("create1").content_format(TEXT).payload(b"created");
    c.ask(Code::PUT, &[Code::CREATED], &put)?;
    c.ask(Code::PUT, &[Code::PRECONDITION_FAILED], &put)?;
    c.ask(Code::DELETE, &[Code::DELETED], &at("create1"))?;
    Ok(())
}

pub fn ping(c: &mut Client<'_>) -> Outcome {
    c.empty(0, Type::Confirmable, 0x7e57);
    let Some(heard) = c.receive(0, 3 * SECOND, |message| message.message_id() == 0x7e57)? else { fail!("no answer") };
    check!(heard.message().header() == Header::reset(0x7e57), "{}", heard.message());
    Ok(())
}
