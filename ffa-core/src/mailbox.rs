//! A VM's RX/TX buffers, and who owns RX.
//!
//! ```text
//!             map                   begin_write            finish
//!  Unmapped ───────▶ RX empty ───────────────▶ RX written ───────▶ RX owned by the VM
//!      ▲               │  ▲                        │                     │
//!      └───── unmap ───┘  └── writer dropped ──────┘                     │
//!                         └──────────────── release ─────────────────────┘
//! ```
//! Whoever writes RX holds the buffer itself, taken out of the mailbox: nobody else can write it, and
//! unmapping it meanwhile is refused as it would be a moment later, when the VM owns it. In the same
//! way TX is held by the call that sends from it. The lock is the VM's own and never held while bytes
//! are copied or the host is called.

use spin::mutex::TicketMutex;

use crate::host::Buffer;
use crate::refusal::Refusal;

/// One VM's RX/TX buffers.
pub(crate) struct Mailbox<B> {
    state: TicketMutex<State<B>>,
}

enum State<B> {
    Unmapped,
    /// A vCPU's `FFA_RXTX_MAP` or `FFA_RXTX_UNMAP` is under way.
    Changing,
    Mapped {
        /// `None` while a call sends from it.
        tx: Option<B>,
        rx: Rx<B>,
    },
}

enum Rx<B> {
    /// The hypervisor owns it.
    Empty(B),
    /// A call is filling it; its writer has the buffer.
    Written,
    /// The VM owns it.
    Full(B),
}

/// The right to fill a VM's RX buffer. Dropped without [`RxWriter::finish`], RX is empty again.
pub(crate) struct RxWriter<'m, B> {
    mailbox: &'m Mailbox<B>,
    /// Taken only on the way back into the mailbox.
    buffer: Option<B>,
}

/// The right to send from a VM's TX buffer, until it is dropped.
pub(crate) struct TxReader<'m, B> {
    mailbox: &'m Mailbox<B>,
    /// Taken only on the way back into the mailbox.
    buffer: Option<B>,
}

/// The right to map or unmap a VM's buffers. Dropped without [`Change::finish`], there are none.
pub(crate) struct Change<'m, B> {
    mailbox: &'m Mailbox<B>,
}

impl<B: Buffer> Mailbox<B> {
    pub(crate) fn new() -> Self {
        Mailbox { state: TicketMutex::new(State::Unmapped) }
    }

    /// Begins to map; the buffers come with [`Change::finish`].
    pub(crate) fn begin_map(&self) -> Result<Change<'_, B>, Refusal> {
        let mut state = self.state.lock();
        match *state {
            State::Unmapped => {
                *state = State::Changing;
                Ok(Change { mailbox: self })
            }
            State::Changing | State::Mapped { .. } => Err(Refusal::AlreadyMapped),
        }
    }

    /// Takes the buffers, TX first, which are to be dropped before the [`Change`] is.
    pub(crate) fn begin_unmap(&self) -> Result<(B, B, Change<'_, B>), Refusal> {
        let mut state = self.state.lock();
        match core::mem::replace(&mut *state, State::Changing) {
            State::Mapped { tx: Some(tx), rx: Rx::Empty(rx) } => {
                Ok((tx, rx, Change { mailbox: self }))
            }
            State::Unmapped => {
                *state = State::Unmapped;
                Err(Refusal::NothingToUnmap)
            }
            State::Changing => Err(Refusal::NothingToUnmap),
            held @ State::Mapped { .. } => {
                let is_sending = matches!(held, State::Mapped { tx: None, .. });
                *state = held;
                Err(if is_sending { Refusal::TxBusy } else { Refusal::RxOwned })
            }
        }
    }

    /// The VM gives RX back.
    pub(crate) fn release(&self) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        let State::Mapped { rx, .. } = &mut *state else { return Err(Refusal::RxNotOwned) };
        match core::mem::replace(rx, Rx::Written) {
            Rx::Full(buffer) => {
                *rx = Rx::Empty(buffer);
                Ok(())
            }
            held => {
                *rx = held;
                Err(Refusal::RxNotOwned)
            }
        }
    }

    /// Takes TX to send from it.
    pub(crate) fn begin_send(&self) -> Result<TxReader<'_, B>, Refusal> {
        let mut state = self.state.lock();
        let State::Mapped { tx, .. } = &mut *state else { return Err(Refusal::TxNotMapped) };
        let buffer = tx.take().ok_or(Refusal::TxBusy)?;
        Ok(TxReader { mailbox: self, buffer: Some(buffer) })
    }

    /// Takes RX to fill it.
    pub(crate) fn begin_write(&self) -> Result<RxWriter<'_, B>, Refusal> {
        let mut state = self.state.lock();
        let State::Mapped { rx, .. } = &mut *state else { return Err(Refusal::RxNotMapped) };
        match core::mem::replace(rx, Rx::Written) {
            Rx::Empty(buffer) => Ok(RxWriter { mailbox: self, buffer: Some(buffer) }),
            held => {
                *rx = held;
                Err(Refusal::RxBusy)
            }
        }
    }
}

impl<B> Mailbox<B> {
    /// Puts a writer's buffer back. RX is `Written` then: nobody but its writer ends that.
    fn put_back(&self, returned: Rx<B>) {
        if let State::Mapped { rx, .. } = &mut *self.state.lock() {
            *rx = returned;
        }
    }
}

impl<B: Buffer> TxReader<'_, B> {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.buffer.as_ref().map_or(0, Buffer::size)
    }

    /// Copies from `offset` on.
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Refusal> {
        let buffer = self.buffer.as_ref().ok_or(Refusal::HostFault)?;
        Ok(buffer.read(offset, into)?)
    }
}

