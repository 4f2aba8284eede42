//! The drivers, each with our own endpoints at both ends or with a peer that is written out; other implementations are asked
//! in `tests/interop/`.

mod any_executor;
mod asynchronous;
mod house;
mod never_waits;

/// A driver carries datagrams, and is short.
#[test]
fn each_driver_has_at_most_150_lines() {
    for (name, driver) in [
        ("std", include_str!("../../src/io/std.rs")),
        ("tokio", include_str!("../../src/io/tokio.rs")),
        ("embedded_nal", include_str!("../../src/io/embedded_nal/mod.rs")),
        ("embedded_nal_async", include_str!("../../src/io/embedded_nal_async.rs")),
    ] {
        let lines = driver.lines().count();
        assert!(lines <= 150, "{name}: {lines} lines");
        for protocol in ["Code::", "OptionNumber", "Message::", "Token", "Type::"] {
            // In code: examples in the docs show servers and clients.
            let code = driver.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(code.clone().all(|line| !line.contains(protocol)), "{name} knows of {protocol}");
        }
    }
}
