//! The server: each automatic answer, the table in its docs, and what goes wrong.

mod common;

mod answers;
mod basics;
mod discovery;
mod limits;
mod observe;
mod uploads;