impl<B> Drop for TxReader<'_, B> {
    fn drop(&mut self) {
        // The buffers cannot be unmapped meanwhile.
        if let State::Mapped { tx, .. } = &mut *self.mailbox.state.lock() {
            *tx = self.buffer.take();
        }
    }
}

impl<B: Buffer> RxWriter<'_, B> {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.buffer.as_ref().map_or(0, Buffer::size)
    }

    /// Copies `bytes` to `offset`.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Refusal> {
        let buffer = self.buffer.as_mut().ok_or(Refusal::HostFault)?;
        Ok(buffer.write(offset, bytes)?)
    }

    /// Copies `length` bytes from where `from` has them to `offset`.
    pub(crate) fn copy(
        &mut self,
        offset: usize,
        from: &TxReader<'_, B>,
        from_offset: usize,
        length: usize,
    ) -> Result<(), Refusal> {
        let buffer = self.buffer.as_mut().ok_or(Refusal::HostFault)?;
        let from = from.buffer.as_ref().ok_or(Refusal::HostFault)?;
        Ok(buffer.copy(offset, from, from_offset, length)?)
    }

    /// Hands RX to the VM.
    pub(crate) fn finish(mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.mailbox.put_back(Rx::Full(buffer));
        }
    }
}

impl<B> Drop for RxWriter<'_, B> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.mailbox.put_back(Rx::Empty(buffer));
        }
    }
}

impl<B> Change<'_, B> {
    /// The buffers are mapped; RX is empty.
    pub(crate) fn finish(self, tx: B, rx: B) {
        *self.mailbox.state.lock() = State::Mapped { tx: Some(tx), rx: Rx::Empty(rx) };
        // A sibling may unmap and map from here on: that mapping is not this change's to end.
        core::mem::forget(self);
    }
}

impl<B> Drop for Change<'_, B> {
    fn drop(&mut self) {
        *self.mailbox.state.lock() = State::Unmapped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::OutOfBounds;

    struct Page;

    impl Buffer for Page {
        fn size(&self) -> usize {
            4096
        }

        fn read(&self, _: usize, _: &mut [u8]) -> Result<(), OutOfBounds> {
            Ok(())
        }

        fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
            if offset + from.len() <= 4096 { Ok(()) } else { Err(OutOfBounds) }
        }
    }

    fn mapped() -> Mailbox<Page> {
        let mailbox = Mailbox::new();
        mailbox.begin_map().unwrap().finish(Page, Page);
        mailbox
    }

    #[test]
    fn rx_goes_round() {
        let mailbox = mapped();
        for _ in 0..2 {
            mailbox.begin_write().unwrap().finish();
            assert_eq!(mailbox.begin_write().err(), Some(Refusal::RxBusy));
            assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::RxOwned));
            assert_eq!(mailbox.release(), Ok(()));
            assert_eq!(mailbox.release(), Err(Refusal::RxNotOwned));
        }
        assert!(mailbox.begin_unmap().is_ok());
        assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::NothingToUnmap));
        assert_eq!(mailbox.begin_write().err(), Some(Refusal::RxNotMapped));
    }

    #[test]
    fn while_rx_is_written_nobody_else_gets_it() {
        let mailbox = mapped();
        let mut writer = mailbox.begin_write().unwrap();
        assert_eq!(mailbox.begin_write().err(), Some(Refusal::RxBusy));
        assert_eq!(mailbox.release(), Err(Refusal::RxNotOwned));
        assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::RxOwned));
        assert_eq!(mailbox.begin_map().err(), Some(Refusal::AlreadyMapped));
        assert_eq!(writer.write(4090, &[0; 7]), Err(Refusal::HostFault));
        drop(writer);
        assert!(mailbox.begin_unmap().is_ok(), "a writer that gives up leaves RX empty");
    }

    #[test]
    fn while_one_vcpu_unmaps_its_siblings_find_nothing_and_map_nothing() {
        let mailbox = mapped();
        let (_tx, _rx, change) = mailbox.begin_unmap().unwrap();
        assert_eq!(mailbox.begin_map().err(), Some(Refusal::AlreadyMapped));
        assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::NothingToUnmap));
        assert_eq!(mailbox.begin_write().err(), Some(Refusal::RxNotMapped));
        assert_eq!(mailbox.release(), Err(Refusal::RxNotOwned));
        drop(change);
        assert!(mailbox.begin_map().is_ok(), "the pages are free, so the buffers may come again");
    }

    #[test]
    fn while_one_vcpu_sends_its_siblings_neither_send_nor_unmap() {
        let mailbox = mapped();
        let reader = mailbox.begin_send().unwrap();
        assert_eq!(mailbox.begin_send().err(), Some(Refusal::TxBusy));
        assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::TxBusy));
        mailbox.begin_write().unwrap().finish();
        assert_eq!(mailbox.release(), Ok(()), "RX has nothing to do with it");
        drop(reader);
        assert!(mailbox.begin_send().is_ok());
        assert!(mailbox.begin_unmap().is_ok());
        assert_eq!(mailbox.begin_send().err(), Some(Refusal::TxNotMapped));
    }

    #[test]
    fn a_mapping_that_fails_leaves_nothing() {
        let mailbox: Mailbox<Page> = Mailbox::new();
        let change = mailbox.begin_map().unwrap();
        assert_eq!(mailbox.begin_map().err(), Some(Refusal::AlreadyMapped));
        assert_eq!(mailbox.begin_unmap().err(), Some(Refusal::NothingToUnmap));
        drop(change);
        mailbox.begin_map().unwrap().finish(Page, Page);
        assert_eq!(mailbox.begin_map().err(), Some(Refusal::AlreadyMapped));
    }
}
