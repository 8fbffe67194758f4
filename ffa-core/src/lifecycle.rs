//! VMs come and go.

use core::fmt;
use core::sync::atomic::Ordering;

use ffa_abi::VmId;
use ffa_rcu::{Backend, Backlog, InsertError, OutOfMemory, Reclaimed, ReplaceError, State};

use crate::directory;
use crate::host::Host;
use crate::mediator::Mediator;
use crate::vm::{Vm, VmConfig};

/// Why a VM was not created. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// A VM has at least one vCPU.
    NoVcpus,
    /// A VM of this id exists.
    IdTaken,
    /// The VM that had this id was destroyed, and a CPU may still be in a call that found it. Call
    /// [`Mediator::reclaim`], and try again.
    IdDraining,
    /// No memory.
    NoMemory,
    /// More than [`Limits::retired_bytes`](crate::Limits::retired_bytes) wait to be freed. Call
    /// [`Mediator::reclaim`], and try again.
    TooMuchRetired(Backlog),
}

/// Why a VM was not destroyed. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DestroyError {
    /// No VM of this id exists.
    UnknownId,
    /// No memory for a directory without the VM. Free some, and try again.
    NoMemory,
    /// More than [`Limits::retired_bytes`](crate::Limits::retired_bytes) wait to be freed. Call
    /// [`Mediator::reclaim`], and try again.
    TooMuchRetired(Backlog),
}

impl<H: Host, B: Backend> Mediator<H, B> {
    /// A VM exists, and may call. Others see it once it has negotiated a version and made a call.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn create_vm(&self, config: VmConfig) -> Result<(), CreateError> {
        if config.vcpus == 0 {
            return Err(CreateError::NoVcpus);
        }
        let incarnation = self.incarnations.fetch_add(1, Ordering::Relaxed);
        let vm = Vm::try_new(config, incarnation).map_err(|OutOfMemory| CreateError::NoMemory)?;
        self.registry.write().insert(config.id.get(), vm)?;
        Ok(())
    }

    /// A VM is gone: no list that is begun from now on shows it, and its calls are refused.
    ///
    /// Its vCPUs may still be in calls, on other CPUs: they end as usual, and may call
    /// [`Host::map_buffer`] or write to a buffer meanwhile. What the VM had, its buffers too, is
    /// dropped by [`Mediator::reclaim`] once no call can reach it; [`Mediator::is_gone`] tells when.
    ///
    /// # Errors
    /// See [`DestroyError`].
    pub fn destroy_vm(&self, id: VmId) -> Result<(), DestroyError> {
        self.withdraw(id)?;
        self.host.poll_is_due();
        Ok(())
    }

    fn withdraw(&self, id: VmId) -> Result<(), DestroyError> {
        let mut writer = self.registry.write();
        let vm = writer.find(id.get()).ok_or(DestroyError::UnknownId)?;
        // A sibling vCPU that wants to publish waits for this writer, and then finds the VM
        // withdrawn: whether it is listed cannot change here.
        if matches!(vm.state(), State::Published(_)) {
            directory::leave(&mut writer, id)?.commit();
        }
        // Nothing below fails.
        if let Some(vm) = writer.find(id.get()) {
            vm.publication.withdraw();
        }
        writer.remove(id.get());
        Ok(())
    }

    /// Whether no VM of this id exists, and nothing of one that was destroyed is left: no call of
    /// its runs, all its buffers are dropped, and [`Mediator::create_vm`] takes the id again.
    #[must_use]
    pub fn is_gone(&self, id: VmId) -> bool {
        self.registry.is_vacant(id.get())
    }

    /// Frees up to `budget` objects that no call can reach any more: VMs that were destroyed, and
    /// directories that VMs have joined or left.
    ///
    /// From the host's idle loop or a tasklet, and often: not after destroying VMs only. Takes the
    /// writer's lock for a moment an object, and drops objects without it.
    pub fn reclaim(&self, budget: usize) -> Reclaimed {
        self.registry.reclaim(budget)
    }
}

impl From<InsertError> for CreateError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Taken => CreateError::IdTaken,
            InsertError::Draining => CreateError::IdDraining,
            InsertError::Backlog(backlog) => CreateError::TooMuchRetired(backlog),
            // A VM id has 15 bits.
            InsertError::OutOfMemory | InsertError::IdOutOfRange => CreateError::NoMemory,
        }
    }
}

impl From<ReplaceError> for DestroyError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::OutOfMemory => DestroyError::NoMemory,
            ReplaceError::Backlog(backlog) => DestroyError::TooMuchRetired(backlog),
        }
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CreateError::NoVcpus => f.write_str("a VM needs at least one vCPU"),
            CreateError::IdTaken => f.write_str("a VM with this id exists"),
            CreateError::IdDraining => {
                f.write_str("the VM that had this id is still being torn down")
            }
            CreateError::NoMemory => f.write_str("no memory for the VM's context"),
            CreateError::TooMuchRetired(backlog) => fmt::Display::fmt(backlog, f),
        }
    }
}

impl fmt::Display for DestroyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DestroyError::UnknownId => f.write_str("no VM with this id exists"),
            DestroyError::NoMemory => f.write_str("no memory to take the VM out of the directory"),
            DestroyError::TooMuchRetired(backlog) => fmt::Display::fmt(backlog, f),
        }
    }
}

impl core::error::Error for CreateError {}
impl core::error::Error for DestroyError {}
