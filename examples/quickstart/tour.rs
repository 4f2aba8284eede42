//! What `quickstart` does without arguments: asks each resource, changes one, and looks at every answer.

use crate::client::{Answer, Client, NoAnswer};
use coaplet::{Code, ContentFormat};

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

/// Every step, and the sum; the first answer that is wrong or missing ends it.
pub fn tour(client: &mut Client) -> Result<(), NoAnswer> {
    for Step { method, path, payload, expected, is_right } in STEPS {
        let answer = client.request(*method, |request| {
            request.path(path);
            if !payload.is_empty() {
                request.content_format(ContentFormat::TEXT_PLAIN).payload(payload.as_bytes());
            }
        })?;
        if !is_right(&answer) {
            let payload = String::from_utf8_lossy(&answer.payload);
            let given = if payload.is_empty() { String::new() } else { format!(" with {payload:?}") };
            return Err(NoAnswer::Wrong(format!("{method} {path}: {}{given}, but {expected} is right", answer.code)));
        }
    }
    let trace = &client.udp.trace;
    trace.line(format_args!("\n{} requests, each answered as it should be; {}.", STEPS.len(), trace.total()));
    Ok(())
}
