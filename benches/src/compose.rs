//! Answers composed during a walk over contexts: what every list does, whatever protects it.

use ffa_abi::{PartitionInfo, Uuid, Version};
use zerocopy::{Immutable, IntoBytes};

use crate::host::Pages;
use crate::store::{Asker, Registers};

/// What `asker` sees: all others, and from 1.2 on itself.
fn seen<'i>(
    infos: impl Iterator<Item = &'i PartitionInfo>,
    asker: Asker,
) -> impl Iterator<Item = PartitionInfo> {
    let Asker { caller, version } = asker;
    let shows_own = version >= Version::V1_2;
    infos
        .filter(move |info| shows_own || info.id() != caller.into())
        .map(move |info| info.seen_by(version, Uuid::NIL))
}

/// Writes the list to `rx`, and returns how many descriptors it has.
///
/// The form is chosen outside of the loop: inside, the compiler's luck decides whether a descriptor
/// costs 2 ns or 6.
pub(crate) fn list<'i>(
    infos: impl Iterator<Item = &'i PartitionInfo>,
    asker: Asker,
    rx: &mut Pages,
) -> usize {
    let infos = seen(infos, asker);
    match asker.version {
        Version::V1_0 => write_all(infos.map(|info| info.to_1_0()), rx),
        _ => write_all(infos, rx),
    }
}

pub(crate) fn count<'i>(infos: impl Iterator<Item = &'i PartitionInfo>, asker: Asker) -> usize {
    seen(infos, asker).count()
}

/// Up to five descriptors from index `start` on, in the form of 1.2.
pub(crate) fn registers<'i>(
    infos: impl Iterator<Item = &'i PartitionInfo>,
    asker: Asker,
    start: usize,
) -> Registers {
    let asker = Asker { version: Version::V1_2, ..asker };
    to_registers(seen(infos, asker).skip(start))
}

pub(crate) fn to_registers(infos: impl Iterator<Item = PartitionInfo>) -> Registers {
    let mut registers = Registers::default();
    for (three, info) in registers.iter_mut().zip(infos) {
        *three = info.to_registers();
    }
    registers
}

/// Writes descriptors of one form, and returns how many.
fn write_all<D: IntoBytes + Immutable>(
    descriptors: impl Iterator<Item = D>,
    rx: &mut Pages,
) -> usize {
    let mut count = 0;
    for descriptor in descriptors {
        if rx.write(count * size_of::<D>(), descriptor.as_bytes()).is_err() {
            break;
        }
        count += 1;
    }
    count
}
