//! What is counted.

use std::hint::black_box;

use ffa_abi::{Features, FunctionId, GetVersion, IdGet, Regs, Request, Version, VmId};
use ffa_benches::{
    CHANGE_BUDGET, Client, DirectoryRegistry, Mediated, Population, Reader, Refused, Store,
};
use ffa_rcu::Slots;

/// How many partitions there are.
pub(crate) const SIZE: u16 = 8;

/// All names, those of the registry alone first.
pub(crate) const OPERATIONS: [&str; 13] = [
    "registry count",
    "registry list",
    "registry registers",
    "registry lookup",
    "registry two changes",
    "mediator version",
    "mediator id",
    "mediator features",
    "mediator count",
    "mediator list",
    "mediator registers",
    "mediator registers on",
    "mediator two changes",
];

/// Does something so many times.
type Repeat = Box<dyn FnMut(u32)>;

/// The operation of this name, with all that it needs set up.
pub(crate) fn operation(name: &str) -> Option<Repeat> {
    let (who, what) = name.split_once(' ')?;
    let population = Population::new(SIZE, Version::V1_2);
    match who {
        // Lives as long as the program: readers borrow it.
        "registry" => {
            let registry = DirectoryRegistry::<Slots>::new(&population.infos);
            of_store(Box::leak(Box::new(registry)), &population, what)
        }
        "mediator" => {
            let mediator = Mediated::new(&population.infos, Version::V1_2);
            let mediator: &Mediated = Box::leak(Box::new(mediator));
            let client = mediator.reader(0, population.asker);
            of_calls(client, what).or_else(|| of_store(mediator, &population, what))
        }
        _ => None,
    }
}

/// Calls that no other contender has.
fn of_calls(mut client: Client<'static>, what: &str) -> Option<Repeat> {
    let call: Regs = match what {
        "version" => GetVersion::new(Version::V1_2).encode(),
        "id" => IdGet.encode(),
        "features" => Features::of(FunctionId::RXTX_MAP_64).encode(),
        _ => return None,
    };
    Some(repeat(move || client.handle(black_box(&call)).w(2)))
}

fn of_store<S: Store>(store: &'static S, population: &Population, what: &str) -> Option<Repeat> {
    let asker = population.asker;
    if what == "two changes" {
        let info = *population.infos.get(1)?;
        let id = VmId::new(info.id().0)?;
        return Some(repeat(move || {
            let left = store.leave(id);
            store.reclaim(CHANGE_BUDGET);
            while store.join(info) == Err(Refused::Draining) {
                store.reclaim(CHANGE_BUDGET);
            }
            (left, store.reclaim(CHANGE_BUDGET))
        }));
    }
    let mut reader = store.reader(0, asker);
    Some(match what {
        "count" => repeat(move || reader.count()),
        "list" => repeat(move || reader.list()),
        "registers" => repeat(move || reader.registers(0)),
        "registers on" => repeat(move || reader.registers(5)),
        "lookup" => repeat(move || reader.lookup(black_box(asker.caller))),
        _ => return None,
    })
}

/// The loop is compiled together with what it repeats.
fn repeat<A>(mut work: impl FnMut() -> A + 'static) -> Repeat {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(work());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_operation() {
        for name in OPERATIONS {
            operation(name).unwrap_or_else(|| panic!("{name}"))(3);
        }
        assert!(operation("registry dance").is_none());
    }
}
