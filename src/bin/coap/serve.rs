//! `serve`: the files of a directory.

use crate::args::Serve;
use crate::files::Files;
use crate::request::trace;
use crate::terminal::say;
use crate::{Ending, Trouble};
use coaplet::endpoint::Output;
use coaplet::host::{Error, Resource, Serving, listening};
use coaplet::io::Udp;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often files that are observed are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// All CoAP Nodes: of IPv4, and of IPv6 on the link and in the site (RFC 7252 12.8).
const ALL_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 187);
const ALL_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfd), Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0xfd)];

pub fn run(given: &Serve) -> Result<Ending, Trouble> {
    let mut files = Files::of(&given.dir).map_err(|error| Trouble::file("serve", given.dir.display(), &error))?;
    let udp = bind(given.bind.as_deref())?;
    let address = udp.local_addr().map_err(|error| Trouble::failed(format!("no address: {error}")))?;
    join(&udp, address);
    let resources = [resources(given.write)];
    let mut serving = Serving::new(udp, &resources);
    if given.verbose > 0 {
        serving = serving.trace(trace(given.verbose > 1));
    }
    let access = if given.write { "clients may change it" } else { "read-only" };
    say(format_args!("serving {} at coap://{address}, {access}; Ctrl-C ends it", given.dir.display()));
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    let _ = ctrlc::set_handler(move || interrupt.store(true, Ordering::Relaxed));
    while !interrupted.load(Ordering::Relaxed) {
        let next = serving.now() + LOOK;
        while serving.now() < next {
            if let Some(Output::Broken(transfer, _)) = serving.turn(&mut files, Some(next)).map_err(Error::from)? {
                files.broken(transfer);
            }
        }
        if serving.server().endpoint().usage().observers == 0 {
            files.forget();
        }
        let crowd = files.crowd();
        for path in files.changed().into_iter().chain(crowd) {
            if !serving.server().notify(&path) {
                files.unobserved(&path);
            }
        }
    }
    files.end();
    Ok(Ending::Done)
}

/// All below the directory. What a client may not do it is told by 4.05.
fn resources(write: bool) -> Resource<Files> {
    // As long as blocks can count.
    let all = Resource::new("**").get(Files::get).observable().listing(Files::list);
    if write { all.put(Files::put).delete(Files::delete).uploads(1 << 30) } else { all }
}

fn bind(address: Option<&str>) -> Result<Udp, Trouble> {
    let port = 5683;
    let Some(address) = address else {
        // A machine may have no IPv6.
        return match Udp::bind((Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error) if !matches!(error.why.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
                Ok(Udp::bind((Ipv4Addr::UNSPECIFIED, port).into()).map_err(Error::from)?)
            }
            bound => Ok(bound.map_err(Error::from)?),
        };
    };
    Ok(Udp::bind(listening(address)?).map_err(Error::from)?)
}

/// Who listens at all addresses answers what is asked of all CoAP nodes, where the network has such.
fn join(udp: &Udp, address: SocketAddr) {
    if !address.ip().is_unspecified() {
        return;
    }
    let _ = udp.join_v4(ALL_V4, Ipv4Addr::UNSPECIFIED);
    // And of who asks on this machine, which may have no network.
    let _ = udp.join_v4(ALL_V4, Ipv4Addr::LOCALHOST);
    if address.is_ipv6() {
        let _ = ALL_V6.map(|group| udp.join_v6(group, 0));
    }
}
