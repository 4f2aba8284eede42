//! What the tests serve.

use coaplet::endpoint::Output;
use coaplet::io::Told;
use coaplet::server::{Answer, Error, Later, Reply, Request, Route};

/// How long `/long` is, in bytes.
pub const LONG: usize = 20_000;

#[derive(Default)]
pub struct House {
    /// Requests for `/later`.
    pub later: Vec<Later>,
    /// How many bytes of `/bytes` have come.
    pub bytes: usize,
    /// What `/state` is.
    pub state: Vec<u8>,
    /// What was told of the application's own.
    pub told: Vec<String>,
}

fn hello<P: Copy>(_: &mut House, _: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    Ok(reply.text("hello"))
}

fn echo<P: Copy>(_: &mut House, request: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    Ok(reply.text(request.query("say").unwrap_or("nothing")))
}

fn later<P: Copy>(house: &mut House, request: &Request<'_, P>, _: Reply<'_, '_>) -> Result<Answer, Error> {
    house.later.push(request.later());
    Ok(Answer::Later(request.id()))
}

fn long<P: Copy>(_: &mut House, _: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    Ok(reply.payload(&[b'x'; LONG]))
}

fn take<P: Copy>(house: &mut House, request: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    house.bytes = request.offset() as usize + request.payload().len();
    Ok(reply.done())
}

fn state<P: Copy>(house: &mut House, _: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    Ok(reply.payload(&house.state))
}

fn set<P: Copy>(house: &mut House, request: &Request<'_, P>, reply: Reply<'_, '_>) -> Result<Answer, Error> {
    house.state.truncate(request.offset() as usize);
    house.state.extend_from_slice(request.payload());
    Ok(reply.done())
}

pub fn routes<P: Copy>() -> [Route<House, P>; 6] {
    [
        Route::new("hello").get(hello),
        Route::new("echo").get(echo),
        Route::new("later").get(later),
        Route::new("long").get(long),
        Route::new("bytes").put(take).uploads(1 << 20),
        Route::new("state").get(state).put(set).uploads(1 << 20).observable(),
    ]
}

/// Keeps what is told.
pub fn told<P: std::fmt::Debug>(house: &mut House, told: Told<'_, P>) {
    house.told.push(match told {
        Told::Response(response) => String::from_utf8_lossy(response.message.payload()).into_owned(),
        Told::Output(Output::Failed(_, why)) => format!("{why:?}"),
        Told::Output(output) => format!("{output:?}"),
    });
}
