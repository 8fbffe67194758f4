//! What toolstack calls pass, as Xen 4.17 lays it out for AArch64 (`xen/include/public`: domctl.h,
//! sysctl.h, arch-arm.h). Xen refuses the interface version of any other layout.

/// The part of a call that depends on its command; in words, as nearly all its fields are.
pub type Payload = [u32; 32];

/// A call about one domain, `struct xen_domctl`.
///
/// ```text
/// offset 0         4                   8        10     16        144
///        | command | interface version | domain | RES0 | payload |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Domctl {
    /// What to do.
    pub command: u32,
    interface_version: u32,
    /// With which domain; the reply says with which it was done.
    pub domain: u16,
    reserved: [u16; 3],
    /// The command's own part, of call and reply.
    pub payload: Payload,
}

const _: () = assert!(size_of::<Domctl>() == 144);

impl Domctl {
    /// `XEN_DOMCTL_createdomain`.
    pub const CREATE: u32 = 1;
    /// `XEN_DOMCTL_destroydomain`.
    pub const DESTROY: u32 = 2;
    /// `XEN_DOMCTL_unpausedomain`.
    pub const UNPAUSE: u32 = 4;
    /// `XEN_DOMCTL_getdomaininfo`.
    pub const INFO: u32 = 5;
    /// `XEN_DOMCTL_max_mem`: how much memory it may have, in KB.
    pub const MEMORY: u32 = 11;
    /// `XEN_DOMCTL_setvcpucontext`: its vCPU, and at word 2 the address of its registers.
    pub const SET_VCPU: u32 = 12;
    /// `XEN_DOMCTL_max_vcpus`: gives it all the vCPUs that it can have.
    pub const VCPUS: u32 = 15;
    /// `XEN_DOMCTL_set_address_size`: 32 or 64 bits.
    pub const WIDTH: u32 = 35;
    /// `XEN_DOMCTL_set_paging_mempool_size`: how much memory maps its memory, in bytes.
    pub const MAPPING: u32 = 86;

    /// The call `command` about `domain`.
    #[must_use]
    pub const fn new(command: u32, domain: u16, payload: Payload) -> Self {
        Self { command, interface_version: 0x15, domain, reserved: [0; 3], payload }
    }
}

/// A call about the machine, `struct xen_sysctl`.
///
/// ```text
/// offset 0         4                   8         136
///        | command | interface version | payload |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Sysctl {
    /// What to do.
    pub command: u32,
    interface_version: u32,
    /// The command's own part, of call and reply.
    pub payload: Payload,
}

const _: () = assert!(size_of::<Sysctl>() == 136);

impl Sysctl {
    /// `XEN_SYSCTL_physinfo`.
    pub const MACHINE_INFO: u32 = 3;

    /// The call `command`.
    #[must_use]
    pub const fn new(command: u32) -> Self {
        Self { command, interface_version: 0x15, payload: [0; 32] }
    }

    /// `free_pages` of `struct xen_sysctl_physinfo`, at its offset 48: pages that nobody has.
    #[must_use]
    pub const fn free_pages(&self) -> u64 {
        double(self.payload[12], self.payload[13])
    }
}

/// A domain to create, `struct xen_domctl_createdomain`, as far as it can be chosen here.
///
/// ```text
/// word  0: ssidref                  1-4: handle            5: flags
///       6: iommu_opts                 7: max_vcpus         8: max_evtchn_port
///       9: max_grant_frames          10: max_maptrack_frames
///      11: grant_opts                12: vmtrace_size     13: cpupool_id
///      14: tee_type << 16 | gic_version                   15: nr_spis
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDomain {
    /// How many vCPUs it can have; it is created without any.
    pub max_vcpus: u32,
    /// The newest grant table version that it can use.
    pub grant_version: u32,
    /// The group of CPUs that run it.
    pub cpu_pool: u32,
    /// The mediator that handles its calls.
    pub tee: Tee,
}

/// `XEN_DOMCTL_CONFIG_TEE_*`: the mediator for a domain's calls to secure firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tee {
    /// None.
    None = 0,
    /// FF-A.
    Ffa = 2,
}

impl NewDomain {
    /// One vCPU, on any CPU.
    #[must_use]
    pub const fn new(tee: Tee) -> Self {
        Self { max_vcpus: 1, grant_version: 1, cpu_pool: 0, tee }
    }

    /// As the call passes it; the rest of its limits are Xen's own, and so is the GIC's version.
    #[must_use]
    pub const fn payload(self) -> Payload {
        const HARDWARE_VIRTUALIZATION: u32 = 0b11;
        const DEFAULT: u32 = u32::MAX;
        let mut words = [0; 32];
        words[5] = HARDWARE_VIRTUALIZATION;
        words[7] = self.max_vcpus;
        words[8] = DEFAULT;
        words[9] = DEFAULT;
        words[10] = DEFAULT;
        words[11] = self.grant_version;
        words[13] = self.cpu_pool;
        words[14] = (self.tee as u32) << 16;
        words
    }
}

/// A domain that exists, from `struct xen_domctl_getdomaininfo`.
///
/// ```text
/// word 0: domain    1: flags    2-3: tot_pages
///
/// flags 23            16      2        0
///      | shutdown reason | shutdown | dying |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: u16,
    /// How many pages it has.
    pub pages: u64,
    flags: u32,
}

impl Domain {
    /// From the reply to [`Domctl::INFO`].
    #[must_use]
    pub const fn from_reply(reply: &Domctl) -> Self {
        let [_, flags, low, high, ..] = reply.payload;
        Self { id: reply.domain, pages: double(low, high), flags }
    }

    /// Whether it is destroyed, and there only as long as somebody holds on to it.
    #[must_use]
    pub const fn is_dying(&self) -> bool {
        self.flags & 1 << 0 != 0
    }

    /// Why it does not run any more, if so.
    #[must_use]
    pub fn shutdown(&self) -> Option<Shutdown> {
        let [_, _, reason, _] = self.flags.to_le_bytes();
        (self.flags & 1 << 2 != 0).then_some(Shutdown(reason))
    }
}

/// `SHUTDOWN_*`: why a domain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown(pub u8);

impl Shutdown {
    /// It turned itself off.
    pub const POWER_OFF: Self = Self(0);
    /// It reset itself, and wants to be started again.
    pub const REBOOT: Self = Self(1);
}

impl core::fmt::Display for Shutdown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            0 => f.write_str("powered off"),
            1 => f.write_str("reset"),
            3 => f.write_str("crashed"),
            reason => write!(f, "shut down for reason {reason}"),
        }
    }
}

/// The payload of a call that passes one number.
pub(super) const fn payload_of(value: u64) -> Payload {
    let mut words = [0; 32];
    [words[0], words[1]] = halves(value);
    words
}

/// A number in two words of a payload.
#[must_use]
pub const fn halves(value: u64) -> [u32; 2] {
    [(value & 0xFFFF_FFFF) as u32, (value >> 32) as u32]
}

const fn double(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}
