//! What is asked for as if of a proxy (RFC 7252 5.7.2, 5.10.2).

use super::{Incoming, Resource, Server};
use crate::endpoint::{Endpoint, Roles, Transmit};
use crate::store::Store;
use crate::uri::{CoapUri, Host, Scheme};
use crate::wire::{Code, Header, Message, OptionNumber, Writer};
use core::borrow::BorrowMut;

/// The longest request that a Proxy-Uri stands for, without a payload: RFC 7252 has 1034 bytes for that.
const LONGEST: usize = 1152;

/// Whether a request is as if of a proxy.
pub(super) enum Proxied<'m> {
    /// It is one of ours.
    No,
    /// It is for somebody else.
    Refused,
    /// It is one of ours, by this URI.
    Ours(CoapUri<'m>),
}

impl<'m> Proxied<'m> {
    pub(super) fn of<R: Roles>(message: &Message<'m>, names: &[&str]) -> Proxied<'m> {
        // What the endpoint does not know it has refused, with 5.05.
        let known = |number| R::CONFIG.is_none_or(|config| (config.known)(number));
        if !known(OptionNumber::PROXY_URI) && !known(OptionNumber::PROXY_SCHEME) {
            return Proxied::No;
        }
        let uri = message.first(OptionNumber::PROXY_URI).is_some();
        let scheme = message.first(OptionNumber::PROXY_SCHEME).is_some();
        if !uri && !scheme {
            return Proxied::No;
        }
        if !R::HAS.own_names {
            return Proxied::Refused;
        }
        if uri {
            // 5.10.2: it takes precedence over the other options.
            let uri = message.proxy_uri().and_then(|uri| CoapUri::parse(uri).ok());
            return match uri.filter(|uri| uri.scheme() == Scheme::Coap) {
                Some(uri) if names.iter().any(|name| is_named(name, |host| is_host(&uri, host), uri.port())) => {
                    Proxied::Ours(uri)
                }
                _ => Proxied::Refused,
            };
        }
        let ours = match message.uri_host() {
            // 5.10.1: the destination of the request, which is us.
            None => message.uri_port().is_none(),
            Some(its) => {
                let port = message.uri_port().unwrap_or(Scheme::Coap.default_port());
                names.iter().any(|name| is_named(name, |host| host.eq_ignore_ascii_case(its), port))
            }
        };
        let coap = message.proxy_scheme().is_some_and(|scheme| scheme.eq_ignore_ascii_case(Scheme::Coap.name()));
        if coap && ours { Proxied::No } else { Proxied::Refused }
    }
}

/// Whether `host` or `host:port` is this host at this port.
fn is_named(name: &str, is_host: impl Fn(&str) -> bool, port: u16) -> bool {
    // An address of IPv6 has colons, in brackets.
    match name.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, its)) => is_host(host) && its.parse() == Ok(port),
        None => is_host(name) && port == Scheme::Coap.default_port(),
    }
}

fn is_host(uri: &CoapUri<'_>, host: &str) -> bool {
    match uri.host() {
        Host::Name(name) => {
            name.bytes().map(|byte| byte.to_ascii_lowercase()).eq(host.bytes().map(|byte| byte.to_ascii_lowercase()))
        }
        literal => {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            literal.ip().is_some() && bare.parse().ok() == literal.ip()
        }
    }
}

impl<S, St: Store, R: Roles, E: BorrowMut<Endpoint<St, R>>, D: Resource<S, St::Peer> + ?Sized>
    Server<'_, S, St, R, E, D>
{
    /// Answers a request by the URI that it is for.
    #[inline(never)]
    pub(super) fn answer_proxied(
        &mut self,
        state: &mut S,
        request: &Incoming<'_, St::Peer>,
        uri: CoapUri<'_>,
        tx: &mut [u8],
    ) -> Option<Transmit<St::Peer>> {
        let message = request.message;
        let mut buffer = [0; LONGEST];
        let header = Header::new(message.message_type(), message.code(), message.message_id());
        let mut w = Writer::new(&mut buffer, header, &[]);
        w.uri(&uri);
        for (number, value) in message.options() {
            let replaced = matches!(
                number,
                OptionNumber::PROXY_URI
                    | OptionNumber::URI_HOST
                    | OptionNumber::URI_PORT
                    | OptionNumber::URI_PATH
                    | OptionNumber::URI_QUERY
            );
            if !replaced {
                w.insert(number, value);
            }
        }
        let local = w.finish().ok().and_then(|length| Message::parse(buffer.get(..length)?).ok());
        match local {
            Some(local) => self.answer(state, request, &local, None, tx),
            None => self.answer(state, request, message, Some(Code::BAD_REQUEST), tx),
        }
    }
}
