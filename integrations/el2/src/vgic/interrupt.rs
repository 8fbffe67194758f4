//! One interrupt's state, and banks of 32.

use super::list_register::State;

/// Priority bits that the list registers always implement.
const PRIORITY_BITS: u8 = 0xF8;
/// `GICD_IROUTER`: affinity fields only; this GIC does not choose among vCPUs.
const ROUTE_BITS: u64 = 0x00FF_00FF_FFFF;

/// What is known of one interrupt while it is not in a list register; while it is, what happened
/// to it since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupt {
    edge: bool,
    enabled: bool,
    priority: u8,
    /// Level of its input.
    line: bool,
    /// Raised by an edge or a write, and not yet handed to the guest.
    latched: bool,
    active: bool,
    /// The vCPU that has it in a list register.
    listed: Option<usize>,
    /// The list register carries a latched interrupt: if it comes back unserved it is latched
    /// again, whatever the line does.
    carries_latch: bool,
    /// Affinity that an SPI is routed to; a private interrupt's vCPU.
    route: u64,
    /// The vCPU that acknowledged it, while active.
    server: usize,
}

impl Interrupt {
    const fn new(edge: bool, route: u64) -> Self {
        Self {
            edge,
            enabled: false,
            priority: 0,
            line: false,
            latched: false,
            active: false,
            listed: None,
            carries_latch: false,
            route,
            server: 0,
        }
    }

    pub(super) fn is_edge(&self) -> bool {
        self.edge
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(super) fn is_pending(&self) -> bool {
        self.latched || self.carries_latch || (self.line && !self.edge)
    }

    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    pub(super) fn priority(&self) -> u8 {
        self.priority
    }

    pub(super) fn route(&self) -> u64 {
        self.route
    }

    pub(super) fn listed_on(&self) -> Option<usize> {
        self.listed
    }

    pub(super) fn set_edge(&mut self, edge: bool) {
        self.edge = edge;
    }

    pub(super) fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    pub(super) fn set_priority(&mut self, priority: u8) {
        self.priority = priority & PRIORITY_BITS;
    }

    pub(super) fn set_route(&mut self, route: u64) {
        self.route = route & ROUTE_BITS;
    }

    pub(super) fn raise(&mut self) {
        self.latched = true;
    }

    /// A guest's write to `ICPENDR`; a level stays as long as its line does.
    pub(super) fn clear_pending(&mut self) {
        self.latched = false;
        self.carries_latch = false;
    }

    pub(super) fn set_active(&mut self, active: bool) {
        self.active = active;
        self.server = self.target().unwrap_or(self.server);
    }

    pub(super) fn set_line(&mut self, level: bool) {
        self.latched |= self.edge && level && !self.line;
        self.line = level;
    }

    /// The vCPU whose list registers it goes to.
    pub(super) fn handler(&self) -> Option<usize> {
        if self.active { Some(self.server) } else { self.target() }
    }

    fn target(&self) -> Option<usize> {
        usize::try_from(self.route).ok()
    }

    /// Waits here for a vCPU that could take it now.
    pub(super) fn deliverable(&self) -> bool {
        self.listed.is_none() && !self.active && self.enabled && self.is_pending()
    }

    pub(super) fn wants_list(&self, group_enabled: bool) -> bool {
        let active = self.listed.is_none() && self.active;
        active || (group_enabled && self.deliverable())
    }

    /// Smaller goes first: what the guest is busy with, so that its end of interrupt finds it;
    /// then by priority.
    pub(super) fn urgency(&self, intid: u32) -> (bool, u8, u32) {
        (!self.active, self.priority, intid)
    }

    /// Goes into a list register of `vcpu`, in the state returned.
    pub(super) fn list(&mut self, vcpu: usize) -> State {
        // A level that is still high when the guest is done with it is sampled again then.
        let again = self.edge || !self.active;
        let pending = self.enabled && self.is_pending() && again;
        self.listed = Some(vcpu);
        self.carries_latch = pending && self.latched;
        self.latched &= !pending;
        State { pending, active: self.active }
    }

    /// Comes back from a list register of `vcpu` that the guest has left in `state`.
    pub(super) fn unlist(&mut self, vcpu: usize, state: State) {
        if self.listed != Some(vcpu) {
            return;
        }
        self.listed = None;
        self.active = state.active;
        self.server = vcpu;
        self.latched |= state.pending && self.carries_latch;
        self.carries_latch = false;
    }

    fn is_idle(&self) -> bool {
        !self.is_pending() && !self.active && self.listed.is_none()
    }
}

/// 32 interrupts with consecutive numbers.
#[derive(Debug)]
pub(super) struct Bank {
    interrupts: [Interrupt; 32],
    /// Those that are not idle, so that an entry into a guest looks at nothing else.
    live: u32,
}

impl Bank {
    /// SGIs, which are edges, and PPIs of one vCPU.
    pub(super) fn private(vcpu: usize) -> Self {
        let interrupt = |index| Interrupt::new(index < 16, vcpu as u64);
        Self { interrupts: core::array::from_fn(interrupt), live: 0 }
    }

    /// SPIs, routed to vCPU 0.
    pub(super) fn shared() -> Self {
        Self { interrupts: [Interrupt::new(false, 0); 32], live: 0 }
    }

    pub(super) fn get(&self, index: u32) -> Option<&Interrupt> {
        self.interrupts.get(usize::try_from(index).ok()?)
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (u32, &Interrupt)> {
        let live = self.live;
        (0..).zip(&self.interrupts).filter(move |(index, _)| live >> index & 1 != 0)
    }

    /// Changes an interrupt and gives it as it is then.
    pub(super) fn update(
        &mut self,
        index: u32,
        change: impl FnOnce(&mut Interrupt),
    ) -> Option<&Interrupt> {
        let interrupt = self.interrupts.get_mut(usize::try_from(index).ok()?)?;
        change(interrupt);
        let bit = 1_u32.checked_shl(index)?;
        self.live = if interrupt.is_idle() { self.live & !bit } else { self.live | bit };
        Some(interrupt)
    }
}
