//! Scrubs what comes in pieces.

use bytes::{Bytes, BytesMut};

use super::Echoes;

/// What comes in pieces, without secrets, also those that begin in one piece and end in another.
pub(in crate::adapters::egress) struct Scrubber {
    /// The end of what came, held back because a secret may begin there.
    held: BytesMut,
}

impl Scrubber {
    pub(in crate::adapters::egress) fn new() -> Self {
        Self { held: BytesMut::new() }
    }

    /// What of a piece, and of what was held back, can go on.
    pub(in crate::adapters::egress) fn next(&mut self, echoes: &Echoes, piece: Bytes) -> Bytes {
        if echoes.is_empty() {
            return piece;
        }
        self.held.extend_from_slice(&piece);
        let ready = echoes.scrub(&mut self.held, false);
        self.held.split_to(ready).freeze()
    }

    /// What was held back, when nothing follows.
    pub(in crate::adapters::egress) fn end(&mut self, echoes: &Echoes) -> Bytes {
        echoes.scrub(&mut self.held, true);
        self.held.split().freeze()
    }

    /// Whether nothing is held back.
    pub(in crate::adapters::egress) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
