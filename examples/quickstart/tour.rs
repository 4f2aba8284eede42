//! What `quickstart` does without arguments: asks each resource, changes one, and looks at every answer.

use crate::client::{Answer, Client, NoAnswer};
use crate::transfer::Transfer;
use coaplet::{Code, ContentFormat, Writer};
use indicatif::{ProgressBar, ProgressStyle};

/// A request, and whether its answer is what it should be.
struct Step {
    method: Code,
    path: &'static str,
    payload: &'static str,
    expected: &'static str,
    is_right: fn(&Answer) -> bool,
}

const STEPS: &[Step] = &[
    Step {
        method: Code::GET,
        path: "/time",
        payload: "",
        expected: "2.05 with a number of seconds",
        is_right: |answer| answer.code == Code::CONTENT && number::<u64>(answer),
    },
    Step {
        method: Code::GET,
        path: "/sensors/temp",
        payload: "",
        expected: "2.05 with a temperature",
        is_right: |answer| answer.code == Code::CONTENT && number::<f32>(answer),
    },
    Step {
        method: Code::PUT,
        path: "/led",
        payload: "on",
        expected: "2.04",
        is_right: |answer| answer.code == Code::CHANGED,
    },
    Step {
        method: Code::GET,
        path: "/led",
        payload: "",
        expected: "2.05 with \"on\"",
        is_right: |answer| answer.code == Code::CONTENT && answer.payload == b"on",
    },
    Step {
        method: Code::GET,
        path: "/slow",
        payload: "",
        expected: "2.05 with \"here at last\"",
        is_right: |answer| answer.code == Code::CONTENT && answer.payload == b"here at last",
    },
    Step {
        method: Code::GET,
        path: "/nowhere",
        payload: "",
        expected: "4.04",
        is_right: |answer| answer.code == Code::NOT_FOUND,
    },
];

fn number<N: std::str::FromStr>(answer: &Answer) -> bool {
    std::str::from_utf8(&answer.payload).is_ok_and(|text| text.trim().parse::<N>().is_ok())
}

/// How often an observer is told, after the first answer.
const NOTIFICATIONS: u32 = 3;

/// How long the file is that goes there and back.
const FILE: u32 = 100_000;

/// Every step, an observation, a file there and back, and the sum; the first answer that is wrong or missing ends it.
pub fn tour(client: &mut Client) -> Result<(), NoAnswer> {
    for Step { method, path, payload, expected, is_right } in STEPS {
        let answer = client.request(*method, |request| {
            request.path(path);
            if !payload.is_empty() {
                request.content_format(ContentFormat::TEXT_PLAIN).payload(payload.as_bytes());
            }
        })?;
        if !is_right(&answer) {
            return Err(wrong(*method, path, &answer, expected));
        }
    }
    let mut left = NOTIFICATIONS;
    let count = |request: &mut Writer<'_>| _ = request.path("/count");
    let mut others = 0;
    let observed = client.observe(None, &count, |answer| {
        others += u32::from(answer.code != Code::CONTENT || !number::<u32>(answer));
        let goes_on = left > 0;
        left = left.saturating_sub(1);
        goes_on
    })?;
    if !observed || others > 0 {
        return Err(NoAnswer::Wrong(format!("GET /count: {NOTIFICATIONS} notifications with a number are right")));
    }
    let file: Vec<u8> = (0..FILE).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let path = |request: &mut Writer<'_>| _ = request.path("/file");
    let peer = client.peer();
    let answer = with_bar(client, "PUT /file", Transfer::upload(peer, &file, None, &path))?;
    if answer.code != Code::CHANGED {
        return Err(wrong(Code::PUT, "/file", &answer, "2.04"));
    }
    let answer = with_bar(client, "GET /file", Transfer::download(peer, None, &path))?;
    if answer.code != Code::CONTENT || answer.payload != file {
        return Err(NoAnswer::Wrong(format!("GET /file: {}, and not the bytes that were sent", answer.code)));
    }
    let trace = &client.udp.trace;
    let requests = STEPS.len() + 3;
    trace.line(format_args!("\n{requests} requests, each answered as it should be; {}.", trace.total()));
    Ok(())
}

fn wrong(method: Code, path: &str, answer: &Answer, expected: &str) -> NoAnswer {
    let payload = String::from_utf8_lossy(&answer.payload);
    let given = if payload.is_empty() { String::new() } else { format!(" with {payload:?}") };
    NoAnswer::Wrong(format!("{method} {path}: {}{given}, but {expected} is right", answer.code))
}

/// A transfer, with a bar on the terminal in the place of its messages, and a line once it is through.
pub fn with_bar(client: &mut Client, what: &str, mut transfer: Transfer<'_>) -> Result<Answer, NoAnswer> {
    let (start, before) = (client.udp.now(), client.udp.trace.passed());
    client.udp.trace.silent(true);
    // On standard error, and only if that is a terminal.
    let bar = ProgressBar::no_length().with_style(style());
    bar.set_message(what.to_owned());
    let answer = client.transfer(&mut transfer, |transfer| {
        if let Some(size) = transfer.size() {
            bar.set_length(size.into());
        }
        bar.set_position(transfer.bytes().into());
    });
    bar.finish_and_clear();
    let trace = &mut client.udp.trace;
    trace.silent(false);
    let answer = answer?;
    let (passed, time) = (trace.passed(), start.as_millis());
    trace.line(format_args!(
        "{time:>6} ms  <>  {what}: {} bytes in {} messages, {} bytes in all, which are not shown: {}",
        transfer.bytes(),
        passed.0 - before.0,
        passed.1 - before.1,
        answer.code
    ));
    Ok(answer)
}

fn style() -> ProgressStyle {
    let template = "{msg} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
