//! What calls cost their callers, by the guest `meter`: on Xen, and on the hypervisor in
//! `integrations/el2` beside it.

use ffa_el2::bundle::{Options, PolicyKind};

use crate::console::{Console, Source};
use crate::emulator::{End, Machine};
use crate::failure::{Failure, Result};
use crate::fleet::Fleet;
use crate::guest::Guest;
use crate::summary::Verdict;
use crate::vm::Vm;
use crate::{image, qemu, table};

/// The VM that measures, and how many there are.
const METER: u16 = 1;
pub(crate) const VMS: u8 = 3;
/// What the guest measures that is no call of FF-A.
const NOTHING: &str = "nothing";

const FOOT: &str = "\
With the way from the guest into the hypervisor and back, which PSCI_VERSION shows alone: ffa-el2
saves and loads all of a guest's registers at every exit, Xen those that it needs.
";

/// Calls and their cost in nanoseconds of virtual time, which are instructions where these are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Costs(Vec<(String, u64)>);

impl Costs {
    /// What the meter, VM 1, has printed: `METER name number ns`.
    pub(crate) fn of(console: &Console) -> Result<Self> {
        let lines = console.of(Source::Vm(METER)).filter_map(|line| line.strip_prefix("METER "));
        let cost = |line: &str| {
            let (name, rest) = line.split_once(' ')?;
            Some((name.to_owned(), rest.strip_suffix(" ns")?.parse().ok()?))
        };
        let costs: Option<Vec<_>> = lines.map(cost).collect();
        match costs {
            Some(costs) if costs.len() > 1 => Ok(Self(costs)),
            _ => Err(Failure::failed("the meter has not measured")),
        }
    }

    fn get(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, cost)| *cost)
    }

    /// The cost of a call without that of measuring.
    fn net(&self, name: &str) -> String {
        let nothing = self.get(NOTHING).unwrap_or(0);
        self.get(name).map_or("-".into(), |cost| cost.saturating_sub(nothing).to_string())
    }
}

/// Instructions a call, with the trap into the hypervisor and back.
pub(crate) fn comparison(xen: &Costs, el2: &Costs) -> String {
    let names = xen.0.iter().map(|(name, _)| name).filter(|name| *name != NOTHING);
    let rows: Vec<[String; 3]> =
        names.map(|name| [name.clone(), xen.net(name), el2.net(name)]).collect();
    let table = table::render(["instructions a call", "Xen", "ffa-el2"], &rows);
    format!("{table}{FOOT}")
}

/// Measures on the hypervisor in `integrations/el2`, counting instructions.
pub(crate) fn el2_costs() -> Result<Costs> {
    image::guests()?;
    let vms = [vm("meter", VMS), vm("keeper", 1), vm("keeper", 1)];
    let guests = vms.into_iter().map(Guest::load).collect::<Result<_>>()?;
    let fleet = Fleet { guests, options: Options { policy: PolicyKind::AllowAll, trace: false } };
    let machine = Machine { cpus: 1, icount: true, ..Machine::default() };
    let run = qemu::boot(&machine, &fleet, false)?;
    if run.end != End::Off {
        qemu::report(&run, &fleet)?;
    }
    Verdict::find(run.console.of(Source::Vm(METER))).require(METER)?;
    Costs::of(&run.console)
}

/// The first `permanent` VMs are those that it waits for: the others to come, or the first to leave.
fn vm(guest: &str, permanent: u8) -> Vm {
    let argument = u64::from(permanent) << 40 | 2 << 16;
    Vm { properties: 0, argument, ..Vm::new(image::guest(guest)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::console::EL2;

    fn costs(lines: &[&str]) -> Result<Costs> {
        let mut console = Console::of_dialect(EL2);
        lines.iter().for_each(|line| console.push(line, Duration::ZERO));
        Costs::of(&console)
    }

    #[test]
    fn costs_are_read_and_compared() {
        let xen = costs(&["[vm1] METER nothing 16 ns", "[vm1] METER ID_GET 816 ns"]).unwrap();
        let el2 = costs(&["[vm1] METER nothing 32 ns", "[vm1] METER count 900 ns"]).unwrap();
        let text = comparison(&xen, &el2);
        assert!(text.contains("ID_GET               800  -"), "{text}");
    }

    #[test]
    fn a_meter_that_did_not_measure_is_a_failure() {
        assert!(costs(&["[vm1] RESULT PASS"]).is_err());
        assert!(costs(&["[vm1] METER nothing 16 ns"]).is_err());
        assert!(costs(&["[vm1] METER nothing 16 ns", "[vm1] METER ID_GET much ns"]).is_err());
    }
}
