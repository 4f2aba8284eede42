//! A server over tokio: `cargo run --features tokio --example tokio_server -- 127.0.0.1:5683`. It ends with its standard input,
//! once all that it was asked before has been answered.

use coaplet::io::{Address, AsyncUdp, Carrier, Node, Serve, Udp, seed, step};
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};
use coaplet::store::Heap;
use coaplet::{Config, Endpoint, Server};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What the task that serves is told by the others.
enum Task {
    /// Slow work is done: this is its outcome.
    Done(Later, String),
    /// A second has passed.
    Tick,
    Stop,
}

struct State {
    seconds: u64,
    tasks: UnboundedSender<Task>,
}

fn uptime(state: &mut State, _: &Request<Address>, reply: Reply) -> Result<Answer, Error> {
    Ok(reply.text(&state.seconds.to_string()))
}

/// What takes its time is done by a task of its own, and many of them at once.
fn slow(state: &mut State, request: &Request<Address>, _: Reply) -> Result<Answer, Error> {
    let (later, tasks) = (request.later(), state.tasks.clone());
    let name = request.query("name").unwrap_or("you").to_owned();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        tasks.send(Task::Done(later, format!("here at last, {name}")))
    });
    Ok(Answer::Later(request.id()))
}

static ROUTES: [Route<State, Address>; 2] =
    [Route::new("uptime").get(uptime).observable().title("seconds"), Route::new("slow").get(slow).title("takes 0.5 s")];

async fn serve(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut udp = AsyncUdp::bind(coaplet::host::listening(address)?)?;
    println!("listening on {}", udp.udp().local_addr()?);
    let store = Heap::with_bound(1000, 4000, 1 << 20).observers(1000);
    let mut server = Server::new(Endpoint::new(Config::DEFAULT.serving(), seed(), store), &ROUTES);
    let (tasks, mut told) = unbounded_channel();
    let mut state = State { seconds: 0, tasks: tasks.clone() };
    let ticks = tasks.clone();
    tokio::spawn(async move {
        while ticks.send(Task::Tick).is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tasks.send(Task::Stop)
    });
    let mut node = Serve::new(&mut server, &mut state);
    let (mut rx, mut tx) = (vec![0; Udp::LONGEST], [0; 1152]);
    loop {
        let task = tokio::select! {
            Some(task) = told.recv() => task,
            more = step(&mut udp, &mut node, &mut rx, &mut tx) => {
                if more? {
                    continue;
                }
                return Ok(());
            }
        };
        match task {
            Task::Done(later, text) => {
                let sent = node.server.complete(udp.now(), &later, &mut tx, |reply| Ok(reply.text(&text)));
                // It may be over by now: the client has gone.
                if let Ok(Some(sent)) = sent {
                    udp.send(sent, &tx).await?;
                }
            }
            Task::Tick => {
                node.state.seconds += 1;
                node.server.notify("uptime");
            }
            Task::Stop => node.stop(),
        }
    }
}

// All in one thread; with more of them, the tasks of `slow` use them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5683".into());
    serve(&address).await
}
