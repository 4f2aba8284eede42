//! Bytes of any length in memory that the caller lends: stored, read, changed in place, released.
//!
//! What it guarantees:
//!
//! - Zeros are an empty arena. What is not stored is not touched.
//! - As long as enough blocks are free, whichever they are, [`store`](Arena::store) succeeds: nothing fragments. Whether
//!   they are is known in constant time, and if not, nothing has changed.
//! - [`len`](Arena::len) and [`release`](Arena::release) take constant time; `store`, `read` and `patch` time that is
//!   proportional to the bytes. Every walk ends, whatever the links say: the length that was stored bounds it.
//!
//! Why it is built so: blocks of 32 bytes, each with a link to the next one, waste half a block on average and need no
//! search. The first one also has the length and the last block, so that a chain goes back to the free list in one
//! piece. It has room for 22 bytes, enough for a short reply; the others have 28.

/// The size of a block in bytes.
pub(crate) const BLOCK: usize = 32;
/// The link to the next block: index + 1, little endian; 0 is none.
const LINK: usize = 4;
/// The link, that of the last block (never 0 while the chain is stored), the length in 2 bytes.
const HEAD: usize = 10;
/// How many bytes can be stored at once.
pub(crate) const MAX_LEN: usize = u16::MAX as usize;

/// Bytes in the arena, held by who stored them. All zeros is nothing: no bytes, no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain(u32);

impl Chain {
    /// No bytes, no block.
    pub(crate) const NONE: Self = Self(0);

    /// Whether it is [`NONE`](Self::NONE).
    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// What an arena knows apart from its bytes. All zeros is an empty arena.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Root {
    free: u32,
    high_water: u32,
    used: u32,
}

impl Root {
    /// The root of an empty arena.
    pub(crate) const EMPTY: Self = Self { free: 0, high_water: 0, used: 0 };
}

/// A view of bytes and their root, which belong together from the first use on.
#[derive(Debug)]
pub(crate) struct Arena<'s> {
    bytes: &'s mut [u8],
    root: &'s mut Root,
}

impl<'s> Arena<'s> {
    /// A view. A rest that is no block is left alone.
    pub(crate) const fn new(bytes: &'s mut [u8], root: &'s mut Root) -> Self {
        Self { bytes, root }
    }

    /// How many blocks there are.
    pub(crate) const fn capacity(&self) -> u32 {
        let blocks = self.bytes.len() / BLOCK;
        if blocks < u32::MAX as usize { blocks as u32 } else { u32::MAX - 1 }
    }

    /// How many blocks are free.
    pub(crate) const fn free(&self) -> u32 {
        self.capacity().wrapping_sub(self.root.used)
    }

    /// Whether so many bytes can be stored now.
    pub(crate) const fn has_room(&self, len: usize) -> bool {
        len <= MAX_LEN && blocks(len) <= self.free()
    }

    /// How many bytes were stored.
    pub(crate) fn len(&self, chain: Chain) -> usize {
        self.block(chain.0).map_or(0, |&[_, _, _, _, _, _, _, _, low, high, ..]| usize::from(u16::from_le_bytes([low, high])))
    }

    /// Keeps a copy of `data`; `None` if it does not fit now, and if it is longer than [`MAX_LEN`] never. Nothing has
    /// changed then. No bytes are [`Chain::NONE`].
    pub(crate) fn store(&mut self, data: &[u8]) -> Option<Chain> {
        if data.is_empty() {
            return Some(Chain::NONE);
        }
        if !self.has_room(data.len()) {
            return None;
        }
        let first = self.take()?;
        let mut last = first;
        let mut rest = data;
        let mut head = HEAD;
        loop {
            let room = self.block_mut(last)?.get_mut(head..)?;
            let (now, later) = rest.split_at_checked(room.len()).unwrap_or((rest, &[]));
            copy(room, now);
            rest = later;
            if rest.is_empty() {
                break;
            }
            let next = self.take()?;
            set_link(self.block_mut(last)?, next);
            last = next;
            head = LINK;
        }
        set_link(self.block_mut(last)?, 0);
        let [_, _, _, _, a, b, c, d, low, high, ..] = self.block_mut(first)?;
        [*a, *b, *c, *d] = last.to_le_bytes();
        [*low, *high] = (data.len() as u16).to_le_bytes();
        Some(Chain(first))
    }

