//! VMs come and go.

use core::fmt;

use ffa_abi::VmId;
use ffa_rcu::{InsertError, OutOfMemory, Reclaimed, ReplaceError, State};

use crate::host::Host;
use crate::mediator::Mediator;
use crate::vm::{Vm, VmConfig};

const TOO_MUCH_RETIRED: &str = "too much memory waits for a CPU that does not leave its call";

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
    /// Too much memory waits for readers that have not left: a CPU is stalled inside a call. Call
    /// [`Mediator::reclaim`], and try again.
    TooMuchRetired,
}

/// Why a VM was not destroyed. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DestroyError {
    /// No VM of this id exists.
    UnknownId,
    /// No memory for a directory without the VM. Free some, and try again.
    NoMemory,
    /// Too much memory waits for readers that have not left: a CPU is stalled inside a call. Call
    /// [`Mediator::reclaim`], and try again.
    TooMuchRetired,
}

impl<H: Host> Mediator<H> {
    /// A VM exists, and may call. Others see it once it has negotiated a version and made a call.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn create_vm(&self, config: VmConfig) -> Result<(), CreateError> {
        if config.vcpus == 0 {
            return Err(CreateError::NoVcpus);
        }
        self.registry.write().insert(config.id.get(), Vm::new(config))?;
        Ok(())
    }

    /// A VM is gone: when this returns no list shows it and its calls are refused.
    ///
    /// Its vCPUs may still be in calls, on other CPUs: they end as usual. What it had, its mapped
    /// buffers too, is dropped by [`Mediator::reclaim`] once no call can reach it.
    ///
    /// # Errors
    /// See [`DestroyError`].
    pub fn destroy_vm(&self, id: VmId) -> Result<(), DestroyError> {
        let mut writer = self.registry.write();
        let vm = writer.find(id.get()).ok_or(DestroyError::UnknownId)?;
        // A sibling vCPU that wants to publish waits for this writer, and then finds the VM
        // withdrawn: whether it is listed cannot change here.
        if matches!(vm.state(), State::Published(_)) {
            let directory = writer.snapshot().without_vm(id)?;
            writer.replace(directory)?;
        }
        // Nothing below fails.
        if let Some(vm) = writer.find(id.get()) {
            vm.publication.withdraw();
        }
        writer.remove(id.get());
        Ok(())
    }

    /// Frees up to `budget` objects that no call can reach any more. Destructors run here, and
    /// nowhere else. For the host's idle loop, and after destroying VMs.
    pub fn reclaim(&self, budget: usize) -> Reclaimed {
        self.registry.reclaim(budget)
    }
}

impl From<InsertError> for CreateError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Taken => CreateError::IdTaken,
            InsertError::Draining => CreateError::IdDraining,
            InsertError::Backlog(_) => CreateError::TooMuchRetired,
            // A VM id has 15 bits.
            InsertError::OutOfMemory | InsertError::IdOutOfRange => CreateError::NoMemory,
        }
    }
}

impl From<ReplaceError> for DestroyError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::OutOfMemory => DestroyError::NoMemory,
            ReplaceError::Backlog(_) => DestroyError::TooMuchRetired,
        }
    }
}

impl From<OutOfMemory> for DestroyError {
    fn from(_: OutOfMemory) -> Self {
        DestroyError::NoMemory
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CreateError::NoVcpus => "a VM needs at least one vCPU",
            CreateError::IdTaken => "a VM with this id exists",
            CreateError::IdDraining => "the VM that had this id is still being torn down",
            CreateError::NoMemory => "no memory for the VM's context",
            CreateError::TooMuchRetired => TOO_MUCH_RETIRED,
        })
    }
}

impl fmt::Display for DestroyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DestroyError::UnknownId => "no VM with this id exists",
            DestroyError::NoMemory => "no memory to take the VM out of the directory",
            DestroyError::TooMuchRetired => TOO_MUCH_RETIRED,
        })
    }
}

impl core::error::Error for CreateError {}
impl core::error::Error for DestroyError {}
