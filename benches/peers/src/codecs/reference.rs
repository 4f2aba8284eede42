//! A hand-written reader and writer of CoAP messages: the reference behind the limits in `budget.tsv`.
//!
//! Carried over from the plan of the project (its `codec-reference.rs`), with two changes: what is used from outside is
//! `pub`, and its `main` is left out because the loop around each operation is `row.rs`'s here. It checks less than the
//! codec does: no rules about code classes and types, no extended tokens.

#![allow(dead_code, missing_docs, clippy::all)]
pub mod hand {
    #[derive(Clone, Copy, PartialEq, Debug)]
    pub enum E { Short, Version, Tkl, Nibble15, Trunc, Overflow, EmptyPayload, EmptyTrailing, Space, Order, TooLong }
    #[derive(Clone, Copy)]
    pub struct Hdr<'a> { pub ty: u8, pub code: u8, pub mid: u16, pub token: &'a [u8] }
    pub enum Item<'a> { Opt(u16, &'a [u8]), Payload(&'a [u8]), End }
    pub struct Walk<'a> { rest: &'a [u8], num: u16 }
    #[inline]
    pub fn header(b: &[u8]) -> Result<(Hdr<'_>, Walk<'_>), E> {
        let [b0, code, m0, m1, rest @ ..] = b else { return Err(E::Short) };
        if b0 >> 6 != 1 { return Err(E::Version) }
        let tkl = (b0 & 15) as usize;
        if tkl > 8 { return Err(E::Tkl) }
        if *code == 0 && (tkl != 0 || !rest.is_empty()) { return Err(E::EmptyTrailing) }
        if rest.len() < tkl { return Err(E::Trunc) }
        let (token, rest) = rest.split_at(tkl);
        Ok((Hdr { ty: b0 >> 4 & 3, code: *code, mid: u16::from_be_bytes([*m0, *m1]), token }, Walk { rest, num: 0 }))
    }
    #[inline]
    fn ext(n: u8, rest: &mut &[u8]) -> Result<u32, E> {
        match n {
            0..=12 => Ok(n as u32),
            13 => { let [a, r @ ..] = *rest else { return Err(E::Trunc) }; *rest = r; Ok(*a as u32 + 13) }
            14 => { let [a, b, r @ ..] = *rest else { return Err(E::Trunc) }; *rest = r; Ok(u16::from_be_bytes([*a, *b]) as u32 + 269) }
            _ => Err(E::Nibble15),
        }
    }
    impl<'a> Walk<'a> {
        #[inline]
        pub fn next(&mut self) -> Result<Item<'a>, E> {
            let [b, rest @ ..] = self.rest else { return Ok(Item::End) };
            let mut rest = rest;
            if *b == 0xff {
                self.rest = &[];
                return if rest.is_empty() { Err(E::EmptyPayload) } else { Ok(Item::Payload(rest)) };
            }
            let d = ext(b >> 4, &mut rest)?;
            let l = ext(b & 15, &mut rest)? as usize;
            let n = self.num as u32 + d;
            if n > 0xffff { return Err(E::Overflow) }
            if rest.len() < l { return Err(E::Trunc) }
            let (v, rest) = rest.split_at(l);
            self.rest = rest; self.num = n as u16;
            Ok(Item::Opt(n as u16, v))
        }
    }
    /// Validates everything up front; later walks cannot fail.
    #[inline]
    pub fn validate(b: &[u8]) -> Result<(Hdr<'_>, usize), E> {
        let (h, mut w) = header(b)?;
        loop { match w.next()? { Item::Opt(..) => {}, Item::Payload(p) => return Ok((h, b.len() - p.len())), Item::End => return Ok((h, b.len())) } }
    }
    pub struct Enc<'a> { buf: &'a mut [u8], pos: usize, last: u16 }
    #[inline]
    fn nib(v: u32) -> (u8, u32) { if v < 13 { (v as u8, 0) } else if v < 269 { (13, 1) } else { (14, 2) } }
    impl<'a> Enc<'a> {
        #[inline]
        pub fn new(buf: &'a mut [u8], ty: u8, code: u8, mid: u16, token: &[u8]) -> Result<Self, E> {
            if token.len() > 8 { return Err(E::Tkl) }
            let n = 4 + token.len();
            let h = buf.get_mut(..n).ok_or(E::Space)?;
            let m = mid.to_be_bytes();
            h[..4].copy_from_slice(&[0x40 | ty << 4 | token.len() as u8, code, m[0], m[1]]);
            h[4..].copy_from_slice(token);
            Ok(Enc { buf, pos: n, last: 0 })
        }
        #[inline]
        pub fn opt(&mut self, num: u16, v: &[u8]) -> Result<(), E> {
            let d = num.checked_sub(self.last).ok_or(E::Order)? as u32;
            if v.len() > 65535 + 269 { return Err(E::TooLong) }
            let l = v.len() as u32;
            let (dn, dx) = nib(d); let (ln, lx) = nib(l);
            let need = 1 + (dx + lx) as usize + v.len();
            let o = self.buf.get_mut(self.pos..).and_then(|b| b.get_mut(..need)).ok_or(E::Space)?;
            o[0] = dn << 4 | ln;
            let mut i = 1;
            if dx == 1 { o[i] = (d - 13) as u8; i += 1 } else if dx == 2 { o[i..i + 2].copy_from_slice(&((d - 269) as u16).to_be_bytes()); i += 2 }
            if lx == 1 { o[i] = (l - 13) as u8; i += 1 } else if lx == 2 { o[i..i + 2].copy_from_slice(&((l - 269) as u16).to_be_bytes()); i += 2 }
            o[i..].copy_from_slice(v);
            self.pos += need; self.last = num;
            Ok(())
        }
        #[inline]
        pub fn finish(self, payload: &[u8]) -> Result<usize, E> {
            if payload.is_empty() { return Ok(self.pos) }
            let need = 1 + payload.len();
            let o = self.buf.get_mut(self.pos..).and_then(|b| b.get_mut(..need)).ok_or(E::Space)?;
            o[0] = 0xff; o[1..].copy_from_slice(payload);
            Ok(self.pos + need)
        }
    }
}
pub struct Msg { pub ty: u8, pub code: u8, pub mid: u16, pub token: &'static [u8], pub opts: &'static [(u16, &'static [u8])], pub payload: &'static [u8] }
static P64: [u8; 64] = [b'x'; 64];
static P32: [u8; 32] = [b'y'; 32];
static P1024: [u8; 1024] = [b'z'; 1024];
pub static MSGS: [Msg; 5] = [
    // a: empty ACK
    Msg { ty: 2, code: 0, mid: 0x1234, token: &[], opts: &[], payload: &[] },
    // b: CON GET coap://host/sensors/temp?u=Cel
    Msg { ty: 0, code: 1, mid: 0x1235, token: &[1, 2, 3, 4], opts: &[(3, b"host"), (11, b"sensors"), (11, b"temp"), (15, b"u=Cel")], payload: &[] },
    // c: ACK 2.05, 8B token, ETag, Content-Format, Max-Age, 64 B
    Msg { ty: 2, code: 0x45, mid: 0x1236, token: &[1, 2, 3, 4, 5, 6, 7, 8], opts: &[(4, &[0xaa, 0xbb, 0xcc, 0xdd]), (12, &[50]), (14, &[60])], payload: &P64 },
    // d: CON 2.05 Observe(3B) Content-Format Block2 num=5 m=1 szx=6, 1024 B
    Msg { ty: 0, code: 0x45, mid: 0x1237, token: &[1, 2, 3, 4], opts: &[(6, &[1, 2, 3]), (12, &[42]), (23, &[0x5e])], payload: &P1024 },
    // e: CON PUT, 16 options, 32 B
    Msg { ty: 0, code: 3, mid: 0x1238, token: &[1, 2, 3, 4, 5, 6, 7, 8], opts: &[
        (1, &[1, 2, 3, 4]), (3, b"example.org"), (4, &[1, 2, 3, 4, 5, 6, 7, 8]), (6, &[]), (7, &[0x16, 0x33]),
        (11, b"api"), (11, b"v1"), (11, b"devices"), (11, b"thermostat-0042-living-room"), (12, &[60]),
        (15, b"u=Cel"), (15, b"limit=10"), (15, b"from=1700000000"), (17, &[60]), (39, b"coap"), (60, &[0x04, 0x00])], payload: &P32 },
];

#[derive(Clone, Copy)]
struct Sum(u64);
impl Sum {
    #[inline(always)] fn header(ty: u8, code: u8, mid: u16, token: &[u8]) -> Sum { Sum(ty as u64 + code as u64 * 3 + mid as u64 * 5 + token.len() as u64 * 7 + token.first().copied().unwrap_or(0) as u64) }
    #[inline(always)] fn option(&mut self, n: u16, v: &[u8]) { self.0 = self.0.wrapping_mul(31).wrapping_add(n as u64).wrapping_add((v.len() as u64) << 16).wrapping_add(v.first().copied().unwrap_or(0) as u64) }
    #[inline(always)] fn payload(&mut self, p: &[u8]) -> u64 { self.0.wrapping_mul(31).wrapping_add(p.len() as u64).wrapping_add(p.last().copied().unwrap_or(0) as u64) }
}
#[inline(never)]
pub fn decode(b: &[u8]) -> Option<u64> {
    let (h, mut w) = hand::header(b).ok()?;
    let mut s = Sum::header(h.ty, h.code, h.mid, h.token);
    loop { match w.next().ok()? { hand::Item::Opt(n, v) => s.option(n, v), hand::Item::Payload(p) => return Some(s.payload(p)), hand::Item::End => return Some(s.payload(&[])) } }
}
#[inline(never)]
pub fn validate_walk(b: &[u8]) -> Option<u64> {
    let (h, off) = hand::validate(b).ok()?;
    let (_, mut w) = hand::header(b).ok()?;
    let mut s = Sum::header(h.ty, h.code, h.mid, h.token);
    loop { match w.next().ok()? { hand::Item::Opt(n, v) => s.option(n, v), _ => return Some(s.payload(b.get(off..)?)) } }
}
#[inline(never)]
pub fn encode(m: &Msg, out: &mut [u8]) -> Option<usize> {
    let mut e = hand::Enc::new(out, m.ty, m.code, m.mid, m.token).ok()?;
    for (n, v) in m.opts { e.opt(*n, v).ok()? }
    e.finish(m.payload).ok()
}
