//! Scrubs data that arrives in pieces.

use bytes::{Bytes, BytesMut};

use super::Echoes;

/// Removes secrets from a stream of pieces, including secrets that span two pieces.
pub(in crate::adapters::egress) struct Scrubber {
    /// The tail of the received data, held back because a secret may begin there.
    held: BytesMut,
    /// How many of the bytes held back belong to a secret that began before them.
    hidden: usize,
}

impl Scrubber {
    pub(in crate::adapters::egress) fn new() -> Self {
        Self { held: BytesMut::new(), hidden: 0 }
    }

    /// Returns what can be passed on of a new piece and the data held back.
    pub(in crate::adapters::egress) fn next(&mut self, echoes: &Echoes, piece: Bytes) -> Bytes {
        if echoes.is_empty() {
            return piece;
        }
        self.held.extend_from_slice(&piece);
        let ready = echoes.scrub(&mut self.held, &mut self.hidden, false);
        self.held.split_to(ready).freeze()
    }

    /// Returns the data held back, once nothing follows.
    pub(in crate::adapters::egress) fn end(&mut self, echoes: &Echoes) -> Bytes {
        echoes.scrub(&mut self.held, &mut self.hidden, true);
        self.held.split().freeze()
    }

    /// Returns whether nothing is held back.
    pub(in crate::adapters::egress) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
