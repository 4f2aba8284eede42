//! Programs under test: the examples, found or built, and whatever else; each within a time limit, none left behind.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long a program may take, on a machine with much else to do.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How long an answer over the loopback interface may take.
pub const ANSWER: Duration = Duration::from_secs(20);

/// An example, ready to be run with arguments.
pub fn example(name: &str) -> Command {
    Command::new(example_path(name))
}

/// Where Cargo put an example. `cargo test` builds them all; `cargo test --test examples` builds none.
fn example_path(name: &str) -> PathBuf {
    // One build at a time, and one look at the sources.
    static READY: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let test = env::current_exe().expect("the path of this test");
    // target/PROFILE/deps/TEST
    let profile = test.ancestors().nth(2).expect("the directory of the profile");
    let path = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !ready.iter().any(|ready| ready == name) {
        if !is_fresh(name, &path) {
            build(name, profile);
        }
        assert!(path.is_file(), "{} is not there, although cargo built it", path.display());
        ready.push(name.to_owned());
    }
    path
}

/// With which features: for all that need some the same, so that they share one build.
fn features(name: &str) -> &'static str {
    let needs = ["std_", "tokio_", "nal_"].iter().any(|start| name.starts_with(start));
    if needs { "cli,tokio,embedded_nal,embedded_nal_async" } else { "" }
}

fn build(name: &str, profile: &Path) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--example", name, "--features", features(name), "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(profile.parent().expect("the target directory"));
    match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(name) => {
            cargo.args(["--profile", name]);
        }
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "cargo build --example {name}: {status}");
}

/// Whether an example is there and younger than all that it is made of.
fn is_fresh(name: &str, program: &Path) -> bool {
    let Ok(made) = program.metadata().and_then(|data| data.modified()) else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src".to_owned(), format!("examples/{name}"), format!("examples/{name}.rs")];
    sources.iter().all(|source| newest(&root.join(source)) <= made)
}

/// When the youngest file in a directory, or a file, was changed; what is not there never was.
fn newest(path: &Path) -> SystemTime {
    if let Ok(entries) = path.read_dir() {
        return entries.flatten().map(|entry| newest(&entry.path())).max().unwrap_or(SystemTime::UNIX_EPOCH);
    }
    path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("standard output is UTF-8")
    }
}

/// Runs a program to its end. Longer than [`LIMIT`] is a failure.
pub fn run(command: &mut Command, input: &[u8]) -> Ended {
    let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let input = input.to_vec();
    let mut stdin = running.child.stdin.take().expect("a pipe");
    // A program that does not read its input to the end is no failure.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = collect(running.child.stdout.take().expect("a pipe"));
    let stderr = collect(running.child.stderr.take().expect("a pipe"));
    let status = running.wait(LIMIT);
    let stdout = stdout.recv_timeout(LIMIT).expect("standard output ends");
    let stderr = stderr.recv_timeout(LIMIT).expect("standard error ends");
    Ended { status, stdout, stderr: String::from_utf8(stderr).expect("standard error is UTF-8") }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.read_to_end(&mut all);
        sender.send(all)
    });
    receiver
}

/// A program that runs until this is dropped.
pub struct Running {
    pub child: Child,
    name: String,
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
        Running { child, name }
    }

    /// Waits for its end; `None` if a signal ended it.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "{} is still running after {limit:?}", self.name);
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `quickstart serve`, listening.
pub struct Server {
    pub running: Running,
    pub address: SocketAddr,
    lines: Receiver<String>,
}

impl Server {
    /// Starts it on a free port of an address such as `127.0.0.1:0`, and waits until it says where it listens.
    pub fn start(bind: &str) -> Server {
        Server::start_with(bind, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(bind: &str, arguments: &[&str]) -> Server {
        Server::start_example("quickstart", &[&["serve", "--bind", bind], arguments].concat())
    }

    /// Another example that says first where it listens. What it reads is kept open.
    pub fn start_example(name: &str, arguments: &[&str]) -> Server {
        let mut command = example(name);
        let command = command.args(arguments).stdin(Stdio::piped());
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let output = BufReader::new(running.child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let first: String = lines.recv_timeout(LIMIT).expect("the server says where it listens");
        let address = first.strip_prefix("listening on ").and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok());
        Server { running, address: address.unwrap_or_else(|| panic!("no address in {first:?}")), lines }
    }

    pub fn uri(&self, path: &str) -> String {
        format!("coap://{}{path}", self.address)
    }

    /// The next line that holds this text.
    pub fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

/// A file that is gone once this is dropped.
pub struct File(PathBuf);

impl File {
    pub fn name(&self) -> &str {
        self.0.to_str().expect("a temporary directory whose name is UTF-8")
    }

    pub fn content(&self) -> Vec<u8> {
        std::fs::read(&self.0).expect("the file is there")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file with this content, under a name that no other test process has.
pub fn file(name: &str, content: &[u8]) -> File {
    let file = File(env::temp_dir().join(format!("coaplet-{}-{name}", std::process::id())));
    std::fs::write(&file.0, content).expect("a file can be written");
    file
}

/// A body in which no block is like another, as `interop/aiocoap/server.py` makes it.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + (i >> 8) * 7) as u8).collect()
}
