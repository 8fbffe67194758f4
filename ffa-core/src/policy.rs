//! Who may reach whom.

/// Who may discover whom; a later version of this value also says who may send and share.
///
/// The default lets VMs reach secure partitions only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Reach {
    #[default]
    SecurePartitions,
    Everybody,
}

impl Policy {
    /// A VM reaches secure partitions, and sees no other VM. The default.
    #[must_use]
    pub const fn vm_to_sp() -> Policy {
        Policy { reach: Reach::SecurePartitions }
    }

    /// Every VM reaches every other one.
    ///
    /// Insecure: a VM can tell every other VM of the system by its id, its UUID and its comings and
    /// goings. [`Host::taint`](crate::Host::taint) is always told.
    #[must_use]
    pub const fn allow_all() -> Policy {
        Policy { reach: Reach::Everybody }
    }

    /// Whether everything is allowed.
    #[must_use]
    pub const fn is_insecure(self) -> bool {
        matches!(self.reach, Reach::Everybody)
    }

    /// Whether VMs see other VMs.
    pub(crate) const fn shows_vms_to_vms(self) -> bool {
        matches!(self.reach, Reach::Everybody)
    }
}
