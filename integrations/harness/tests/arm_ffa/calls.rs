//! Calls: registers that both decode, and write again.

use std::fmt;

use arm_ffa::{Error, Interface};
use fastrand::Rng;
use ffa_abi::{Call, DecodeError, FunctionId, Regs, Version};

use crate::calls_known::KNOWN;
use crate::known::{Case, Tally, examples_show};
use crate::mapping::{same, version as their_version};
use crate::random::{VERSIONS, pick, regs};
use crate::verdict::{Verdict, ask};

/// Why ffa-abi does not take registers.
#[derive(PartialEq, Debug)]
pub(crate) enum Refusal {
    /// The caller's version has no such call: for the callee to find out, as a mediator does.
    NotInVersion,
    Decode(DecodeError),
}

/// Registers of a caller of one version.
pub(crate) struct CallCase {
    pub(crate) version: Version,
    pub(crate) regs: Regs,
    pub(crate) ours: Verdict<Call, Refusal>,
    pub(crate) theirs: Verdict<Interface, Error>,
    /// What arm-ffa writes for what it read.
    their_regs: Option<Verdict<Regs, Error>>,
}

impl CallCase {
    pub(crate) fn new(version: Version, regs: Regs) -> CallCase {
        let theirs = ask(|| Interface::from_regs(their_version(version), &regs.0));
        let their_regs = theirs.accepted().map(|interface| {
            ask(|| {
                let mut written = Regs::ZERO;
                interface.to_regs(their_version(version), &mut written.0);
                Ok(written)
            })
        });
        CallCase { version, regs, ours: ours(version, &regs), theirs, their_regs }
    }

    /// The call, where ffa-abi takes it.
    pub(crate) fn call(&self) -> Option<&Call> {
        self.ours.accepted()
    }

    /// The field that ffa-abi wants to be zero.
    pub(crate) fn reserved(&self) -> Option<(FunctionId, &'static str)> {
        match self.ours.refused()? {
            Refusal::Decode(DecodeError::Reserved { function, field }) => Some((*function, field)),
            _ => None,
        }
    }

    /// Whether arm-ffa takes registers of `id` in which ffa-abi wants one of these fields to be zero.
    pub(crate) fn ignores(&self, ids: &[FunctionId], fields: &[&str]) -> bool {
        let reserved = self.reserved();
        self.theirs.accepted().is_some()
            && reserved.is_some_and(|(id, field)| ids.contains(&id) && fields.contains(&field))
    }

    /// Whether both read the same.
    pub(crate) fn is_same(&self) -> bool {
        let both = self.ours.accepted().zip(self.theirs.accepted());
        both.is_some_and(|(ours, theirs)| same(ours, theirs))
    }

    /// What arm-ffa writes for what it read, unless it panics.
    pub(crate) fn their_regs(&self) -> Option<&Regs> {
        self.their_regs.as_ref()?.accepted()
    }
}

fn ours(version: Version, regs: &Regs) -> Verdict<Call, Refusal> {
    let id = FunctionId::from_bits(regs.w(0)).and_then(FunctionId::function);
    if id.is_some_and(|function| !function.exists_in(version)) {
        return Verdict::Refuses(Refusal::NotInVersion);
    }
    Call::decode(regs, version).map_err(Refusal::Decode).into()
}

impl Case for CallCase {
    fn agrees(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Verdict::Accepts(call), Verdict::Accepts(interface)) => {
                same(call, interface) && self.their_regs() == Some(&call.encode())
            }
            (Verdict::Refuses(_), Verdict::Refuses(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for CallCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallCase { version, regs, ours, theirs, .. } = self;
        writeln!(f, "at {version}: {regs:?}\nffa-abi: {ours}\narm-ffa: {theirs}")?;
        let written = self.ours.accepted().map(Call::encode);
        write!(f, "written by ffa-abi: {written:?}\nwritten by arm-ffa: {:?}", self.their_regs)
    }
}

#[test]
fn both_read_and_write_the_same_calls_save_for_the_known_differences() {
    let mut rng = Rng::with_seed(0x5eed_0001);
    let mut tally = Tally::new(KNOWN);
    for _ in 0..250_000 {
        let version = pick(&mut rng, &VERSIONS);
        let case = CallCase::new(version, regs(&mut rng));
        tally.take(&case);
        if let Some(call) = case.call() {
            tally.take(&CallCase::new(version, call.encode()));
        }
        if let Some(written) = case.their_regs() {
            tally.take(&CallCase::new(version, *written));
        }
    }
    tally.finish(250_000);
}

#[test]
fn each_known_difference_of_calls_shows_in_its_example() {
    examples_show(KNOWN);
}

#[test]
fn both_name_the_same_ids_save_for_those_that_arm_ffa_lacks() {
    use arm_ffa::FuncId;
    for function in ffa_abi::FUNCTIONS {
        let Ok(theirs) = FuncId::try_from(function.id.bits()) else { continue };
        assert_eq!(their_version(function.first), theirs.minimum_ffa_version(), "{function:?}");
        assert_eq!(function.id.width() == ffa_abi::Width::Bits32, theirs.is_32bit());
    }
    let theirs = (0..0x100).flat_map(|number| [0x8400_0000 | number, 0xc400_0000 | number]);
    for id in theirs.filter(|id| FuncId::try_from(*id).is_ok()) {
        assert!(FunctionId::from_bits(id).and_then(FunctionId::function).is_some(), "{id:#x}");
    }
}
