//! Every limit of the mediator: its name, its default, what happens beyond it.

/// What the mediator takes on. [`Limits::default`] is what the text gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most pages of 4 KiB in an RX or TX buffer: 16, told by `FFA_FEATURES`. More is answered with
    /// `INVALID_PARAMETERS`. At most 63, which is what the register can say.
    pub rxtx_pages: u8,
    /// Most secure partitions that are listed: 256. Further ones are left out, and the log says so.
    pub secure_partitions: u16,
}

impl Limits {
    /// How often a list of secure partitions is begun again when it changes while it is read.
    pub(crate) const SECURE_LIST_ATTEMPTS: usize = 4;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rxtx_pages: 16, secure_partitions: 256 }
    }
}