    /// Copies all bytes to the start of `out` and says how many; `None` if `out` is too small.
    pub(crate) fn read(&self, chain: Chain, out: &mut [u8]) -> Option<usize> {
        let len = self.len(chain);
        let mut rest = out.get_mut(..len)?;
        let mut link = chain.0;
        let mut head = HEAD;
        while !rest.is_empty() {
            let block = self.block(link)?;
            let data = block.get(head..)?;
            copy(rest, data);
            rest = rest.get_mut(data.len()..).unwrap_or_default();
            link = get_link(block);
            head = LINK;
        }
        Some(len)
    }

    /// Overwrites bytes from `offset` on. False, and nothing is done, if not so many were stored.
    pub(crate) fn patch(&mut self, chain: Chain, offset: usize, data: &[u8]) -> bool {
        self.len(chain).checked_sub(offset).is_some_and(|after| data.len() <= after)
            && self.overwrite(chain, offset, data).is_some()
    }

    /// Frees the bytes. False, and nothing is done, if there are none, or they were freed before and are free still.
    pub(crate) fn release(&mut self, chain: Chain) -> bool {
        let count = blocks(self.len(chain));
        let free = self.root.free;
        let Some([_, _, _, _, a, b, c, d, ..]) = self.block_mut(chain.0) else { return false };
        let last = u32::from_le_bytes([*a, *b, *c, *d]);
        [*a, *b, *c, *d] = [0; 4];
        let Some(block) = self.block_mut(last) else { return false };
        set_link(block, free);
        self.root.free = chain.0;
        self.root.used = self.root.used.saturating_sub(count);
        true
    }

    fn overwrite(&mut self, chain: Chain, offset: usize, data: &[u8]) -> Option<()> {
        let mut skip = offset;
        let mut rest = data;
        let mut link = chain.0;
        let mut head = HEAD;
        // Each round skips or writes something, but for one where `skip` ends with a block.
        while !rest.is_empty() {
            let block = self.block_mut(link)?;
            link = get_link(block);
            let room = block.get_mut(head..)?;
            head = LINK;
            if skip > room.len() {
                skip = skip.wrapping_sub(room.len());
            } else {
                let room = room.get_mut(skip..)?;
                copy(room, rest);
                rest = rest.get(room.len()..).unwrap_or_default();
                skip = 0;
            }
        }
        Some(())
    }

    /// A link to a block from the free list, or to one that was never used.
    fn take(&mut self) -> Option<u32> {
        let mut link = self.root.free;
        if link == 0 {
            link = self.root.high_water.wrapping_add(1);
            self.block(link)?;
            self.root.high_water = link;
        } else {
            self.root.free = get_link(self.block(link)?);
        }
        self.root.used = self.root.used.wrapping_add(1);
        Some(link)
    }

    fn block(&self, link: u32) -> Option<&[u8; BLOCK]> {
        self.bytes.get(start(link)?..)?.first_chunk()
    }

    fn block_mut(&mut self, link: u32) -> Option<&mut [u8; BLOCK]> {
        self.bytes.get_mut(start(link)?..)?.first_chunk_mut()
    }
}

/// How many blocks so many bytes take, up to [`MAX_LEN`].
const fn blocks(len: usize) -> u32 {
    if len == 0 {
        return 0;
    }
    // (len + 5) / 28, rounded down, is the number of blocks behind the first. It is multiplied by 2^18 / 7 rounded up,
    // since small cores cannot divide; exact up to 4 * 43,690.
    let quarter = (len as u32).wrapping_add((BLOCK - LINK - 1 - (BLOCK - HEAD)) as u32) >> 2;
    (quarter.wrapping_mul(37_450) >> 18).wrapping_add(1)
}

fn start(link: u32) -> Option<usize> {
    (link.checked_sub(1)? as usize).checked_mul(BLOCK)
}

fn get_link(&[a, b, c, d, ..]: &[u8; BLOCK]) -> u32 {
    u32::from_le_bytes([a, b, c, d])
}

fn set_link([a, b, c, d, ..]: &mut [u8; BLOCK], link: u32) {
    [*a, *b, *c, *d] = link.to_le_bytes();
}

/// Copies as much as there is and fits. (`copy_from_slice` can panic.)
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests;
