//! A client over tokio that asks for everything at once:
//! `cargo run --features tokio --example tokio_client -- coap://127.0.0.1 /lamp /time`

use coaplet::Transmission;
use coaplet::host::AsyncClient;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().ok_or("which server?")?;
    // RFC 7252 4.7 lets one request at a time be outstanding, where nothing is known of server and network.
    let transmission = Transmission { nstart: 8, ..Transmission::DEFAULT };
    let client = Arc::new(AsyncClient::connect_with(&uri, transmission).await?);
    let mut asked = JoinSet::new();
    for path in arguments {
        let client = client.clone();
        // What takes too long is dropped, and is not asked for any more.
        asked.spawn(async move { (timeout(Duration::from_secs(20), client.get(&path)).await, path) });
    }
    while let Some(answered) = asked.join_next().await {
        let (reply, path) = answered?;
        let reply = reply.map_err(|_| format!("{path}: no answer in 20 s"))??;
        println!("{path}: {} {}", reply.code(), String::from_utf8_lossy(reply.payload()));
    }
    Arc::into_inner(client).ok_or("nobody else has it")?.shutdown().await?;
    Ok(())
}
