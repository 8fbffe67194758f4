//! The usual way: a linked list of VM contexts, walked under a lock, each descriptor composed on the
//! way.

use ffa_abi::{DESCRIPTORS_PER_CALL, PartitionInfo, Uuid, Version, VmId};
use zerocopy::IntoBytes;

use crate::host::Pages;

/// A VM's context, as large as the state of a mediator makes it.
struct Context {
    info: PartitionInfo,
    _state: [u64; 48],
    next: Option<Box<Context>>,
}

/// Contexts in the order of their ids, which is that of their allocation: the kindest order to a
/// walk.
pub(crate) struct ContextList {
    head: Option<Box<Context>>,
}

impl ContextList {
    pub(crate) fn new(infos: &[PartitionInfo]) -> Self {
        let contexts: Vec<_> = infos
            .iter()
            .map(|info| Box::new(Context { info: *info, _state: [0; 48], next: None }))
            .collect();
        let head = contexts.into_iter().rev().fold(None, |next, mut context| {
            context.next = next;
            Some(context)
        });
        ContextList { head }
    }

    fn infos(&self) -> impl Iterator<Item = &PartitionInfo> {
        let first = self.head.as_deref();
        std::iter::successors(first, |context| context.next.as_deref()).map(|context| &context.info)
    }

    /// What `caller` sees: all others, and from 1.2 on itself.
    fn seen_by(&self, caller: VmId, version: Version) -> impl Iterator<Item = PartitionInfo> {
        let shows_own = version >= Version::V1_2;
        self.infos()
            .filter(move |info| shows_own || info.id() != caller.into())
            .map(move |info| info.seen_by(version, Uuid::NIL))
    }

    /// Writes the list to `rx`, and returns how many descriptors it has.
    pub(crate) fn write(&self, caller: VmId, version: Version, rx: &mut Pages) -> usize {
        let mut offset = 0;
        let mut count = 0;
        for info in self.seen_by(caller, version) {
            let old = info.to_1_0();
            let bytes = if version == Version::V1_0 { old.as_bytes() } else { info.as_bytes() };
            if rx.write(offset, bytes).is_err() {
                break;
            }
            offset += bytes.len();
            count += 1;
        }
        count
    }

    pub(crate) fn count(&self, caller: VmId, version: Version) -> usize {
        self.seen_by(caller, version).count()
    }

    /// Up to five descriptors from index `start` on.
    pub(crate) fn registers(&self, caller: VmId, start: usize) -> [[u64; 3]; DESCRIPTORS_PER_CALL] {
        let mut registers = [[0; 3]; DESCRIPTORS_PER_CALL];
        let infos = self.seen_by(caller, Version::V1_2).skip(start);
        for (three, info) in registers.iter_mut().zip(infos) {
            *three = info.to_registers();
        }
        registers
    }

    /// How many vCPUs a VM has, if there is such a VM.
    pub(crate) fn find(&self, id: VmId) -> Option<u16> {
        let mut infos = self.infos();
        infos.find(|info| info.id() == id.into()).map(PartitionInfo::execution_contexts)
    }
}

impl Drop for ContextList {
    /// One by one: dropping the head alone would recurse down the list.
    fn drop(&mut self) {
        let mut next = self.head.take();
        while let Some(mut context) = next {
            next = context.next.take();
        }
    }
}
