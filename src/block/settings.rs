//! What a transfer is told once.

use crate::wire::Block;

/// How a transfer goes, of either direction and role. What a role has no use for it does not look at.
///
/// ```
/// use coaplet::block::Settings;
///
/// // A radio with datagrams of 127 bytes.
/// let thread = Settings::for_messages_of(127);
/// assert_eq!((thread.block_size, thread.early), (64, true));
/// // The same, to a server whose representations change often.
/// let patient = Settings { restarts: 5, ..thread };
/// # let _ = patient;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// The largest block, in bytes. 1024; 16 to 1024, brought into that range and down to a power of two. Blocks only
    /// ever become smaller: by what fits, and by what the peer wants.
    pub block_size: u16,
    /// The longest message, in bytes from the first of its header to the last of its payload. 1152 (RFC 7252 4.6). Of
    /// what we send it is the limit; of what a server sends us 40 bytes are thought to be header, token and options.
    pub max_message: u16,
    /// The longest body that is taken, in bytes. 1 GiB, which no body of blocks exceeds.
    pub max_body: u32,
    /// Whether the first request says already how large the blocks of the answer may be (RFC 7959 2.4). False: the
    /// server chooses the size of the first one, up to 1024 bytes, and a server that knows nothing of blocks answers
    /// too. True wherever a message of 1152 bytes does not fit into the buffer of what is received.
    pub early: bool,
    /// Whether the client asks how large the body of the answer is (Size2), and tells of its own (Size1). True.
    pub sizes: bool,
    /// How often in a row a block is asked for, or sent, in a new exchange when an exchange has timed out. 4.
    pub block_retries: u8,
    /// How often a transfer starts over: when the representation has changed (RFC 7959 2.4), or a server has lost the
    /// first blocks (4.08). 2; with 0 it fails at the first such.
    pub restarts: u8,
}

impl Settings {
    /// Blocks of up to 1024 bytes in messages of up to 1152.
    pub const DEFAULT: Settings = Settings {
        block_size: 1024,
        max_message: 1152,
        max_body: 1 << 30,
        early: false,
        sizes: true,
        block_retries: 4,
        restarts: 2,
    };

    /// For messages of at most so many bytes, header and options included: the block size that leaves 40 bytes for
    /// these, 16 to 1024, named from the first request on.
    #[must_use]
    pub const fn for_messages_of(max_message: u16) -> Settings {
        let szx = fitting(max_message);
        Settings { block_size: 16 << szx, max_message, early: true, ..Settings::DEFAULT }
    }

    /// SZX of the largest block that we ask for: one that fits into a message of ours.
    pub(super) const fn szx(&self) -> u8 {
        let (wanted, fitting) = (self.wanted_szx(), fitting(self.max_message));
        if wanted < fitting { wanted } else { fitting }
    }

    /// SZX of the largest block, whether it fits or not.
    pub(super) const fn wanted_szx(&self) -> u8 {
        match Block::szx_for(self.block_size as usize) {
            Some(szx) => szx,
            None => 0,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::DEFAULT
    }
}

/// What of a message that somebody else writes is no payload: header 4, token 8, ETag 9, Content-Format 3, Max-Age 5,
/// Block2 5, Size2 5, the payload marker 1.
const BESIDES: u16 = 40;

const fn fitting(max_message: u16) -> u8 {
    match Block::szx_for(max_message.saturating_sub(BESIDES) as usize) {
        Some(szx) => szx,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let of = |max_message| Settings::for_messages_of(max_message).block_size;
        assert_eq!([0, 56, 71, 72, 103, 104, 127, 300, 1063, 1064, 65_535].map(of), {
            [16, 16, 16, 32, 32, 64, 64, 256, 512, 1024, 1024]
        });
        let szx = |block_size, max_message| Settings { block_size, max_message, ..Settings::DEFAULT }.szx();
        assert_eq!(
            [szx(1024, 1152), szx(1024, 127), szx(32, 127), szx(0, 0), szx(u16::MAX, u16::MAX)],
            [6, 2, 1, 0, 6]
        );
    }
}
